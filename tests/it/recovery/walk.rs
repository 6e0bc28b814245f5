//! Both ways in a real Chromium, each page looked at; the door that they begin at is in `pages`.

use fantoccini::Locator;

use crate::journey::newest_code;
use crate::kit::PASSWORD;
use crate::kit::demo::{Chromium, free_ports, start};

async fn to(chromium: &Chromium, port: u16, path: &str) {
    let url = format!("http://localhost:{port}/realms/jiangxi{path}");
    chromium.window.goto(&url).await.unwrap();
}

/// The code of the page is scanned in another window, and the face is somebody's.
async fn pass_face(chromium: &Chromium) {
    let code = chromium.window.find(Locator::Css("a.qr")).await.unwrap();
    let code = code.attr("href").await.unwrap().unwrap();
    let phone = Chromium::open(500, 900).await.unwrap();
    phone.window.goto(&code).await.unwrap();
    phone.type_into("#number", &chromium.number().await).await;
    phone.click_here("input[name=agree]").await;
    phone.inspect("recovery-on-the-phone").await;
    phone.click("#phone-confirm").await;
    phone.click("#face-passed").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_and_a_phone_are_recovered() {
    let Some(chromium) = Chromium::open(1440, 900).await else { return };
    let folder = tempfile::tempdir().unwrap();
    let port = free_ports();
    let _demo = start(port, folder.path()).await;
    to(&chromium, port, "/login").await;
    chromium.click("a[href*='entrance=natural_person']").await;
    chromium.click("#to-forgot").await;
    chromium.inspect("forgot-1").await;
    chromium.click("#forgot-next").await;
    chromium.inspect("forgot-1-wrong").await;
    chromium.type_into("#document", "360102199003071236").await;
    chromium.click("#forgot-next").await;
    chromium.inspect("forgot-2").await;
    chromium.type_into("#phone", "13800138000").await;
    chromium.click("#forgot-send").await;
    chromium.inspect("forgot-2-asked").await;
    chromium.type_into("#code", "000000").await;
    chromium.click("#forgot-verify").await;
    chromium.inspect("forgot-2-wrong").await;
    chromium.type_into("#code", &newest_code(port).await).await;
    chromium.click("#forgot-verify").await;
    chromium.type_into("#new", "abcd1234").await;
    chromium.type_into("#repeated", "abcd1234").await;
    chromium.click("#forgot-set").await;
    chromium.inspect("forgot-3-wrong").await;
    chromium.type_into("#new", "Spring2026+").await;
    chromium.type_into("#repeated", "Spring2026+").await;
    chromium.click("#forgot-set").await;
    chromium.inspect("forgot-4-done").await;

    // 陈静 has no phone: a face in place of a code, in English.
    to(&chromium, port, "/forgot-password").await;
    chromium.click("header nav a").await;
    chromium.type_into("#document", "360102199912318881").await;
    chromium.click("#forgot-next").await;
    chromium.click("#way-tax_app").await;
    chromium.inspect("forgot-2-scan-en").await;
    pass_face(&chromium).await;
    chromium.window.wait().for_element(Locator::Css("#new")).await.unwrap();
    chromium.inspect("forgot-3-en").await;

    to(&chromium, port, "/recover-phone").await;
    chromium.click("header nav a").await;
    chromium.inspect("phone-1").await;
    chromium.click("#lost-phone-send").await;
    chromium.inspect("phone-1-wrong").await;
    chromium.type_into("#document", "360102199912318881").await;
    chromium.type_into("#password", PASSWORD).await;
    chromium.type_into("#phone", "13911112222").await;
    chromium.click("#lost-phone-send").await;
    chromium.inspect("phone-2").await;
    chromium.type_into("#code", &newest_code(port).await).await;
    chromium.click("#lost-phone-verify").await;
    chromium.inspect("phone-3-face").await;
    chromium.click("#lost-phone-wait").await;
    chromium.inspect("phone-4-awaited").await;
    to(&chromium, port, "/recover-phone/stop?c=nothing").await;
    chromium.inspect("phone-stop").await;
    chromium.click("#phone-stop").await;
    chromium.inspect("phone-not-stopped").await;
}
