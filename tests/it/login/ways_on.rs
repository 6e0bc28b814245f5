//! A sign-in that ends without a session is no dead end: its last page leads on to what somebody came for.

use crate::account::{AGENCY, WANG};
use crate::kit::browser::{Shown, unescape};
use crate::kit::{Browser, EXAMPLE, FILING, PASSWORD, TestApp, authorize_url, on_one_database};

const PORTAL: &str = "/realms/jiangxi/login?return_to=https%3A%2F%2Fportal.jiangxi.example%2Fhome";

/// Where a sign-in begins, and what its last page leads to.
fn beginnings() -> [(String, &'static str); 3] {
    [
        (authorize_url(&FILING, &[]), "/realms/jiangxi/authorize?"),
        (PORTAL.to_owned(), PORTAL),
        ("/realms/jiangxi/login".to_owned(), "/realms/jiangxi/login\""),
    ]
}

/// As far as the page after the second factor.
async fn sign_in(
    app: &TestApp,
    (from, door): (&str, &str),
    who: (&str, &str, &str),
) -> (Browser, Shown) {
    app.clock.advance(61);
    let mut browser = app.browser();
    let page = browser.at_entrance(from, door).await;
    let page = browser.type_credentials(&page, who).await;
    let page = browser.pass_second_factor(app, &page, who.1).await;
    (browser, page)
}

fn leads_on(page: &Shown, to: &str) {
    assert!(page.text.contains("未能登录"), "{}", page.text);
    assert!(!page.text.contains("您已退出"), "nobody was signed in: {}", page.text);
    assert!(unescape(&page.text).contains(&format!("href=\"{to}")), "{to}: {}", page.text);
}

/// Whoever declines the agreements or turns back before an invitation is told that they are not signed in,
/// and begins once more for the application or the page that they came for.
#[test]
fn whoever_turns_back_may_begin_once_more() {
    on_one_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut password = "014512";
        for (from, to) in beginnings() {
            let who = (EXAMPLE, "13700137000", password);
            let (mut browser, mut page) = sign_in(&app, (&*from, "enterprise"), who).await;
            if password == "014512" {
                password = "Spring2026+";
                let set = [("new", password), ("repeated", password)];
                page = browser.submit(&page, &set).await;
            }
            let declined = browser.submit(&page, &[("act", "decline")]).await;
            assert_eq!(declined.code(), Some("E_AGREEMENT"), "{from}: {}", declined.text);
            leads_on(&declined, to);

            let who = (EXAMPLE, "13600136000", PASSWORD);
            let (mut browser, page) = sign_in(&app, (&*from, "enterprise"), who).await;
            let turned = browser.submit(&page, &[("act", "cancel")]).await;
            assert_eq!(turned.code(), Some("E_NO_IDENTITY"), "{from}: {}", turned.text);
            leads_on(&turned, to);
        }
    });
}

/// The same for whoever has no identity where they wanted to go in.
#[test]
fn whoever_has_no_identity_there_may_begin_once_more() {
    on_one_database(|on| async move {
        let app = TestApp::start(on).await;
        for (from, to) in beginnings() {
            let (_, end) = sign_in(&app, (&*from, "agency"), (AGENCY, WANG, PASSWORD)).await;
            assert_eq!(end.code(), Some("E_NO_IDENTITY"), "{from}: {}", end.text);
            let there = format!("href=\"{to}");
            assert!(unescape(&end.text).contains(&there), "{to}: {}", end.text);
        }
    });
}
