//! The whole of a registration in a real Chromium, each page looked at.

use fantoccini::Locator;

use super::{ANNA, FANG, LIN, NEW_PASSWORD};
use crate::journey::newest_code;
use crate::kit::demo::{Chromium, free_ports, start};

async fn choose(chromium: &Chromium, select: &str, value: &str) {
    let found = chromium.window.find(Locator::Css(select)).await.unwrap();
    found.select_by_value(value).await.unwrap();
}

async fn ask_for_code(chromium: &Chromium, contact: &str) {
    chromium.type_into("#password", NEW_PASSWORD).await;
    chromium.type_into("#repeated", NEW_PASSWORD).await;
    chromium.type_into("#contact", contact).await;
    chromium.click("#register-send").await;
    chromium.window.wait().for_element(Locator::Css("#code")).await.unwrap();
}

async fn type_code(chromium: &Chromium, port: u16) {
    chromium.type_into("#code", &newest_code(port).await).await;
    chromium.click("#register-next").await;
}

///
#[tokio::test(flavor = "multi_thread")]
async fn a_person_registers_and_signs_in() {
    let Some(chromium) = Chromium::open(1440, 900).await else { return };
    let Some(phone) = Chromium::open(500, 900).await else { return };
    let folder = tempfile::tempdir().unwrap();
    let port = free_ports();
    let _demo = start(port, folder.path()).await;
    let at = |offset: u16, path: &str| format!("http://localhost:{}{path}", port + offset);
    chromium.window.goto(&at(2, "/sign-in")).await.unwrap();
    chromium.click("a[href*='entrance=natural_person']").await;
    chromium.click("#to-register").await;
    chromium.inspect("register-begin").await;
    chromium.click("#register-next").await;
    chromium.inspect("register-begin-refused").await;
    chromium.click_here("#accept-user-agreement").await;
    chromium.click("#register-next").await;
    chromium.inspect("register-identity").await;
    chromium.click("#register-next").await;
    chromium.inspect("register-identity-refused").await;
    chromium.type_into("#name", FANG.name).await;
    chromium.type_into("#document", FANG.number).await;
    chromium.click("#register-next").await;
    assert_eq!(chromium.text("#register-sex").await, "男");
    assert_eq!(chromium.text("#register-nationality").await, "中国");
    chromium.inspect("register-contact").await;
    ask_for_code(&chromium, FANG.contact).await;
    chromium.inspect("register-code").await;
    type_code(&chromium, port).await;
    chromium.inspect("register-agreements").await;
    chromium.click_here("#accept-personal-information").await;
    chromium.click_here("#accept-face-service").await;
    chromium.click("#register-next").await;
    chromium.inspect("register-face").await;
    let code = chromium.window.find(Locator::Css("a.qr")).await.unwrap();
    let code = code.attr("href").await.unwrap().unwrap();
    phone.window.goto(&code).await.unwrap();
    phone.window.wait().for_element(Locator::Css("#number")).await.unwrap();
    phone.inspect("register-phone").await;
    phone.type_into("#number", &chromium.number().await).await;
    phone.click("#phone-confirm").await;
    phone.click("#face-passed").await;
    // The desktop goes on by itself.
    chromium.window.wait().for_element(Locator::Css("#register-done")).await.unwrap();
    chromium.inspect("register-done").await;
    chromium.click("#register-sign-in").await;
    chromium.click("a[href*='entrance=natural_person']").await;
    chromium.type_into("#personal_id", FANG.number).await;
    chromium.type_into("#password", NEW_PASSWORD).await;
    chromium.type_into("#slider", "\u{e010}").await;
    chromium.click("#login-submit").await;
    // A minute after the last code another one goes out.
    chromium.devtools("Network.clearBrowserCache", serde_json::json!({})).await;
    assert!(chromium.text("h1").await.contains("验证"));

    // The hall's phone spares the face.
    chromium.window.delete_all_cookies().await.unwrap();
    chromium.window.goto(&at(0, "/realms/jiangxi/register")).await.unwrap();
    chromium.click_here("#accept-user-agreement").await;
    chromium.click("#register-next").await;
    chromium.type_into("#name", LIN.name).await;
    chromium.type_into("#document", LIN.number).await;
    chromium.click("#register-next").await;
    ask_for_code(&chromium, LIN.contact).await;
    type_code(&chromium, port).await;
    chromium.window.wait().for_element(Locator::Css("#register-hall")).await.unwrap();
    chromium.inspect("register-hall").await;
    chromium.click_here("#accept-personal-information").await;
    chromium.click("#register-next").await;
    chromium.window.wait().for_element(Locator::Css("#register-done")).await.unwrap();

    // Once more: there is an account; and from overseas, in English.
    chromium.window.goto(&at(0, "/realms/jiangxi/register?way=overseas")).await.unwrap();
    chromium.click("header nav a").await;
    chromium.inspect("register-overseas-en").await;
    chromium.click_here("#accept-user-agreement").await;
    chromium.click("#register-next").await;
    chromium.type_into("#name", ANNA.name).await;
    choose(&chromium, "#document_type", ANNA.kind).await;
    chromium.type_into("#document", ANNA.number).await;
    chromium.click_here("input[value=female]").await;
    choose(&chromium, "#nationality", ANNA.nationality).await;
    chromium.inspect("register-identity-en").await;
    chromium.click("#register-next").await;
    assert_eq!(chromium.text("#register-nationality").await, "Germany");
    ask_for_code(&chromium, ANNA.contact).await;
    chromium.inspect("register-code-en").await;
    type_code(&chromium, port).await;
    chromium.window.wait().for_element(Locator::Css("#register-hall")).await.unwrap();
}
