//! Authenticator apps: enrolment, the code of a step used once, recovery codes, guessing.

use crate::kit::browser::Shown;
use crate::kit::{
    Browser, EXAMPLE, FILING, PASSWORD, TestApp, authorize_url, claims, on_each_database,
};

const LI: &str = "13900139000";
const ACCOUNT: &str = "/realms/jiangxi/account/authenticator";

/// The app on somebody's phone.
pub struct Phone(totp_rs::Totp);

impl Phone {
    pub fn enrolled(page: &Shown) -> Self {
        Self::with(page.text.split("class=\"typed\">").nth(1).unwrap().split('<').next().unwrap())
    }

    /// The secret as it is typed.
    pub fn with(typed: &str) -> Self {
        let secret = totp_rs::Secret::try_from_base32(typed).unwrap();
        let totp = totp_rs::Builder::new()
            .with_algorithm(totp_rs::Algorithm::SHA1)
            .with_secret(secret)
            .with_skew(1)
            .with_account_name("x".to_owned())
            .build()
            .unwrap();
        Self(totp)
    }

    pub fn code(&self, app: &TestApp) -> String {
        self.0.generate(u64::try_from(app.ctx.now().0).unwrap()).to_string()
    }
}

pub async fn at_second_factor(app: &TestApp, way: &str) -> (Browser, Shown) {
    let mut browser = app.browser();
    let page = browser.get(&authorize_url(&FILING, &[])).await;
    let page = browser.type_credentials(&page, (EXAMPLE, LI, PASSWORD)).await;
    let t = page.hidden()["t"].clone();
    let url = format!("/realms/jiangxi/login/second_factor?t={t}&way={way}");
    let page = browser.get(&url).await;
    (browser, page)
}

/// Enrols the app of 李芳; the phone and the recovery codes.
pub async fn enrol(app: &TestApp) -> (Phone, Vec<String>) {
    let (mut browser, page) = at_second_factor(app, "sms").await;
    assert!(!page.text.contains("way-totp"), "offered before it is enrolled");
    browser.pass_second_factor(app, &page, LI).await;
    enrol_at(app, &mut browser).await
}

/// Enrols the app of the person who has just signed in to this browser.
pub async fn enrol_at(app: &TestApp, browser: &mut Browser) -> (Phone, Vec<String>) {
    let page = browser.get(ACCOUNT).await;
    let page = browser.submit(&page, &[("act", "begin")]).await;
    let phone = Phone::enrolled(&page);
    let wrong = browser.submit(&page, &[("act", "confirm"), ("code", "000000")]).await;
    assert_eq!(wrong.code(), Some("E_OTP"));
    let code = phone.code(app);
    let done = browser.submit(&wrong, &[("act", "confirm"), ("code", &code)]).await;
    let codes = done.text.split("<li><code>").skip(1);
    let codes = codes.map(|rest| rest.split('<').next().unwrap().to_owned()).collect();
    (phone, codes)
}

#[test]
fn an_app_is_enrolled_and_each_step_works_once() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let (phone, codes) = enrol(&app).await;
        assert_eq!(codes.len(), 10);
        // The step that confirmed the enrolment is used up.
        let (mut browser, page) = at_second_factor(&app, "totp").await;
        let used = phone.code(&app);
        let refused = browser.submit(&page, &[("act", "totp"), ("code", &used)]).await;
        assert_eq!(refused.code(), Some("E_OTP"));
        app.clock.advance(30);
        let fresh = phone.code(&app);
        let done = browser.submit(&page, &[("act", "totp"), ("code", &fresh)]).await;
        let (_, tokens) = app.redeem(&done.answered("code").unwrap()).await;
        let amr = claims(tokens["id_token"].as_str().unwrap())["amr"].clone();
        assert_eq!(amr, serde_json::json!(["pwd", "otp", "mfa"]));
        // Neither this step nor the one before it ever again.
        let (mut browser, page) = at_second_factor(&app, "totp").await;
        for code in [&fresh, &used] {
            let refused = browser.submit(&page, &[("act", "totp"), ("code", code)]).await;
            assert_eq!(refused.code(), Some("E_OTP"));
        }
    });
}

#[test]
fn a_recovery_code_works_once_and_parallel_guesses_are_counted() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let (phone, codes) = enrol(&app).await;
        let (mut browser, page) = at_second_factor(&app, "totp").await;
        let typed = codes[0].to_lowercase().replace('-', " ");
        let done = browser.submit(&page, &[("act", "totp"), ("code", &typed)]).await;
        assert!(done.answered("code").is_some(), "{}", done.text);
        let (mut browser, page) = at_second_factor(&app, "totp").await;
        let again = browser.submit(&page, &[("act", "totp"), ("code", &codes[0])]).await;
        assert_eq!(again.code(), Some("E_OTP"));

        // A hundred guesses at once: five are looked at, however they come.
        app.clock.advance(301);
        let mut guesses = tokio::task::JoinSet::new();
        for n in 0..100 {
            let (mut browser, page) = (browser.clone(), page.clone());
            guesses.spawn(async move {
                let code = format!("{n:06}");
                let shown = browser.submit(&page, &[("act", "totp"), ("code", &code)]).await;
                shown.code().map(str::to_owned)
            });
        }
        let refusals = guesses.join_all().await;
        let looked_at = refusals.iter().filter(|code| code.as_deref() == Some("E_OTP")).count();
        assert!(looked_at <= 5, "{looked_at}");
        // The right code waits as long as the wrong ones.
        app.clock.advance(30);
        let right = phone.code(&app);
        let late = browser.submit(&page, &[("act", "totp"), ("code", &right)]).await;
        assert_eq!(late.code(), Some("E_OTP_RATE"));
    });
}

#[test]
fn an_old_session_may_not_change_its_factors() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let (mut browser, page) = at_second_factor(&app, "sms").await;
        browser.pass_second_factor(&app, &page, LI).await;
        let page = browser.get(ACCOUNT).await;
        app.clock.advance(901);
        let asked = browser.submit(&page, &[("act", "begin")]).await;
        assert!(asked.url.contains("/login/second_factor"), "{}", asked.url);
        let page = browser.get(ACCOUNT).await;
        assert!(page.url.contains("/login/second_factor"), "{}", page.url);
        let rows = app.ctx.rows();
        let phone = hufu::domain::number::phone::Phone::parse(LI).unwrap();
        let account = rows.accounts().find_by_phone(&phone).await.unwrap().unwrap();
        assert!(rows.authenticators().find(account.id).await.unwrap().is_none());
    });
}

/// What cannot be saved leaves the enrolment where it was: the same app goes on.
#[test]
fn a_fault_of_ours_costs_no_enrolment() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let (mut browser, page) = at_second_factor(&app, "sms").await;
        browser.pass_second_factor(&app, &page, LI).await;
        let page = browser.get(ACCOUNT).await;
        let page = browser.submit(&page, &[("act", "begin")]).await;
        let phone = Phone::enrolled(&page);
        let code = phone.code(&app);
        app.sql("ALTER TABLE notice RENAME TO notice_elsewhere").await;
        let failed = browser.submit(&page, &[("act", "confirm"), ("code", &code)]).await;
        assert_eq!(failed.status.as_u16(), 500, "{}", failed.text);
        app.sql("ALTER TABLE notice_elsewhere RENAME TO notice").await;
        let done = browser.submit(&page, &[("act", "confirm"), ("code", &code)]).await;
        assert_eq!(done.text.matches("<li><code>").count(), 10, "{}", done.text);
        let again = browser.submit(&page, &[("act", "confirm"), ("code", &code)]).await;
        assert_eq!(again.code(), Some("E_STATE"), "once");
    });
}
