//! The main journey over real HTTP: the demo, its tax applications, a real Chromium; and a server
//! that is killed in the middle.

use std::time::Duration;

use fantoccini::Locator;

use crate::kit::demo::{Chromium, free_ports, start};
use crate::kit::{EXAMPLE, PASSWORD};

pub async fn newest_code(port: u16) -> String {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("http://localhost:{}/api/sms", port + 1);
    let text = http.get(url).send().await.unwrap().text().await.unwrap();
    let messages: serde_json::Value = serde_json::from_str(&text).unwrap();
    messages[0]["code"].as_str().unwrap().to_owned()
}

async fn sign_in(chromium: &Chromium, port: u16, name: &str) {
    chromium.window.goto(&format!("http://localhost:{}/", port + 2)).await.unwrap();
    chromium.click("#sign-in").await;
    chromium.picture(&format!("{name}-1-login")).await;
    chromium.type_into("#enterprise_number", EXAMPLE).await;
    chromium.type_into("#personal_id", "wangxm").await;
    chromium.type_into("#password", PASSWORD).await;
    // The keyboard moves the slider: End.
    chromium.type_into("#slider", "\u{e010}").await;
    chromium.picture(&format!("{name}-2-filled")).await;
    chromium.click("#login-submit").await;
    chromium.picture(&format!("{name}-3-factor")).await;
    chromium.click("button[value=send]").await;
    chromium.type_into("#code", &newest_code(port).await).await;
    chromium.picture(&format!("{name}-4-code")).await;
    chromium.click("button[value=verify]").await;
    chromium.window.wait().for_element(Locator::Css("button.identity")).await.unwrap();
    chromium.picture(&format!("{name}-5-choose")).await;
}

/// Covers E-01, E-15, X-02.
#[tokio::test(flavor = "multi_thread")]
async fn a_clerk_uses_two_applications_and_signs_out_of_both() {
    let Some(chromium) = Chromium::open(1440, 900).await else { return };
    let folder = tempfile::tempdir().unwrap();
    let port = free_ports();
    let _demo = start(port, folder.path()).await;
    sign_in(&chromium, port, "desktop").await;
    chromium.click("button.identity").await;
    assert_eq!(chromium.text("#enterprise").await, "南昌示例科技有限公司");
    assert_eq!(chromium.text("#roles").await, "tax_clerk");
    assert_eq!(chromium.text("#permissions").await, "TAX_AFFAIRS, TAX_FILING, TAX_QUERY");
    chromium.picture("desktop-6-application").await;
    chromium.click("#refresh").await;
    assert_eq!(chromium.text("#roles").await, "tax_clerk");

    chromium.window.goto(&format!("http://localhost:{}/", port + 3)).await.unwrap();
    chromium.click("#sign-in").await;
    chromium.picture("desktop-7-consent").await;
    chromium.click("#consent-allow").await;
    assert_eq!(chromium.text("#enterprise").await, "南昌示例科技有限公司");

    chromium.click("#sign-out").await;
    chromium.window.wait().for_element(Locator::Css("#sign-in")).await.unwrap();
    // The other application hears of it by back-channel logout.
    for tries in 0.. {
        chromium.window.goto(&format!("http://localhost:{}/", port + 2)).await.unwrap();
        if chromium.window.find(Locator::Css("#sign-in")).await.is_ok() {
            break;
        }
        assert!(tries < 50, "the first application was not told");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// A server killed in the middle of a sign-in: the person begins again and still ends at the
/// application; who was signed in still is.
#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_loses_nobody() {
    let Some(chromium) = Chromium::open(1000, 900).await else { return };
    let folder = tempfile::tempdir().unwrap();
    let port = free_ports();
    let mut demo = start(port, folder.path()).await;
    sign_in(&chromium, port, "killed").await;
    demo.kill();
    let mut demo = start(port, folder.path()).await;
    chromium.click("button.identity").await;
    chromium.picture("killed-6-begin-again").await;
    assert!(chromium.text("#main").await.contains("请重新登录"), "why it is asked once more");
    chromium.type_into("#enterprise_number", EXAMPLE).await;
    chromium.type_into("#personal_id", "13900139000").await;
    chromium.type_into("#password", PASSWORD).await;
    chromium.type_into("#slider", "\u{e010}").await;
    chromium.click("#login-submit").await;
    chromium.click("button[value=send]").await;
    chromium.type_into("#code", &newest_code(port).await).await;
    chromium.click("button[value=verify]").await;
    // The application was killed with the provider, so its own session is gone; the provider's is
    // not: the next sign-in asks for nothing.
    chromium.window.wait().for_element(Locator::Css("body")).await.unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    demo.kill();
    let _demo = start(port, folder.path()).await;
    chromium.window.goto(&format!("http://localhost:{}/sign-in", port + 2)).await.unwrap();
    assert_eq!(chromium.text("#roles").await, "legal_representative");
    // One application asks another's API with a token that is for it (RFC 8707).
    chromium.click("#invoices").await;
    let answer = chromium.text("body").await;
    assert!(answer.contains(EXAMPLE) && answer.contains("tax-filing"), "{answer}");
}
