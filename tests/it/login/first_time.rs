//! A password that was never set, and the one that everybody has: E-05, E-06, E-22; and what is agreed to the
//! first time: E-19.

use std::collections::BTreeSet;

use hufu::outbound::asked::FaceState;
use hufu::realm::Agreement;
use serde_json::json;

use super::doors::{DOORS, Door, TEXTS, accept, accepted};
use super::scan::{code, face_result, go_on, number, scan};
use crate::account::{LI, as_li, get, held, post};
use crate::kit::browser::Shown;
use crate::kit::{
    Browser, EXAMPLE, FILING, PASSWORD, TestApp, authorize_url, on_each_database, on_one_database,
};

async fn import(app: &TestApp, lines: &[serde_json::Value]) {
    let text: Vec<String> = lines.iter().map(ToString::to_string).collect();
    let text = text.join("\n");
    let format = hufu::flows::feed::Format::JsonLines;
    let report = hufu::flows::feed::import(&app.ctx, "test", text.as_bytes(), format, None);
    let report = report.await.unwrap();
    assert!(report.failed.is_empty(), "{report:?}");
}

/// Imported people whose documents end in digits, in X, and in letters of other kinds; each with a phone.
const IMPORTED: [(&str, &str, &str, &str); 4] = [
    ("resident_id_card", "360402198511014512", "13700137000", "014512"),
    ("resident_id_card", "11010519491231002X", "13911110001", "31002X"),
    ("chinese_passport", "E12345678", "13911110002", "345678"),
    ("foreign_passport", "L898902CD", "13911110003", "8902CD"),
];

async fn with_imported(on: crate::kit::On) -> TestApp {
    let app = TestApp::start(on).await;
    let mut lines = Vec::new();
    for (kind, document, phone, _) in &IMPORTED[1..] {
        let nationality = if *kind == "foreign_passport" { "UTO" } else { "CHN" };
        lines.push(json!({"feed": "person", "source_key": document, "version": 1, "name": "张三",
            "document_type": kind, "document": document, "phone": phone,
            "nationality": nationality}));
    }
    import(&app, &lines).await;
    app
}

async fn at_own_door(app: &TestApp, name: &str, password: &str) -> (Browser, Shown) {
    let (mut browser, page) = DOORS[1].open(app).await;
    let page = DOORS[1].type_in(&mut browser, &page, (name, password)).await;
    (browser, page)
}

/// The last six of the document's number open the door until a password is set, in whatever case its letters
/// are typed; never five or seven, never another's. Once one is set they are refused like any wrong one.
/// Covers E-05.
#[test]
fn the_last_six_open_the_door_until_a_password_is_set() {
    on_one_database(|on| async move {
        let app = with_imported(on).await;
        for (at, (_, document, phone, six)) in IMPORTED.into_iter().enumerate() {
            let lower = six.to_ascii_lowercase();
            let upper = six.to_ascii_uppercase();
            // Digits alone are one spelling.
            let spelled = BTreeSet::from([six, lower.as_str(), upper.as_str()]);
            for &right in &spelled {
                for name in [document, phone] {
                    let (_, page) = at_own_door(&app, name, right).await;
                    assert!(page.url.contains("/login/second_factor"), "{document} {right}");
                }
            }
            let other = IMPORTED[(at + 1) % IMPORTED.len()].3;
            for wrong in [&six[1..], &document[document.len() - 7..], other, PASSWORD] {
                let (_, page) = at_own_door(&app, document, wrong).await;
                assert_eq!(page.code(), Some("E_CREDENTIALS"), "{document} {wrong}");
            }
            app.clock.advance(901);
            let (mut browser, page) = at_own_door(&app, phone, six).await;
            let page = browser.pass_second_factor(&app, &page, phone).await;
            let set = [("new", "Spring2026+"), ("repeated", "Spring2026+")];
            let page = browser.submit(&page, &set).await;
            assert!(page.url.contains("/login/agreements"), "{}", page.text);
            for name in [document, phone] {
                for &old in &spelled {
                    let (_, refused) = at_own_door(&app, name, old).await;
                    assert_eq!(refused.code(), Some("E_CREDENTIALS"), "{document} {old}");
                }
                let (_, page) = at_own_door(&app, name, "Spring2026+").await;
                assert!(page.url.contains("/login/second_factor"), "{document}");
            }
            app.clock.advance(901);
        }
        // Who registered here never had one; and a realm may do without them.
        let (_, refused) = at_own_door(&app, "wangxm", "071236").await;
        assert_eq!(refused.code(), Some("E_CREDENTIALS"));
        let off = [("realm.toml", "initial = \"id_last6\"", "initial = \"off\"")];
        let setup = crate::kit::Setup::of(on, vec![crate::kit::changed_realm(&off)]);
        let app = setup.start().await;
        let (_, refused) = at_own_door(&app, IMPORTED[0].1, IMPORTED[0].3).await;
        assert_eq!(refused.code(), Some("E_CREDENTIALS"));
    });
}

async fn no_session(app: &TestApp, browser: &mut Browser, door: &Door, what: &str) {
    assert!(door.is_signed_out(browser).await, "{what}");
    let rows = app.said("SELECT acting_kind AS said FROM session").await;
    assert!(rows.is_empty(), "{what}: {rows:?}");
    assert!(app.said("SELECT client_id AS said FROM oauth_grant").await.is_empty(), "{what}");
}

/// The page for a new password, which takes none that is refused.
async fn stands_first(browser: &mut Browser, page: &Shown, (door, six): (&Door, &str), what: &str) {
    // No other step is to be had, and none is skipped.
    let t = page.hidden()["t"].clone();
    for step in ["agreements", "choose_identity", "choose_record", "second_factor"] {
        let url = format!("/realms/jiangxi/login/{step}?t={t}");
        let led = browser.get(&url).await;
        assert!(led.url.contains("/login/new_password"), "{what} {step}: {}", led.url);
    }
    for (new, again) in [
        ("", ""),
        (six, six),
        ("abcd1234", "abcd1234"),
        ("Abcdef12!", "Abcdef13!"),
        ("Aa1!Aa1", "Aa1!Aa1"),
        (&*format!("Aa!{six}"), &*format!("Aa!{six}")),
        (&*format!("Aa!{}", door.phone), &*format!("Aa!{}", door.phone)),
    ] {
        let values = [("new", new), ("repeated", again)];
        let refused = browser.submit(page, &values).await;
        assert_eq!(refused.code(), Some("E_PASSWORD_POLICY"), "{what} {new}");
    }
}

/// After the initial password a new one stands before any session or token, at every door, whatever address
/// is asked for meanwhile; whoever leaves the page is signed out, and the initial password still works and
/// leads there again. Covers E-06.
#[test]
fn an_initial_password_is_replaced_before_any_session() {
    on_one_database(|on| async move {
        for door in &DOORS {
            let app = TestApp::start(on).await;
            let six = door.document[door.document.len() - 6..].to_owned();
            app.sql("UPDATE account SET password_hash = NULL").await;
            for round in 0..2 {
                app.clock.advance(61);
                let (mut browser, page) = door.open(&app).await;
                let page = door.type_in(&mut browser, &page, (door.phone, &six)).await;
                no_session(&app, &mut browser.clone(), door, "after the password").await;
                let page = browser.pass_second_factor(&app, &page, door.phone).await;
                let what = format!("{} {round}", door.id);
                assert!(page.url.contains("/login/new_password"), "{what}: {}", page.url);
                if round == 0 {
                    stands_first(&mut browser, &page, (door, six.as_str()), &what).await;
                }
                no_session(&app, &mut browser.clone(), door, &what).await;
                // Left: the page is closed, the browser is signed out.
                if round == 0 {
                    no_session(&app, &mut app.browser(), door, &what).await;
                    continue;
                }
                let values = [("new", "Spring2026+"), ("repeated", "Spring2026+")];
                let done = browser.submit(&page, &values).await;
                let done = door.choose(&mut browser, done).await;
                assert!(done.answered("code").is_some(), "{what}: {}", done.text);
            }
        }
    });
}

/// Li's former password leads on nowhere, the present one does.
async fn only_the_new_one(app: &TestApp, doors: &[Door], old: &str, new: &str) {
    for door in doors {
        for (password, is_right) in [(old, false), (new, true)] {
            let (mut browser, page) = door.open(app).await;
            let page = door.type_in(&mut browser, &page, (LI, password)).await;
            let through = page.url.contains("/login/second_factor");
            assert_eq!(through, is_right, "{} {password}: {}", door.id, page.text);
        }
    }
}

/// One password for one person, at every door: changed at one it is changed at all, and nobody else can read,
/// set or reset it, be it a manager, a feed or an application. Covers E-22.
#[test]
fn one_password_is_the_persons_at_every_door() {
    on_one_database(|on| async move {
        let app = TestApp::start(on).await;
        let li = |id, enterprise| Door {
            id,
            enterprise,
            document: "360121198802290026",
            name: "李芳",
            phone: LI,
            application: if id == "social_insurance_unit" {
                &super::doors::INSURANCE
            } else {
                &FILING
            },
        };
        let doors = [
            li("enterprise", EXAMPLE),
            li("enterprise", crate::kit::SAMPLE),
            li("natural_person", ""),
            li("agency", crate::account::AGENCY),
            li("social_insurance_unit", EXAMPLE),
            li("all_in_one", ""),
        ];
        let right = |old: &'static str, new: &'static str| only_the_new_one(&app, &doors, old, new);
        right("Wrong2026!", PASSWORD).await;
        // Her password is set anew at the agency's door, as after an import.
        app.sql("UPDATE account SET password_hash = NULL").await;
        right(PASSWORD, "290026").await;
        let (mut browser, page) = doors[3].open(&app).await;
        let page = doors[3].type_in(&mut browser, &page, (LI, "290026")).await;
        let page = browser.pass_second_factor(&app, &page, LI).await;
        let set = [("new", "Spring2026+"), ("repeated", "Spring2026+")];
        browser.submit(&page, &set).await;
        right("290026", "Spring2026+").await;
    });
}

/// What a manager can send about a handler leaves the handler's password as it is, and shows nothing of it.
/// Covers E-22.
#[test]
fn nobody_else_has_a_hand_in_a_password() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let before = app.said("SELECT password_hash AS said FROM account WHERE password_hash IS NOT NULL ORDER BY 1").await;
        let mut li = as_li(&app).await;
        let wang = held(&app.ctx, "13800138000").await.remove(0).id;
        let paths = [
            "/account/handlers".to_owned(),
            format!("/account/handlers/{wang}"),
            "/account/handlers/add".to_owned(),
            "/account/person".to_owned(),
            "/account".to_owned(),
        ];
        for path in &paths {
            let page = get(&mut li, path).await;
            assert!(!page.text.contains("type=\"password\""), "{path}");
            assert!(!page.text.contains("argon2") && !page.text.contains("name=\"new\""), "{path}");
        }
        let fields = [
            ("act", "edit-save"),
            ("password", "Other2026+"),
            ("new", "Other2026+"),
            ("repeated", "Other2026+"),
        ];
        for path in &paths[..3] {
            post(&app, &mut li, path, &fields).await;
        }
        for act in ["password", "reset", "reset_password", "set-password"] {
            post(&app, &mut li, &paths[1], &[("act", act), ("new", "Other2026+")]).await;
        }
        // The step of a sign-in is the sign-in's alone.
        let stolen = post(&app, &mut li, "/login/new_password", &fields).await;
        assert!(stolen.status.is_client_error(), "{}", stolen.text);
        // A feed has no such field, for people and for enterprises (E-21).
        for (kind, line) in [
            ("person", json!({"name": "李芳", "document": "360121198802290026"})),
            (
                "enterprise",
                json!({"registration_no": "10113601000000000001", "uscc": EXAMPLE,
                "name": "南昌示例科技有限公司", "status": "03", "tax_authority": "13601000000"}),
            ),
        ] {
            for field in ["password", "password_hash", "enterprise_password"] {
                let mut line = line.clone();
                line["feed"] = json!(kind);
                line["source_key"] = json!("x");
                line["version"] = json!(1);
                line[field] = json!("Other2026+");
                let text = line.to_string();
                let format = hufu::flows::feed::Format::JsonLines;
                let told =
                    hufu::flows::feed::import(&app.ctx, "test", text.as_bytes(), format, None);
                assert_eq!(told.await.unwrap().failed.len(), 1, "{kind} {field}");
            }
        }
        let after = app.said("SELECT password_hash AS said FROM account WHERE password_hash IS NOT NULL ORDER BY 1").await;
        assert_eq!(before, after);
        // Nor is there a claim, or an address of the API, that knows of one.
        let known = app.browser().get("/realms/jiangxi/.well-known/openid-configuration").await;
        assert!(!known.text.contains("\"password\""), "{}", known.text);
        let silent = authorize_url(&FILING, &[("prompt", "none")]);
        assert!(li.get(&silent).await.answered("code").is_some(), "nobody was signed out");
    });
}

/// Imported, with an identity in the enterprise.
const ZHANG: Door = Door {
    id: "enterprise",
    application: &FILING,
    enterprise: EXAMPLE,
    name: "张伟",
    document: "360402198511014512",
    phone: "13700137000",
};

/// Whose face nobody has looked at yet: the service's text is read and agreed to on the phone, before it is.
async fn first_face(app: &TestApp, browser: &mut Browser, page: &Shown) -> Shown {
    let t = page.hidden()["t"].clone();
    let page = get(browser, &format!("/login/second_factor?t={t}&way=tax_app")).await;
    let mut phone = app.browser_at("203.0.113.77");
    let asked = scan(&mut phone, &code(&page)).await;
    for read in ["人脸识别服务协议 (2026-11)", "核验由有资质的服务方完成"] {
        assert!(asked.text.contains(read), "{read}: {}", asked.text);
    }
    let chosen = number(&app.ctx, &page).await;
    let fields = [("act", "confirm"), ("number", chosen.as_str()), ("agree", "yes")];
    let refused = phone.submit(&asked, &fields[..2]).await;
    assert_eq!(refused.code(), Some("E_AGREEMENT"), "{}", refused.text);
    let left = phone.submit(&refused, &fields).await;
    let handle = left.left_to.expect("the provider").rsplit('/').next().unwrap().to_owned();
    let back = app.ctx.services.outbound.sandbox.decide(&handle, FaceState::Passed).unwrap();
    face_result(&mut phone, &back).await;
    go_on(browser, &page).await
}

/// An imported handler reads both texts at the first sign-in and agrees to each before there is a session; who
/// comes by a face agrees to the third on the phone that looks at it. Each is kept with its version, when, from
/// where and by what. Covers E-19.
#[test]
fn an_imported_handler_agrees_to_each_text() {
    on_each_database(|on| async move {
        for way in ["sms", "tax_app"] {
            let app = TestApp::start(on).await;
            let (mut browser, page) = ZHANG.open(&app).await;
            let page = ZHANG.type_in(&mut browser, &page, (ZHANG.document, "014512")).await;
            let shown_at = app.clock.now().0;
            let page = match way {
                "sms" => browser.pass_second_factor(&app, &page, ZHANG.phone).await,
                _ => first_face(&app, &mut browser, &page).await,
            };
            let set = [("new", "Spring2026+"), ("repeated", "Spring2026+")];
            let page = browser.submit(&page, &set).await;
            assert!(page.url.contains("/login/agreements"), "{way}: {}", page.url);
            for read in [
                "用户协议 (2026-11)",
                "本协议约定您使用统一身份登录服务时双方的权利和义务",
                "个人信息保护告知同意书 (2026-11)",
                "为确认您的身份，我们处理您的姓名",
            ] {
                assert!(page.text.contains(read), "{way} {read}: {}", page.text);
            }
            for one in TEXTS {
                let refused = accept(&mut browser, &page, &[one]).await;
                assert_eq!(refused.code(), Some("E_AGREEMENT"), "{way} {one}");
            }
            no_session(&app, &mut browser.clone(), &ZHANG, way).await;
            let n_before = accepted(&app, ZHANG.phone).await.len();
            assert_eq!(n_before, usize::from(way == "tax_app"), "{way}");
            app.clock.advance(30);
            let done = accept(&mut browser, &page, &TEXTS).await;
            assert!(done.answered("code").is_some(), "{way}: {}", done.text);
            let (realm, now) = (&app.ctx.realm, app.clock.now().0);
            let line = |one: &Agreement, at: i64, from: &str| {
                format!("{} {} {} {at} {from}", one.id, one.version, one.text_hash)
            };
            let of_web = realm.agreements_to_sign_in().map(|one| line(one, now, "127.0.0.1 web"));
            let mut wanted: Vec<String> = of_web.collect();
            if way == "tax_app" {
                let shown = realm.agreements_to_show_a_face();
                wanted.extend(shown.map(|one| line(one, shown_at, "203.0.113.77 phone")));
            }
            wanted.sort();
            let mut kept = accepted(&app, ZHANG.phone).await;
            kept.sort();
            assert_eq!(kept, wanted, "{way}");
        }
    });
}
