//! The social-insurance doors: their own applications, nothing of the tax ones, and the reverse.

use crate::kit::browser::Shown;
use crate::kit::{
    Application, Browser, EXAMPLE, FILING, PASSWORD, SAMPLE, TestApp, VERIFIER, authorize_url,
    claims, on_each_database,
};
use crate::protocol::authorize::signed_in;

const INSURANCE: Application = Application {
    id: "social-insurance",
    secret: "demo-secret-of-social-insurance",
    redirect_uri: "https://insurance.jiangxi.example/callback",
};

const LI: &str = "13900139000";

async fn sign_in(app: &TestApp, enterprise: &str, phone: &str) -> (Browser, Shown) {
    let mut browser = app.browser();
    let page = browser.get(&authorize_url(&INSURANCE, &[])).await;
    assert!(!page.text.contains("企业业务"), "a tax door is offered");
    let t = page.hidden()["t"].clone();
    let door = if enterprise.is_empty() { "person" } else { "unit" };
    let url = format!("/realms/jiangxi/login/credentials?t={t}&entrance=social_insurance_{door}");
    let page = browser.get(&url).await;
    let page = browser.type_credentials(&page, (enterprise, phone, PASSWORD)).await;
    let page = browser.pass_second_factor(app, &page, phone).await;
    (browser, page)
}

async fn identity(app: &TestApp, done: &Shown) -> serde_json::Value {
    let form = [
        ("grant_type", "authorization_code"),
        ("code", &done.answered("code").expect("a code")),
        ("redirect_uri", INSURANCE.redirect_uri),
        ("code_verifier", VERIFIER),
    ];
    let (_, tokens) = app.post("/token", Some((INSURANCE.id, INSURANCE.secret)), &form).await;
    claims(tokens["id_token"].as_str().unwrap())
}

/// Covers I-01, I-02, I-03.
#[test]
fn units_and_persons_have_their_own_doors_and_applications() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let (mut browser, done) = sign_in(&app, EXAMPLE, LI).await;
        let unit = identity(&app, &done).await;
        assert_eq!(unit["aud"], "social-insurance");
        assert_eq!(unit["tax_identity"]["enterprise"]["tin"], EXAMPLE);
        // Nor does an enterprise's account centre open to it.
        let centre = browser.get("/realms/jiangxi/account/handlers").await;
        assert_eq!(centre.code(), Some("E_ROLE"), "{}", centre.text);
        // A tax application gets nothing from this session.
        let silent = browser.get(&authorize_url(&FILING, &[("prompt", "none")])).await;
        assert_eq!(silent.answered("error").as_deref(), Some("access_denied"));
        // The person is told, and shown both ways out.
        let page = browser.get(&authorize_url(&FILING, &[])).await;
        assert!(page.text.contains("leave-sign-in") && page.left_to.is_none(), "{}", page.text);
        let back = browser.submit(&page, &[("act", "back")]).await;
        assert_eq!(back.answered("error").as_deref(), Some("access_denied"));
        let mut leaving = browser.clone();
        let doors = leaving.submit(&page, &[("act", "sign_in")]).await;
        assert!(doors.text.contains("name=\"password\""), "{}", doors.text);
        // Nor does the chooser lead out of it.
        let chooser =
            browser.get(&authorize_url(&INSURANCE, &[("prompt", "select_account")])).await;
        assert!(!chooser.text.contains("name=\"identity\""));

        app.clock.advance(61);
        let (_, done) = sign_in(&app, "", LI).await;
        assert_eq!(identity(&app, &done).await["tax_identity"]["kind"], "personal");

        // From inside a tax session the application asks for a sign-in of its own.
        app.clock.advance(61);
        let mut browser = signed_in(&app).await;
        let silent = browser.get(&authorize_url(&INSURANCE, &[("prompt", "none")])).await;
        assert_eq!(silent.answered("error").as_deref(), Some("login_required"));
        let page = browser.get(&authorize_url(&INSURANCE, &[])).await;
        assert!(page.url.contains("/login/credentials"), "{}", page.url);
        // A tax door cannot be had by naming it in the form.
        let t = page.hidden()["t"].clone();
        let url = format!("/realms/jiangxi/login/credentials?t={t}&entrance=enterprise");
        let page = browser.get(&url).await;
        assert!(page.text.contains("value=\"social_insurance_unit\""), "{}", page.text);
        let forged = [
            ("entrance", "enterprise"),
            ("enterprise_number", EXAMPLE),
            ("personal_id", LI),
            ("password", PASSWORD),
            ("slider", "100"),
        ];
        assert_eq!(browser.submit(&page, &forged).await.code(), Some("E_FORMAT"));
    });
}

/// Covers I-04.
#[test]
fn only_registered_units_and_those_who_may_handle_them_get_in() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        // A unit that is not registered; a clerk who may not handle it.
        for (enterprise, phone) in [(SAMPLE, LI), (EXAMPLE, "13800138000")] {
            let (_, end) = sign_in(&app, enterprise, phone).await;
            assert!(end.text.contains("data-code=\"E_NO_IDENTITY\""), "{}", end.text);
        }
    });
}

/// As far as X-05 is built: certificate, specific entity and non-resident are still to come.
#[test]
fn password_and_scan_share_a_page_and_other_doors_stand_below() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let page = app.browser().get("/realms/jiangxi/login").await;
        for shown in ["name=\"password\"", "class=\"qr\"", "企业业务", "自然人业务", "代理业务"]
        {
            assert!(page.text.contains(shown), "{shown}");
        }
        let below = page.text.split("class=\"others\"").nth(1).expect("other ways");
        assert!(below.contains("社保费（单位）") && below.contains("社保费（个人）"));
    });
}
