//! Whoever clicks twice is signed in once, and hears no refusal: at each step that uses something up, both
//! clicks at the same time, from one browser.

use super::authenticator;
use super::passkeys;
use crate::kit::browser::Shown;
use crate::kit::passkey::asked;
use crate::kit::{Browser, EXAMPLE, FILING, PASSWORD, TestApp, authorize_url, on_each_database};
use crate::protocol::authorize::signed_in;

const LI: &str = "13900139000";

/// Both answers, in the order of the clicks.
async fn twice(browser: &Browser, page: &Shown, fields: &[(&str, &str)]) -> [(Browser, Shown); 2] {
    let (mut one, mut two) = (browser.clone(), browser.clone());
    let shown = tokio::join!(one.submit(page, fields), two.submit(page, fields));
    [(one, shown.0), (two, shown.1)]
}

/// Both have come to the end, in the same session.
fn check_in(answers: [(Browser, Shown); 2]) {
    let mut cookies = Vec::new();
    for (browser, shown) in answers {
        assert_eq!(shown.code(), None, "{}", shown.text);
        assert!(shown.answered("code").is_some(), "{} {}", shown.url, shown.text);
        cookies.push(browser.cookies["__Host-hufu-session-jiangxi"].clone());
    }
    assert_eq!(cookies[0], cookies[1]);
}

async fn at_door(app: &TestApp) -> (Browser, Shown) {
    let mut browser = app.browser();
    let page = browser.get(&authorize_url(&FILING, &[])).await;
    (browser, page)
}

/// The slider is used up by the first, the password judged once.
#[test]
fn two_clicks_with_a_slider_are_one() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let (browser, page) = at_door(&app).await;
        let fields = [
            ("enterprise_number", EXAMPLE),
            ("personal_id", LI),
            ("password", PASSWORD),
            ("slider", "100"),
        ];
        for (_, shown) in twice(&browser, &page, &fields).await {
            assert_eq!(shown.code(), None, "{}", shown.text);
            assert!(shown.url.contains("/login/second_factor"), "{} {}", shown.url, shown.text);
        }
        // Two that are wrong are told so, both, without a wait for each other.
        let (browser, page) = at_door(&app).await;
        let wrong = fields.map(|(name, value)| match name {
            "password" => (name, "Wrong2026!"),
            _ => (name, value),
        });
        for (_, shown) in twice(&browser, &page, &wrong).await {
            assert!(shown.code().is_some(), "{}", shown.text);
        }
    });
}

/// A code is used up by the first click, and both go on.
#[test]
fn two_clicks_with_a_code_are_one() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let (mut browser, page) = at_door(&app).await;
        let page = browser.type_credentials(&page, (EXAMPLE, LI, PASSWORD)).await;
        let page = browser.submit(&page, &[("act", "send")]).await;
        let code = app.sms(LI);
        let fields = [("act", "verify"), ("code", code.as_str())];
        check_in(twice(&browser, &page, &fields).await);
    });
}

/// An authenticator's code is good once.
#[test]
fn two_clicks_with_an_authenticator_are_one() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let (phone, codes) = authenticator::enrol(&app).await;
        app.clock.advance(61);
        for code in [phone.code(&app), codes[0].clone()] {
            let (browser, page) = authenticator::at_second_factor(&app, "totp").await;
            let fields = [("act", "totp"), ("code", code.as_str())];
            check_in(twice(&browser, &page, &fields).await);
        }
    });
}

/// So is what a passkey has signed, beside a password and in its place.
#[test]
fn two_clicks_with_a_passkey_are_one() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut own = signed_in(&app).await;
        let mut passkey = passkeys::enrol(&mut own).await;
        let (browser, page) = passkeys::at_second_factor(&app, LI).await;
        let made = passkey.answer(&asked(&page).expect("options"));
        let fields = [("act", "passkey"), ("made", made.as_str())];
        check_in(twice(&browser, &page, &fields).await);
    });
}

/// Within a session the same: the factor that opens what needs a fresh one.
#[test]
fn two_clicks_within_a_session_are_one() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut browser = signed_in(&app).await;
        app.clock.advance(901);
        let page = browser.get("/realms/jiangxi/account/authenticator").await;
        assert!(page.url.contains("/login/second_factor"), "{}", page.url);
        let page = browser.submit(&page, &[("act", "send")]).await;
        let code = app.sms(LI);
        let fields = [("act", "verify"), ("code", code.as_str())];
        let answers = twice(&browser, &page, &fields).await;
        for (_, shown) in &answers {
            assert_eq!(shown.code(), None, "{}", shown.text);
            assert_eq!(shown.url, "/realms/jiangxi/account/authenticator", "{}", shown.text);
        }
        let [(one, _), (two, _)] = &answers;
        let name = "__Host-hufu-session-jiangxi";
        assert_eq!(one.cookies[name], two.cookies[name], "one session has proved more");
    });
}
