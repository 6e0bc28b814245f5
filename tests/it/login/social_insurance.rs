//! The social-insurance doors: their own applications, nothing of the tax ones, and the reverse.

use super::doors::{DOORS, Door, INSURANCE};
use crate::kit::browser::Shown;
use crate::kit::{
    Browser, EXAMPLE, FILING, PASSWORD, SAMPLE, TestApp, VERIFIER, authorize_url, claims,
    on_each_database,
};
use crate::protocol::authorize::signed_in;

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

/// Covers I-01, I-03.
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

/// Covers I-01, I-03: what either door gives is the social-insurance application's alone: a tax application gets
/// nothing from the session, and the token of the other is worth nothing to it.
#[test]
fn what_a_payer_is_given_is_nothing_to_a_tax_application() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        for (enterprise, kind) in [(EXAMPLE, "enterprise"), ("", "personal")] {
            app.clock.advance(61);
            let (mut browser, done) = sign_in(&app, enterprise, LI).await;
            let form = [
                ("grant_type", "authorization_code"),
                ("code", &done.answered("code").expect("a code")),
                ("redirect_uri", INSURANCE.redirect_uri),
                ("code_verifier", VERIFIER),
            ];
            let own = Some((INSURANCE.id, INSURANCE.secret));
            let (_, tokens) = app.post("/token", own, &form).await;
            let access = tokens["access_token"].as_str().unwrap();
            let told = claims(access);
            assert_eq!(told["aud"], INSURANCE.id, "{told}");
            assert_eq!(told["client_id"], INSURANCE.id, "{told}");
            assert_eq!(told["tax_identity"]["kind"], kind);
            let (_, asked) = app.post("/introspect", own, &[("token", access)]).await;
            assert_eq!(asked["active"], true, "{kind}: {asked}");
            let asked = app.introspect(access).await;
            assert_eq!(asked, serde_json::json!({"active": false}), "{kind}");
            let refused = app.refresh(tokens["refresh_token"].as_str().unwrap_or_default()).await.1;
            assert_eq!(refused["error"], "invalid_grant", "{kind}");
            for prompt in ["", "none"] {
                let shown = browser.get(&authorize_url(&FILING, &[("prompt", prompt)])).await;
                assert!(shown.answered("code").is_none(), "{kind} {prompt}");
                let error = (prompt == "none").then(|| "access_denied".to_owned());
                assert_eq!(shown.answered("error"), error, "{kind} {prompt}");
            }
        }
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

/// Covers I-04, invariant 9: a unit that pays no longer ends at once whoever came in by its door, and nobody else.
#[test]
fn a_unit_that_pays_no_longer_ends_its_sessions() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut at_tax = signed_in(&app).await;
        app.clock.advance(61);
        let (mut browser, done) = sign_in(&app, EXAMPLE, LI).await;
        let form = [
            ("grant_type", "authorization_code"),
            ("code", &done.answered("code").expect("a code")),
            ("redirect_uri", INSURANCE.redirect_uri),
            ("code_verifier", VERIFIER),
        ];
        let own = Some((INSURANCE.id, INSURANCE.secret));
        let (_, tokens) = app.post("/token", own, &form).await;
        let access = tokens["access_token"].as_str().unwrap();
        for (version, pays) in [(1, true), (2, false)] {
            let line = serde_json::json!({"feed": "enterprise", "source_key": "e",
                "version": version, "registration_no": "10113601000000000001", "uscc": EXAMPLE,
                "name": "南昌示例科技有限公司", "status": "03", "tax_authority": "13601000000",
                "pays_social_insurance": pays});
            let (text, format) = (line.to_string(), hufu::flows::feed::Format::JsonLines);
            let told = hufu::flows::feed::import(&app.ctx, "test", text.as_bytes(), format, None);
            assert_eq!(told.await.unwrap().applied, 1);
            let asked = app.post("/introspect", own, &[("token", access)]).await.1;
            assert_eq!(asked["active"], pays, "{asked}");
        }
        let silent = browser.get(&authorize_url(&INSURANCE, &[("prompt", "none")])).await;
        assert_eq!(silent.answered("error").as_deref(), Some("login_required"));
        let silent = at_tax.get(&authorize_url(&FILING, &[("prompt", "none")])).await;
        assert!(silent.answered("code").is_some(), "{:?}", silent.left_to);
    });
}

/// The doors of the social insurance stand below password and scan, with the other ways. Covers X-05, I-01.
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
        for other in [
            "社保费（单位缴费人）",
            "社保费（自然人缴费人）",
            "数字证书登录",
            "特定主体登录",
            "非居民登录",
        ] {
            assert!(below.contains(other), "{other}: {below}");
        }
    });
}

/// The unit's number in each of its forms, and a natural person's names, all lead to the same; a unit's own
/// number is nothing at any other door, and of two units with one number the second is not taken. Covers
/// I-02.
#[test]
fn a_unit_is_found_by_its_code_and_by_its_own_number() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        for number in
            [EXAMPLE, "360102708461136", "36010500218", " 3601 0500-218 ", "３６０１０５００２１８"]
        {
            app.clock.advance(3601);
            let (_, done) = sign_in(&app, number, LI).await;
            let unit = identity(&app, &done).await;
            assert_eq!(unit["tax_identity"]["enterprise"]["tin"], EXAMPLE, "{number}");
        }
        let (_, page) = DOORS[4].open(&app).await;
        assert!(page.text.contains("社保单位编号"), "{}", page.text);
        // No such unit, another unit's person; and what is no number of either kind.
        for (number, code) in [
            ("36010500219", "E_CREDENTIALS"),
            ("FJ3601008400000011", "E_CREDENTIALS"),
            ("3601", "E_CREDENTIALS"),
            ("360", "E_FORMAT"),
            ("360105002180000000000", "E_FORMAT"),
            ("三六〇一〇五", "E_FORMAT"),
        ] {
            let fields = [
                ("enterprise_number", number),
                ("personal_id", LI),
                ("password", PASSWORD),
                ("slider", "100"),
            ];
            let (mut browser, page) = DOORS[4].open(&app).await;
            let refused = browser.submit(&page, &fields).await;
            assert_eq!(refused.code(), Some(code), "{number}");
            if code == "E_FORMAT" {
                assert!(refused.text.contains("社保单位编号格式不正确"), "{}", refused.text);
            }
        }
        app.clock.advance(901);
        // At the tax bureau's doors it is no number of an enterprise.
        for door in [&DOORS[0], &DOORS[2], &DOORS[3]] {
            let door = Door { enterprise: "36010500218", phone: LI, ..*door };
            let (mut browser, page) = door.open(&app).await;
            let refused = door.type_in(&mut browser, &page, (LI, PASSWORD)).await;
            assert_eq!(refused.code(), Some("E_FORMAT"), "{}", door.id);
        }
    });
}

/// By document, phone or username, and by the last six at first. Covers I-02.
#[test]
fn a_person_is_found_by_each_of_their_names() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        for (name, phone) in [
            ("360102199003071236", "13800138000"),
            ("13800138000", "13800138000"),
            ("wangxm", "13800138000"),
        ] {
            app.clock.advance(61);
            let (mut browser, page) = DOORS[5].open(&app).await;
            assert!(!page.text.contains("name=\"enterprise_number\""));
            let page = DOORS[5].type_in(&mut browser, &page, (name, PASSWORD)).await;
            let done = browser.pass_second_factor(&app, &page, phone).await;
            assert_eq!(identity(&app, &done).await["tax_identity"]["kind"], "personal", "{name}");
        }
        let (mut browser, _) = DOORS[5].open(&app).await;
        let (_, page) = DOORS[5].open(&app).await;
        let page = DOORS[5].type_in(&mut browser, &page, ("13700137000", "014512")).await;
        assert!(page.status.is_client_error(), "another browser's page");
        let (mut browser, page) = DOORS[5].open(&app).await;
        let page = DOORS[5].type_in(&mut browser, &page, ("13700137000", "014512")).await;
        assert!(page.url.contains("/login/second_factor"), "{}", page.text);
    });
}

/// The registry's numbers: one unit each, kept where a newer line does not say it. Covers I-02.
#[test]
fn a_unit_has_the_number_that_the_registry_says() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let line = |key: &str, registration: &str, uscc: &str, unit: Option<&str>, version: i64| {
            let mut line = serde_json::json!({"feed": "enterprise", "source_key": key,
                "version": version, "registration_no": registration, "uscc": uscc, "name": "某单位",
                "status": "03", "tax_authority": "13601000000", "pays_social_insurance": true});
            if let Some(unit) = unit {
                line["unit_number"] = unit.into();
            }
            line.to_string()
        };
        let (sample, example) = ("10113601000000000002", "10113601000000000001");
        for (text, field) in [
            (line("s", sample, SAMPLE, Some("36010500218"), 1), Some("unit_number")),
            (line("s", sample, SAMPLE, Some("3601-0"), 2), None),
            (line("s", sample, SAMPLE, Some("!"), 3), Some("unit_number")),
            (line("e", example, EXAMPLE, None, 1), None),
        ] {
            let format = hufu::flows::feed::Format::JsonLines;
            let told = hufu::flows::feed::import(&app.ctx, "test", text.as_bytes(), format, None);
            let told = told.await.unwrap();
            let failed = told.failed.first().map(|one| one.why.field.clone().unwrap());
            assert_eq!(failed.as_deref(), field, "{text}: {told:?}");
        }
        app.clock.advance(3601);
        let (_, done) = sign_in(&app, "36010500218", LI).await;
        let unit = identity(&app, &done).await;
        assert_eq!(unit["tax_identity"]["enterprise"]["tin"], EXAMPLE);
    });
}
