//! A forgotten password from its first page to its last: by a code, by a face, and what it ends.

use hufu::domain::help::Helper;
use hufu::domain::notice::NoticeKind;
use hufu::flows::help;
use hufu::outbound::asked::FaceState;

use super::{
    NEW, NOBODY_ID, WANG, WANG_ID, account_of, answer, ask, begin, begin_as, by, logged, look,
    proved, sent, set, settled, sign_in, told, until_sent,
};
use crate::account::{as_person, as_wang, get};
use crate::kit::{
    FILING, PASSWORD, Setup, TestApp, authorize_url, changed_realm, on_each_database,
};
use crate::login::eras::{ENDS, happens};
use crate::login::scan::{act, go_on, iit, number};

/// Covers F-01, F-02, F-03, F-05, F-06, E-09: everything that stood on the old password has ended, the
/// locks, too, here and over all strange places, and applications and the person are told.
#[test]
fn a_code_to_the_phone_leads_to_a_new_password() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut at_work = as_wang(&app, "办税员").await;
        let consent = at_work.get(&authorize_url(&FILING, &[])).await;
        let (_, tokens) = app.redeem(&consent.answered("code").unwrap()).await;
        let refresh = tokens["refresh_token"].as_str().unwrap().to_owned();
        let access = tokens["access_token"].as_str().unwrap().to_owned();
        let mut at_home = as_person(&app, WANG).await;
        assert!(get(&mut at_home, "/account/person").await.url.ends_with("/account/person"));
        app.clock.advance(61);
        for _ in 0..6 {
            sign_in(&app, "203.0.113.9", WANG, "wrong-password").await;
        }
        let (_, page) = sign_in(&app, "203.0.113.9", WANG, PASSWORD).await;
        assert_eq!(page.code(), Some("E_LOCKED"), "{}", page.text);
        // A crowd locks the name over all strange places together.
        for n in 0..20 {
            sign_in(&app, &format!("198.51.100.{n}"), WANG, "wrong-password").await;
        }
        let (_, page) = sign_in(&app, "192.0.2.7", WANG, PASSWORD).await;
        assert_eq!(page.code(), Some("E_LOCKED"), "{}", page.text);

        let mut browser = app.browser_at("203.0.113.9");
        let page = proved(&app, &mut browser).await;
        let refused = browser.submit(&page, &[("new", NEW), ("repeated", "Other2026+")]).await;
        assert_eq!(refused.code(), Some("E_PASSWORD_POLICY"));
        for wrong in ["short1A", "abcd1234", "Abc071236", "Wangxm20261", PASSWORD, "Passw0rd!"] {
            let refused = set(&mut browser, &page, wrong).await;
            assert_eq!(refused.code(), Some("E_PASSWORD_POLICY"), "{wrong}");
            assert!(refused.text.contains("id=\"new-wrong\""), "told at the field");
        }
        let done = set(&mut browser, &page, NEW).await;
        assert!(done.text.contains("密码修改完成"), "{}", done.text);

        let (_, page) = sign_in(&app, "203.0.113.9", WANG, NEW).await;
        assert!(page.url.contains("/login/second_factor"), "the lock has ended: {}", page.text);
        let (_, page) = sign_in(&app, "192.0.2.7", WANG, NEW).await;
        assert!(page.url.contains("/login/second_factor"), "nor elsewhere: {}", page.text);
        let (_, page) = sign_in(&app, "203.0.113.10", WANG, PASSWORD).await;
        assert_eq!(page.code(), Some("E_CREDENTIALS"));
        assert_eq!(app.refresh(&refresh).await.1["error"], "invalid_grant");
        assert_eq!(app.userinfo(&access).await.0.as_u16(), 401);
        for session in [&mut at_work, &mut at_home] {
            assert!(get(session, "/account/person").await.url.contains("/login"));
        }
        let deliveries = app.ctx.rows().deliveries().unsettled().await.unwrap();
        let logouts = deliveries.iter().filter(|one| one.delivery.client_id == FILING.id).count();
        assert!(logouts > 0, "the application is told");
        assert_eq!(told(&app, "wangxm", NoticeKind::PasswordChanged).await, 1);
        assert_eq!(logged(&app, "wangxm", "forgot_password").await, ["ok"]);
        let audit = app.audit().await;
        let actions: Vec<&str> = audit.iter().filter_map(|one| one["action"].as_str()).collect();
        for action in ["password_set", "recovered", "session_ended"] {
            assert!(actions.contains(&action), "{action}");
        }
    });
}

/// Covers F-05, F-06: a session whose time is over may have given tokens that outlive it; they end, too.
#[test]
fn tokens_for_work_without_the_person_end_with_the_password() {
    on_each_database(|on| async move {
        let scopes = "scopes = [\"openid\", \"profile\", \"phone\", \"tax_identity\"]";
        let offline =
            "scopes = [\"openid\", \"profile\", \"phone\", \"tax_identity\", \"offline_access\"]";
        let change = ("clients/tax-filing.toml", scopes, offline);
        let app = Setup::of(on, vec![changed_realm(&[change])]).start().await;
        let mut at_work = as_wang(&app, "办税员").await;
        let offline = [("scope", "openid tax_identity offline_access")];
        let mut consent = at_work.get(&authorize_url(&FILING, &offline)).await;
        if consent.text.contains("value=\"allow\"") {
            consent = at_work.submit(&consent, &[("act", "allow")]).await;
        }
        let (_, tokens) = app.redeem(&consent.answered("code").unwrap()).await;
        app.clock.advance(28_900);
        let (_, tokens) = app.refresh(tokens["refresh_token"].as_str().unwrap()).await;
        let Some(token) = tokens["refresh_token"].as_str() else {
            panic!("offline work goes on after the session: {tokens}")
        };
        let mut browser = app.browser();
        let page = proved(&app, &mut browser).await;
        set(&mut browser, &page, NEW).await;
        assert_eq!(app.refresh(token).await.1["error"], "invalid_grant");
    });
}

/// Covers F-04, E-12, DEC-15: a face is enough, without any phone number and without the app signed in;
/// another's face leads nowhere.
#[test]
fn a_face_leads_to_a_new_password() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut browser = app.browser();
        // 陈静 has no phone at all.
        let page = begin_as(&mut browser, super::CHEN_ID).await;
        let page = by(&mut browser, &page, "tax_app").await;
        let failed = look(&app, &page, FaceState::Failed).await;
        assert_eq!(failed.code(), Some("E_STEPUP_FAILED"));
        let refused = go_on(&mut browser, &page).await;
        assert_eq!(refused.code(), Some("E_STEPUP_FAILED"), "{}", refused.text);
        settled().await;
        assert_eq!(logged(&app, "chenjing", "tax_app_scan").await, ["E_STEPUP_FAILED"]);
        let page = by(&mut browser, &page_of(&refused), "tax_app").await;
        let early = go_on(&mut browser, &page).await;
        assert_eq!(early.code(), Some("E_STATE"), "the phone has said nothing yet");
        let passed = look(&app, &page, FaceState::Passed).await;
        assert!(passed.text.contains("已确认"), "{}", passed.text);
        let next = go_on(&mut browser, &page).await;
        assert!(next.url.contains("/forgot-password/new"), "{} {}", next.url, next.text);
        // The outcome is fetched once.
        let again = go_on(&mut browser, &page).await;
        assert!(again.url.contains("/forgot-password/new"), "{}", again.url);
        let done = set(&mut browser, &next, NEW).await;
        assert!(done.text.contains("密码修改完成"), "{}", done.text);
        settled().await;
        let agreed = hufu::flows::sign_in::scan::face::has_agreed(
            &app.ctx,
            account_of(&app, "chenjing").await.person,
        );
        assert!(agreed.await.unwrap());
    });
}

/// The address of the proving page, from a page that a form led to.
fn page_of(page: &crate::kit::browser::Shown) -> crate::kit::browser::Shown {
    let t = page.hidden()["t"].clone();
    let url = format!("/realms/jiangxi/forgot-password/prove?t={t}");
    crate::kit::browser::Shown { url, ..page.clone() }
}

/// Covers F-04, E-13: the other operator's app speaks for its own person alone, and with a face.
#[test]
fn the_income_tax_app_answers_for_its_person() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let wang = ("王小明", WANG_ID);
        let cases = [
            (("李芳", "360121198802290026"), true, false),
            (wang, false, false),
            (("王大明", WANG_ID), true, false),
            (wang, true, true),
        ];
        for ((name, document), face, is_right) in cases {
            let mut browser = app.browser();
            let page = begin_as(&mut browser, WANG_ID).await;
            let page = by(&mut browser, &page, "iit_app").await;
            let who = iit(name, document);
            let asked = act(&app, &page, "scan", (&who, face), None).await;
            assert_eq!(asked["state"], "scanned", "{asked}");
            // Of the one who is expected nothing but what was typed.
            assert_eq!(asked["whom"], "3****************6");
            let chosen = number(&app.ctx, &page).await.parse().ok();
            let said = act(&app, &page, "confirm", (&who, face), chosen).await;
            let next = go_on(&mut browser, &page).await;
            if is_right {
                assert!(next.url.contains("/forgot-password/new"), "{}", next.text);
            } else {
                assert_eq!(said["error"], "E_STEPUP_FAILED", "{name}");
                assert_eq!(next.code(), Some("E_STEPUP_FAILED"), "{name}");
            }
            app.clock.advance(61);
        }
        // For nobody nobody can answer.
        let mut browser = app.browser();
        let page = begin_as(&mut browser, NOBODY_ID).await;
        let page = by(&mut browser, &page, "iit_app").await;
        let who = iit("王小明", NOBODY_ID);
        let asked = act(&app, &page, "scan", (&who, true), None).await;
        assert_eq!(
            (&asked["state"], &asked["whom"]),
            (&"scanned".into(), &"3****************2".into())
        );
        let chosen = number(&app.ctx, &page).await.parse().ok();
        let said = act(&app, &page, "confirm", (&who, true), chosen).await;
        assert_eq!(said["error"], "E_STEPUP_FAILED");
        assert_eq!(go_on(&mut browser, &page).await.code(), Some("E_STEPUP_FAILED"));
    });
}

/// Covers F-02: each kind of document with its own rule, and every wrong field told at once.
#[test]
fn the_first_page_takes_a_document_of_its_kind() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let cases = [
            ("resident_id_card", "36010219900307123", Some("E_FORMAT")),
            ("resident_id_card", "360102199003071237", Some("E_FORMAT")),
            ("resident_id_card", "", Some("E_FORMAT")),
            ("passport", WANG_ID, Some("E_FORMAT")),
            ("chinese_passport", WANG_ID, Some("E_FORMAT")),
            ("chinese_passport", "E12345678", None),
            ("hk_macao_travel_permit", "H12345678", None),
            ("taiwan_travel_permit", "12345678", None),
            ("foreign_passport", "L898902C3", None),
            ("resident_id_card", " ３６０１０２１９９００３０７１２３６ ", None),
        ];
        for (kind, document, code) in cases {
            let mut browser = app.browser();
            let page = begin(&mut browser, kind, document).await;
            assert_eq!(page.code(), code, "{kind} {document}");
            assert_eq!(page.url.contains("/prove?t="), code.is_none());
        }
    });
}

/// Covers F-05, F-07: no step can be skipped, taken back up, or taken by another browser.
#[test]
fn the_steps_are_one_browsers_and_come_in_order() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut browser = app.browser();
        let page = begin_as(&mut browser, WANG_ID).await;
        let t = page.hidden()["t"].clone();
        let new = format!("/realms/jiangxi/forgot-password/new?t={t}");
        assert!(browser.get(&new).await.url.contains("/prove?t="), "not proved yet");
        // A form of the last page, made up by whoever has begun.
        let csrf = page.hidden()["csrf"].clone();
        let form = format!("t={t}&csrf={csrf}&new={NEW}&repeated={NEW}").replace('+', "%2B");
        let skipped = browser.send("POST", "/realms/jiangxi/forgot-password/new", Some(form)).await;
        assert!(skipped.url.contains("/prove?t="), "{} {}", skipped.url, skipped.text);

        let page = ask(&mut browser, &page, WANG).await;
        until_sent(&app, WANG, 1).await;
        let code = app.sms(WANG);
        // Another browser with the address, with the form, with a cookie of its own.
        let mut other = app.browser_at("198.51.100.9");
        assert_eq!(other.get(&page_of(&page).url).await.status.as_u16(), 410);
        let (_, fields) = page.filled(&[("code", &*code), ("act", "verify")]);
        let body = |fields: &std::collections::BTreeMap<String, String>| {
            form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
        };
        let prove = "/realms/jiangxi/forgot-password/prove";
        let taken = other.send("POST", prove, Some(body(&fields))).await;
        assert_eq!(taken.status.as_u16(), 403, "{}", taken.text);
        let own = begin_as(&mut other, WANG_ID).await;
        let taken = other.send("POST", prove, Some(body(&fields))).await;
        assert_eq!(taken.status.as_u16(), 403, "a form of another browser");
        // A code fits the journey that it was sent for.
        let asked = ask(&mut other, &own, "13900139000").await;
        let mixed = answer(&mut other, &asked, &code).await;
        assert!(matches!(mixed.code(), Some("E_OTP" | "E_OTP_RATE")), "{}", mixed.text);

        let next = answer(&mut browser, &page, &code).await;
        assert!(next.url.contains("/new?t="), "{}", next.text);
        // Twice clicked: it goes on from where it is.
        let again = answer(&mut browser, &page, &code).await;
        assert!(again.url.contains("/new?t="), "{}", again.text);
        let (mut one, mut two) = (browser.clone(), browser.clone());
        let (first, second) = (next.clone(), next.clone());
        let (a, b) = tokio::join!(async move { set(&mut one, &first, NEW).await }, async move {
            set(&mut two, &second, "Autumn2026+").await
        },);
        let n_done = [&a, &b].iter().filter(|one| one.text.contains("密码修改完成")).count();
        assert_eq!(n_done, 1, "{} {}", a.text, b.text);
        let late = set(&mut browser, &next, "Winter2026+").await;
        assert_eq!(late.status.as_u16(), 410, "used once");
        assert_eq!(browser.get(&new).await.status.as_u16(), 410);
    });
}

/// Covers F-05: ten minutes for each step, and a break does not end what goes on.
#[test]
fn a_step_waits_ten_minutes() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut browser = app.browser();
        let page = begin_as(&mut browser, WANG_ID).await;
        app.clock.advance(590);
        let asked = ask(&mut browser, &page, WANG).await;
        until_sent(&app, WANG, 1).await;
        // The code lives five minutes, the step ten.
        app.clock.advance(301);
        let late = answer(&mut browser, &asked, &app.sms(WANG)).await;
        assert_eq!(late.code(), Some("E_OTP_EXPIRED"));
        let asked = ask(&mut browser, &asked, WANG).await;
        until_sent(&app, WANG, 2).await;
        let next = answer(&mut browser, &asked, &app.sms(WANG)).await;
        app.clock.advance(590);
        assert_eq!(set(&mut browser, &next, "short").await.code(), Some("E_PASSWORD_POLICY"));
        app.clock.advance(11);
        assert_eq!(set(&mut browser, &next, NEW).await.status.as_u16(), 410);
        assert_eq!(sent(&app, WANG), 2);
    });
}

/// Where somebody came from is where they go back to; nothing that is no sign-in is.
#[test]
fn the_way_back_leads_to_the_sign_in_that_waits() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut browser = app.browser();
        let login = browser.get(&authorize_url(&FILING, &[])).await;
        let t = login.hidden()["t"].clone();
        assert!(login.text.contains(&format!("/forgot-password?from={t}")), "{}", login.text);
        let page = browser.get(&format!("/realms/jiangxi/forgot-password?from={t}")).await;
        let typed = [("document_type", "resident_id_card"), ("document", WANG_ID)];
        let page = browser.submit(&page, &typed).await;
        let page = ask(&mut browser, &page, WANG).await;
        assert!(page.text.contains(&format!("/forgot-password?from={t}\"")), "{}", page.text);
        until_sent(&app, WANG, 1).await;
        let page = answer(&mut browser, &page, &app.sms(WANG)).await;
        let done = set(&mut browser, &page, NEW).await;
        assert!(done.text.contains(&format!("/login/credentials?t={t}\"")), "{}", done.text);
        let back = browser.get(&format!("/realms/jiangxi/login/credentials?t={t}")).await;
        let page = browser.type_credentials(&back, (crate::kit::EXAMPLE, WANG, NEW)).await;
        assert!(page.url.contains("/login/second_factor"));
        for from in ["https://evil.example/", "x\"><script>", &"a".repeat(200)] {
            let from: String = form_urlencoded::byte_serialize(from.as_bytes()).collect();
            let page = browser.get(&format!("/realms/jiangxi/forgot-password?from={from}")).await;
            assert_eq!(page.hidden()["from"], "");
        }
    });
}

/// Whoever waits at the last page with a code that was right replaces no password that was set since, nor
/// comes back after the account's sign-ins have been ended.
#[test]
fn a_password_is_not_replaced_by_what_has_ended() {
    on_each_database(|on| async move {
        for what in ENDS {
            let app = TestApp::start(on).await;
            let mut browser = app.browser();
            let page = proved(&app, &mut browser).await;
            happens(&app, "wangxm", what).await;
            let before = account_of(&app, "wangxm").await.password;
            let refused = set(&mut browser, &page, "Autumn2026+").await;
            assert_eq!(refused.status.as_u16(), 410, "{what}: {}", refused.text);
            assert!(account_of(&app, "wangxm").await.password == before, "{what}");
        }
    });
}

/// What the bureau has locked gets no other password by this way: it ends the locks of guessers alone.
#[test]
fn a_locked_account_gets_no_new_password() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let before = account_of(&app, "wangxm").await;
        let helper = Helper::new("officer/zhang", "asked at the counter").unwrap();
        help::lock(&app.ctx, &helper, before.id).await.unwrap();
        let mut browser = app.browser();
        let page = proved(&app, &mut browser).await;
        let refused = set(&mut browser, &page, NEW).await;
        assert_eq!(refused.code(), Some("E_ACCOUNT_LOCKED"), "{}", refused.text);
        assert!(account_of(&app, "wangxm").await.password == before.password);
    });
}
