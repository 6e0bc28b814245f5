//! What people do with their own account, in a real Chromium: documents with the phone beside, security,
//! levels, and the end of the account; each page looked at.

use fantoccini::Locator;

use crate::journey::newest_code;
use crate::kit::PASSWORD;
use crate::kit::demo::{Chromium, free_ports, start};

const PERSON: &str = "13800138000";

async fn to(window: &Chromium, port: u16, path: &str) {
    let url = format!("http://localhost:{port}/realms/jiangxi{path}");
    window.window.goto(&url).await.unwrap();
}

async fn sign_in(window: &Chromium, port: u16) {
    window.window.goto(&format!("http://localhost:{}/sign-in", port + 2)).await.unwrap();
    window.click("a[href*='entrance=natural_person']").await;
    window.type_into("#personal_id", PERSON).await;
    window.type_into("#password", PASSWORD).await;
    window.type_into("#slider", "\u{e010}").await;
    window.click("#login-submit").await;
    prove(window, port).await;
}

/// By the code on the phone.
async fn prove(window: &Chromium, port: u16) {
    window.click("button[value=send]").await;
    window.type_into("#code", &newest_code(port).await).await;
    window.click("button[value=verify]").await;
}

/// The code of the desk, opened on the phone.
async fn open_code(desk: &Chromium, phone: &Chromium) {
    let code = desk.window.find(Locator::Css("a.qr")).await.unwrap();
    let code = code.attr("href").await.unwrap().unwrap();
    phone.window.goto(&code).await.unwrap();
    phone.window.wait().for_element(Locator::Css("#number")).await.unwrap();
}

/// Types the number on the phone, and the face is right.
async fn show_face(desk: &Chromium, phone: &Chromium) {
    phone.type_into("#number", &desk.number().await).await;
    phone.click("#phone-confirm").await;
    phone.click("#face-passed").await;
}

/// Covers D-04, D-06, D-07, L-07, PC-21.
#[tokio::test(flavor = "multi_thread")]
async fn a_persons_own_pages_are_readable_for_everybody() {
    let Some(desk) = Chromium::open(1440, 900).await else { return };
    let Some(phone) = Chromium::open(500, 900).await else { return };
    let folder = tempfile::tempdir().unwrap();
    let port = free_ports();
    let _demo = start(port, folder.path()).await;
    sign_in(&desk, port).await;
    to(&desk, port, "/account/person").await;
    desk.inspect("own-person").await;
    desk.click("#to-documents").await;
    desk.inspect("own-documents").await;
    desk.click("#add-document").await;
    desk.inspect("own-document-add").await;
    desk.click("#document-next").await;
    desk.inspect("own-document-wrong").await;
    desk.type_into("#name", "王小明").await;
    let passport = "//option[@value='chinese_passport']";
    desk.window.find(Locator::XPath(passport)).await.unwrap().click().await.unwrap();
    desk.type_into("#document", "EF1260892").await;
    let dates = "document.getElementById('valid_from').value = '2024-05-01'; \
                 document.getElementById('valid_to').value = '2034-04-30';";
    desk.window.execute(dates, Vec::new()).await.unwrap();
    desk.click("#document-next").await;
    open_code(&desk, &phone).await;
    phone.inspect("own-document-phone").await;
    show_face(&desk, &phone).await;
    let shown = desk.window.wait().for_element(Locator::Css(".documents li + li")).await;
    shown.unwrap();
    desk.inspect("own-documents-two").await;
    to(&desk, port, "/account/level").await;
    desk.inspect("own-level").await;
    to(&desk, port, "/account/security").await;
    desk.inspect("own-security").await;
    desk.click("header > nav a").await;
    desk.inspect("own-security-en").await;
    desk.click("header > nav a").await;
    to(&desk, port, "/account/cancel").await;
    desk.inspect("own-cancel").await;
    desk.click_here("input[name=read]").await;
    desk.click_here("input[value=tax_app]").await;
    desk.click("#cancel-go").await;
    open_code(&desk, &phone).await;
    show_face(&desk, &phone).await;
    desk.window.wait().for_element(Locator::Css(".message")).await.unwrap();
    desk.inspect("own-cancelled").await;
    assert!(desk.text("main").await.contains("账号已注销"));
    to(&desk, port, "/account").await;
    let url = desk.window.current_url().await.unwrap();
    assert!(url.path().contains("/login"), "{url}");
}
