//! Signing in and verifying with a phone: the phone pages, another operator's app, and everything
//! that is refused on the way.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::body::Body;
use axum::http::Request;
use hufu::cli::demo::phone_app::{Operator, SignedIn};
use hufu::domain::authorisation::By;
use hufu::domain::factor::ScanApp;
use hufu::domain::login::{LoginTransaction, Then};
use hufu::domain::scan::Purpose;
use hufu::flows::Ctx;
use hufu::flows::sign_in::scan::code::{Shower, find, show};
use hufu::flows::sign_in::transaction::new;
use hufu::outbound::asked::FaceState;
use serde_json::Value;

use crate::kit::browser::Shown;
use crate::kit::{
    Browser, EXAMPLE, FILING, ISSUER, PASSWORD, TestApp, authorize_url, claims, on_each_database,
};
use crate::protocol::authorize::signed_in;

/// The code on a page: its path, as a camera would open it.
pub fn code(page: &Shown) -> String {
    let href = page.text.split("class=\"qr\" href=\"").nth(1).expect("a code is shown");
    let href = href.split('"').next().unwrap().replace("&#x2F;", "/");
    href.strip_prefix("https://sso.jiangxi.example").unwrap().to_owned()
}

pub fn id(page: &Shown) -> String {
    code(page).rsplit('/').next().unwrap().to_owned()
}

/// How the code stands, as the page's script asks.
pub async fn told(browser: &mut Browser, page: &Shown) -> Value {
    let (_, fields) = page.filled(&[("app", "tax_app")]);
    let query = format!("t={}&q={}&v={}", fields["t"], fields["q"], fields["v"]);
    let shown = browser.get(&format!("/realms/jiangxi/login/scan/state?{query}")).await;
    serde_json::from_str(&shown.text).unwrap_or(Value::Null)
}

/// 【我已在手机上确认】
pub async fn go_on(browser: &mut Browser, page: &Shown) -> Shown {
    let app =
        if page.text.contains("name=\"app\" value=\"iit_app\"") { "iit_app" } else { "tax_app" };
    browser.submit(page, &[("app", app)]).await
}

/// What the browser shows while the code is scanned.
pub async fn number(ctx: &Ctx, page: &Shown) -> String {
    let found = find(ctx, &id(page)).await.unwrap().unwrap();
    let number = found.told(ctx.now()).number.expect("a number is asked");
    number.value().to_string()
}

/// Two digits that are another number's.
pub fn another(number: &str) -> &'static str {
    if number == "10" { "11" } else { "10" }
}

/// The camera opens the code and 【继续】 is pressed; the page that asks, or why there is none.
pub async fn scan(phone: &mut Browser, code: &str) -> Shown {
    let first = phone.get(code).await;
    match first.text.contains("id=\"phone-scan\"") {
        true => phone.submit(&first, &[("act", "scan")]).await,
        false => first,
    }
}

/// Back from the provider of the face check: its result is asked for.
pub async fn face_result(phone: &mut Browser, back: &str) -> Shown {
    let page = phone.get(back.strip_prefix("https://sso.jiangxi.example").unwrap()).await;
    phone.submit(&page, &[("order", &page.hidden()["order"])]).await
}

pub async fn login_page(app: &TestApp) -> (Browser, Shown) {
    let mut browser = app.browser();
    let page = browser.get(&authorize_url(&FILING, &[])).await;
    (browser, page)
}

/// The second factor's page of 王小明 with one of its ways open.
pub async fn at_second_factor(app: &TestApp, way: &str) -> (Browser, Shown) {
    let (mut browser, page) = login_page(app).await;
    let page = browser.type_credentials(&page, (EXAMPLE, "13800138000", PASSWORD)).await;
    let t = page.hidden()["t"].clone();
    let url = format!("/realms/jiangxi/login/second_factor?t={t}&way={way}");
    let page = browser.get(&url).await;
    (browser, page)
}

/// Covers, P-06.
#[test]
fn a_phone_that_is_signed_in_signs_a_browser_in() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut phone = signed_in(&app).await;
        let (mut browser, page) = login_page(&app).await;
        assert_eq!(told(&mut browser, &page).await["state"], "new");
        let asked = scan(&mut phone, &code(&page)).await;
        for shown in ["江西省电子税务局", "127.0", "法定代表人", "南昌示例科技有限公司"]
        {
            assert!(asked.text.contains(shown), "{shown} is missing: {}", asked.text);
        }
        let scanned = told(&mut browser, &page).await;
        assert_eq!((&scanned["state"], &scanned["name"]), (&"scanned".into(), &"李*".into()));
        // Nothing goes on before the tap.
        assert_eq!(go_on(&mut browser, &page).await.code(), Some("E_STATE"));
        // Nobody but this browser learns anything, whatever they know of the code.
        let mut other = app.browser();
        assert_eq!(told(&mut other, &page).await, Value::Null);
        let (mut third, own) = login_page(&app).await;
        let (_, mine) = own.filled(&[("app", "tax_app")]);
        let (_, theirs) = page.filled(&[("app", "tax_app")]);
        let url = "/realms/jiangxi/login/scan/state";
        for (q, v) in [(&theirs["q"], &mine["v"]), (&theirs["q"], &theirs["v"])] {
            let asked = third.get(&format!("{url}?t={}&q={q}&v={v}", mine["t"])).await;
            assert_eq!(asked.status.as_u16(), 404);
        }
        let done = phone.submit(&asked, &[("act", "confirm")]).await;
        assert!(done.text.contains("已确认"), "{}", done.text);
        assert_eq!(told(&mut browser, &page).await["state"], "confirmed");
        let arrived = go_on(&mut browser, &page).await;
        let (_, tokens) = app.redeem(&arrived.answered("code").unwrap()).await;
        let id_token = claims(tokens["id_token"].as_str().unwrap());
        assert_eq!(id_token["tax_identity"]["identity_type"], "legal_representative");
        assert_eq!(id_token["amr"], serde_json::json!(["swk", "user"]));
        // Used once: whoever asks again is in the session that it made.
        let again = go_on(&mut browser, &page).await;
        assert!(again.url.ends_with("/signed-in"), "{}", again.url);
        assert_eq!(scan(&mut phone, &code(&page)).await.code(), Some("E_STATE"));
    });
}

///
#[test]
fn a_code_ends_by_time_by_cancelling_and_with_the_identity() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut phone = signed_in(&app).await;
        // Too old.
        let (mut browser, page) = login_page(&app).await;
        app.clock.advance(121);
        assert_eq!(scan(&mut phone, &code(&page)).await.code(), Some("E_SCAN_EXPIRED"));
        assert_eq!(told(&mut browser, &page).await["state"], "expired");
        let again = go_on(&mut browser, &page).await;
        assert_eq!(again.code(), Some("E_SCAN_EXPIRED"));
        assert_ne!(id(&again), id(&page), "the page shows a new code");
        // Turned back on the phone.
        let asked = scan(&mut phone, &code(&again)).await;
        phone.submit(&asked, &[("act", "cancel")]).await;
        assert_eq!(told(&mut browser, &again).await["state"], "cancelled");
        assert_eq!(phone.submit(&asked, &[("act", "confirm")]).await.code(), Some("E_STATE"));
        assert_eq!(go_on(&mut browser, &again).await.code(), Some("E_STATE"));
        // Scanned, and then the phone waits too long.
        let (mut browser, page) = login_page(&app).await;
        let asked = scan(&mut phone, &code(&page)).await;
        app.clock.advance(181);
        assert_eq!(
            phone.submit(&asked, &[("act", "confirm")]).await.code(),
            Some("E_SCAN_EXPIRED")
        );
        assert!(go_on(&mut browser, &page).await.answered("code").is_none());
        // The identity ends between scan and tap.
        let (_, page) = login_page(&app).await;
        let asked = scan(&mut phone, &code(&page)).await;
        end_authorisations(&app, "13900139000").await;
        let refused = phone.submit(&asked, &[("act", "confirm")]).await;
        assert_eq!(refused.code(), Some("E_NO_IDENTITY"), "{}", refused.text);
    });
}

async fn end_authorisations(app: &TestApp, phone: &str) {
    let rows = app.ctx.rows();
    let phone = hufu::domain::number::phone::Phone::parse(phone).unwrap();
    let account = rows.accounts().find_by_phone(&phone).await.unwrap().unwrap();
    for (held, _) in rows.standings().held(account.person).await.unwrap() {
        let known = app.ctx.realm.identity_type(&held.identity_type).unwrap();
        // Only the rows: the phone's session is not told.
        let ended = held.apply(&held.registry_end(), By::REGISTRY, known, app.ctx.now()).unwrap();
        let tx = app.ctx.begin().await.unwrap();
        assert!(tx.rows().authorisations().save(app.ctx.new_row_id(), &ended).await.unwrap());
        tx.commit().await.unwrap();
    }
}

/// Covers Q-04: a personal session on the phone gives a personal session.
#[test]
fn a_phone_in_personal_affairs_signs_in_the_person() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut phone = app.browser();
        let start = phone.get("/realms/jiangxi/login").await;
        let t = start.hidden()["t"].clone();
        let url = format!("/realms/jiangxi/login/credentials?t={t}&entrance=natural_person");
        let page = phone.get(&url).await;
        let values = [("personal_id", "13800138000"), ("password", PASSWORD), ("slider", "100")];
        let page = phone.submit(&page, &values).await;
        phone.pass_second_factor(&app, &page, "13800138000").await;
        let (mut browser, page) = login_page(&app).await;
        let asked = scan(&mut phone, &code(&page)).await;
        phone.submit(&asked, &[("act", "confirm")]).await;
        let arrived = go_on(&mut browser, &page).await;
        let (_, tokens) = app.redeem(&arrived.answered("code").unwrap()).await;
        let id_token = claims(tokens["id_token"].as_str().unwrap());
        assert_eq!(id_token["tax_identity"]["kind"], "personal");
    });
}

/// Covers Q-10: of two phones the first has the code.
#[test]
fn a_second_phone_comes_too_late() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut first = signed_in(&app).await;
        app.clock.advance(61);
        let mut second = signed_in(&app).await;
        let (_, page) = login_page(&app).await;
        let asked = scan(&mut first, &code(&page)).await;
        assert_eq!(scan(&mut second, &code(&page)).await.code(), Some("E_STATE"));
        // Somebody who is not signed in is asked to sign in first, and comes back to the code.
        let mut third = app.browser();
        let login = scan(&mut third, &code(&page)).await;
        assert!(login.url.contains("/login/credentials"), "{}", login.url);
        assert!(first.submit(&asked, &[("act", "confirm")]).await.text.contains("已确认"));
    });
}

#[test]
fn each_of_three_ways_leads_on() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        for way in ["sms", "tax_app", "iit_app"] {
            let (mut browser, page) = at_second_factor(&app, way).await;
            for offered in ["way-sms", "way-tax_app", "way-iit_app"] {
                assert!(page.text.contains(&format!("id=\"{offered}\"")), "{offered}");
            }
            let chooser = match way {
                "sms" => browser.pass_second_factor(&app, &page, "13800138000").await,
                "tax_app" => {
                    pass_face(&app, &page, FaceState::Passed).await;
                    go_on(&mut browser, &page).await
                }
                _ => {
                    let wang = iit("王小明", "360102199003071236");
                    act(&app, &page, "scan", (&wang, true), None).await;
                    let number = number(&app.ctx, &page).await.parse().ok();
                    let done = act(&app, &page, "confirm", (&wang, true), number).await;
                    assert_eq!(done["state"], "confirmed", "{done}");
                    go_on(&mut browser, &page).await
                }
            };
            let choice = chooser.text.split("name=\"identity\" value=\"").nth(1);
            let choice = choice.unwrap_or_else(|| panic!("{way}: {}", chooser.text));
            let choice = choice.split('"').next().unwrap();
            let done = browser.submit(&chooser, &[("identity", choice)]).await;
            let (_, tokens) = app.redeem(&done.answered("code").unwrap()).await;
            let amr = claims(tokens["id_token"].as_str().unwrap())["amr"].clone();
            let second = if way == "sms" { "sms" } else { "face" };
            assert_eq!(amr, serde_json::json!(["pwd", second, "mfa"]));
            app.clock.advance(61);
        }
    });
}

/// The phone page, without being signed in, and the provider's answer about the face.
pub async fn pass_face(app: &TestApp, page: &Shown, outcome: FaceState) -> Shown {
    let mut phone = app.browser();
    let asked = scan(&mut phone, &code(page)).await;
    assert!(!asked.text.contains("王小明"), "the phone learns whose sign-in it is");
    let chosen = number(&app.ctx, page).await;
    let left = phone.submit(&asked, &[("act", "confirm"), ("number", &chosen)]).await;
    let handle = left.left_to.expect("the provider").rsplit('/').next().unwrap().to_owned();
    let sandbox = &app.ctx.services.outbound.sandbox;
    let back = sandbox.check(&handle).unwrap().return_url;
    // The redirect alone proves nothing.
    let early = face_result(&mut phone, &back).await;
    assert!(early.text.contains("还没有结果"), "{}", early.text);
    sandbox.decide(&handle, outcome);
    face_result(&mut phone, &back).await
}

/// Covers E-12: another face, a wrong number, an unavailable provider: never passed.
#[test]
fn another_face_or_number_never_passes() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let (mut browser, page) = at_second_factor(&app, "tax_app").await;
        let other = pass_face(&app, &page, FaceState::Failed).await;
        assert_eq!(other.code(), Some("E_STEPUP_FAILED"));
        let again = go_on(&mut browser, &page).await;
        assert_eq!(again.code(), Some("E_STEPUP_FAILED"));
        assert_ne!(id(&again), id(&page), "the page offers a new code");
        // A wrong number ends the code.
        let mut phone = app.browser();
        let asked = scan(&mut phone, &code(&again)).await;
        let right = number(&app.ctx, &again).await;
        let wrong = another(&right);
        let refused = phone.submit(&asked, &[("act", "confirm"), ("number", wrong)]).await;
        assert_eq!(refused.code(), Some("E_STEPUP_FAILED"));
        let late = phone.submit(&asked, &[("act", "confirm"), ("number", &right)]).await;
        assert_eq!(late.code(), Some("E_STATE"));
        // The provider is away: said so, nothing passed, the text message still works.
        let sandbox = &app.ctx.services.outbound.sandbox;
        sandbox.set_down(true);
        let again = go_on(&mut browser, &again).await;
        let mut phone = app.browser();
        let asked = scan(&mut phone, &code(&again)).await;
        let right = number(&app.ctx, &again).await;
        let away = phone.submit(&asked, &[("act", "confirm"), ("number", &right)]).await;
        assert_eq!((away.status.as_u16(), away.code()), (503, Some("E_FACE_UNAVAILABLE")));
        assert_eq!(go_on(&mut browser, &again).await.code(), Some("E_STATE"));
        let t = again.hidden()["t"].clone();
        let url = format!("/realms/jiangxi/login/second_factor?t={t}&way=sms");
        let page = browser.get(&url).await;
        let chooser = browser.pass_second_factor(&app, &page, "13800138000").await;
        assert!(chooser.text.contains("name=\"identity\""));
    });
}

/// Twenty face checks a day for one person, then other ways stay open.
#[test]
fn a_face_is_checked_twenty_times_a_day_at_most() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        for _ in 0..20 {
            let (_, page) = at_second_factor(&app, "tax_app").await;
            let failed = pass_face(&app, &page, FaceState::Failed).await;
            assert_eq!(failed.code(), Some("E_STEPUP_FAILED"));
        }
        let (_, page) = at_second_factor(&app, "tax_app").await;
        let mut phone = app.browser();
        let asked = scan(&mut phone, &code(&page)).await;
        let right = number(&app.ctx, &page).await;
        let refused = phone.submit(&asked, &[("act", "confirm"), ("number", &right)]).await;
        assert_eq!(refused.code(), Some("E_OTP_RATE"));
    });
}

/// Whoever has not agreed to the face service is asked first, and the answer is kept once
/// the face was that person's.
#[test]
fn the_face_service_is_agreed_to_before_its_first_use() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut browser = app.browser();
        let page = browser.get(&authorize_url(&FILING, &[])).await;
        let zhang = ("13700137000", "014512");
        let page = browser.type_credentials(&page, (EXAMPLE, zhang.0, zhang.1)).await;
        let t = page.hidden()["t"].clone();
        let url = format!("/realms/jiangxi/login/second_factor?t={t}&way=tax_app");
        let page = browser.get(&url).await;
        let mut phone = app.browser();
        let asked = scan(&mut phone, &code(&page)).await;
        let chosen = number(&app.ctx, &page).await;
        let fields = [("act", "confirm"), ("number", chosen.as_str())];
        let refused = phone.submit(&asked, &fields).await;
        assert_eq!(refused.code(), Some("E_AGREEMENT"));
        let rows = app.ctx.rows();
        let bound = hufu::domain::number::phone::Phone::parse(zhang.0).unwrap();
        let account = rows.accounts().find_by_phone(&bound).await.unwrap().unwrap();
        let agreed = || hufu::flows::sign_in::scan::face::has_agreed(&app.ctx, account.person);
        let ticked = [("act", "confirm"), ("number", chosen.as_str()), ("agree", "yes")];
        // A tick under another text than the one that stands is none.
        let unread = [&ticked[..], &[("shown-face-service", "2020-01")]].concat();
        let refused = phone.submit(&refused, &unread).await;
        assert_eq!(refused.code(), Some("E_AGREEMENT"));
        let left = phone.submit(&refused, &ticked).await;
        assert!(!agreed().await.unwrap(), "kept before anybody proved to be the person");
        let handle = left.left_to.unwrap().rsplit('/').next().unwrap().to_owned();
        let sandbox = &app.ctx.services.outbound.sandbox;
        let back = sandbox.decide(&handle, FaceState::Passed).unwrap();
        face_result(&mut phone, &back).await;
        assert!(agreed().await.unwrap());
        assert!(go_on(&mut browser, &page).await.text.contains("name=\"new\""));
    });
}

pub fn iit(name: &str, document_number: &str) -> SignedIn {
    let (name, document_number) = (name.to_owned(), document_number.to_owned());
    SignedIn { name, document_number, phone_ip: Some(IpAddr::V4(Ipv4Addr::LOCALHOST)) }
}

pub fn operator(app: &TestApp) -> Operator {
    let key = include_str!("../../../examples/phone_app/iit.private.json").to_owned();
    let clock = app.clock.clone();
    let now = Arc::new(move || clock.now().0);
    Operator::new(ISSUER.to_owned(), "iit-app".to_owned(), key, now).unwrap()
}

pub async fn post(app: &TestApp, form: Vec<(&'static str, String)>) -> Value {
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let request = Request::post("/realms/jiangxi/app/scan")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from(body))
        .unwrap();
    app.json(request).await.1
}

pub async fn act(
    app: &TestApp,
    page: &Shown,
    what: &str,
    who: (&SignedIn, bool),
    number: Option<u8>,
) -> Value {
    post(app, operator(app).form(&id(page), what, who, number).unwrap()).await
}

/// Covers, E-13.
#[test]
fn the_income_tax_app_speaks_for_its_people() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let (mut browser, page) = login_page(&app).await;
        for app in ["app-tax_app", "app-iit_app"] {
            assert!(page.text.contains(&format!("id=\"{app}\"")), "no code for {app}");
        }
        let t = page.hidden()["t"].clone();
        let url =
            format!("/realms/jiangxi/login/credentials?t={t}&entrance=enterprise&app=iit_app");
        let page = browser.get(&url).await;
        // An ordinary camera is told which app to use; the code stays as it is.
        let camera = app.browser().get(&code(&page)).await;
        assert!(camera.text.contains("个人所得税"));
        let li = iit("李芳", "360121198802290026");
        let asked = act(&app, &page, "scan", (&li, false), None).await;
        assert_eq!((&asked["state"], &asked["purpose"]), (&"scanned".into(), &"sign_in".into()));
        assert_eq!(act(&app, &page, "confirm", (&li, false), None).await["state"], "confirmed");
        let arrived = go_on(&mut browser, &page).await;
        let (_, tokens) = app.redeem(&arrived.answered("code").unwrap()).await;
        let id_token = claims(tokens["id_token"].as_str().unwrap());
        // Personal, on whichever tab the code was shown.
        assert_eq!(id_token["tax_identity"]["kind"], "personal");

        // As second factor: somebody else, no face, a wrong name.
        let cases = [
            (iit("李芳", "360121198802290026"), true),
            (iit("王小明", "360102199003071236"), false),
            (iit("王大明", "360102199003071236"), true),
        ];
        for (who, face) in cases {
            let (mut browser, page) = at_second_factor(&app, "iit_app").await;
            act(&app, &page, "scan", (&who, face), None).await;
            let chosen = number(&app.ctx, &page).await.parse().ok();
            let refused = act(&app, &page, "confirm", (&who, face), chosen).await;
            assert_eq!(refused["error"], "E_STEPUP_FAILED", "{refused}");
            assert_eq!(go_on(&mut browser, &page).await.code(), Some("E_STEPUP_FAILED"));
        }
        // A tax app's code is not this operator's, a statement works once and for one code.
        let (_, page) = at_second_factor(&app, "tax_app").await;
        assert_eq!(act(&app, &page, "scan", (&li, true), None).await["error"], "E_STATE");
        let (_, page) = at_second_factor(&app, "iit_app").await;
        let form = operator(&app).form(&id(&page), "scan", (&li, true), None).unwrap();
        assert_eq!(post(&app, form.clone()).await["state"], "scanned");
        assert_eq!(post(&app, form.clone()).await["error"], "invalid_client");
        let (_, other) = at_second_factor(&app, "iit_app").await;
        let mut moved = operator(&app).form(&id(&page), "scan", (&li, true), None).unwrap();
        for (name, value) in &mut moved {
            if *name == "code" {
                *value = id(&other);
            }
        }
        assert_eq!(post(&app, moved).await["error"], "E_CREDENTIALS");
    });
}

/// Covers Q-13: whoever has not accepted the agreements does so before the session.
#[test]
fn the_agreements_are_asked_after_a_scan_too() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let (mut browser, page) = login_page(&app).await;
        let t = page.hidden()["t"].clone();
        let url = format!("/realms/jiangxi/login/credentials?t={t}&app=iit_app");
        let page = browser.get(&url).await;
        let zhang = iit("张伟", "360402198511014512");
        act(&app, &page, "scan", (&zhang, false), None).await;
        act(&app, &page, "confirm", (&zhang, false), None).await;
        let agreements = go_on(&mut browser, &page).await;
        assert!(agreements.text.contains("accept-user-agreement"), "{}", agreements.text);
        let ticked = [
            ("accept-user-agreement", "yes"),
            ("accept-personal-information", "yes"),
            ("accept-face-service", "yes"),
            ("act", "accept"),
        ];
        let done = browser.submit(&agreements, &ticked).await;
        assert!(done.answered("code").is_some(), "{}", done.text);
    });
}

/// Covers L-11: an application wants more than was proved; the person sees only the missing step.
#[test]
fn a_session_is_raised_by_the_missing_step_alone() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut browser = signed_in(&app).await;
        let level = |n: u8| format!("urn:hufu:realname:{n}");
        let (three, four) = (level(3), level(4));
        let before = browser.get(&authorize_url(&FILING, &[])).await;
        let (_, tokens) = app.redeem(&before.answered("code").unwrap()).await;
        let old = claims(tokens["id_token"].as_str().unwrap());
        assert_eq!(old["acr"], level(2));
        // Silently nothing is proved; a level that the person has not reached is reached first.
        let silent = [("acr_values", three.as_str()), ("prompt", "none")];
        let refused = browser.get(&authorize_url(&FILING, &silent)).await;
        assert_eq!(refused.answered("error").as_deref(), Some("interaction_required"));
        let raise = browser.get(&authorize_url(&FILING, &[("acr_values", &four)])).await;
        assert!(raise.url.contains("/raise?"), "{}", raise.url);

        let page = browser.get(&authorize_url(&FILING, &[("acr_values", &three)])).await;
        assert!(page.url.contains("/login/second_factor"), "{}", page.url);
        assert!(!page.text.contains("id=\"way-sms\""), "a text message proves no more");
        let cookies = browser.cookies.clone();
        pass_face(&app, &page, FaceState::Passed).await;
        let done = go_on(&mut browser, &page).await;
        let (_, tokens) = app.redeem(&done.answered("code").unwrap()).await;
        let raised = claims(tokens["id_token"].as_str().unwrap());
        assert_eq!((&raised["acr"], &raised["sid"]), (&three.clone().into(), &old["sid"]));
        assert_eq!(raised["amr"], serde_json::json!(["pwd", "sms", "mfa", "face"]));
        // The session's id has changed: what was known before is worth nothing (rule 9).
        let mut stale = app.browser();
        stale.cookies = cookies;
        let silent = stale.get(&authorize_url(&FILING, &[("prompt", "none")])).await;
        assert_eq!(silent.answered("error").as_deref(), Some("login_required"));
        let again = browser.get(&authorize_url(&FILING, &[("acr_values", &three)])).await;
        assert!(again.answered("code").is_some());
    });
}

/// Wrong passwords of strangers, as many as they like, are nothing to a phone that is signed in, in
/// whatever order lock and tap come. Covers E-09.
#[test]
fn wrong_passwords_never_stop_a_phone() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut phone = signed_in(&app).await;
        app.clock.advance(61);
        // Confirmed before the lock, fetched after it; a password that was right before it.
        let (mut early, early_page) = login_page(&app).await;
        let asked = scan(&mut phone, &code(&early_page)).await;
        phone.submit(&asked, &[("act", "confirm")]).await;
        let (mut half, half_page) = login_page(&app).await;
        let half_page = half.type_credentials(&half_page, (EXAMPLE, "13900139000", PASSWORD)).await;
        for _ in 0..6 {
            let (mut thief, page) = login_page(&app).await;
            thief.type_credentials(&page, (EXAMPLE, "13900139000", "Wrong2026!")).await;
        }
        let (mut thief, page) = login_page(&app).await;
        let locked = thief.type_credentials(&page, (EXAMPLE, "13900139000", PASSWORD)).await;
        assert_eq!(locked.code(), Some("E_LOCKED"), "passwords are locked here");
        assert!(go_on(&mut early, &early_page).await.answered("code").is_some());
        let done = half.pass_second_factor(&app, &half_page, "13900139000").await;
        assert!(done.answered("code").is_some(), "{}", done.text);
        let (mut browser, page) = login_page(&app).await;
        let asked = scan(&mut phone, &code(&page)).await;
        phone.submit(&asked, &[("act", "confirm")]).await;
        assert!(go_on(&mut browser, &page).await.answered("code").is_some());
        // The other operator's app as well.
        let (mut browser, page) = login_page(&app).await;
        let t = page.hidden()["t"].clone();
        let page =
            browser.get(&format!("/realms/jiangxi/login/credentials?t={t}&app=iit_app")).await;
        let li = iit("李芳", "360121198802290026");
        act(&app, &page, "scan", (&li, false), None).await;
        let told = act(&app, &page, "confirm", (&li, false), None).await;
        assert_eq!(told["state"], "confirmed");
        let done = go_on(&mut browser, &page).await;
        assert!(done.answered("code").is_some(), "{}: {}", done.url, done.text);
    });
}

/// Rule 5: the end of the account, whichever way in is tried.
#[test]
fn who_is_gone_does_not_get_in_by_phone_either() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut phone = signed_in(&app).await;
        let (mut early, early_page) = login_page(&app).await;
        let asked = scan(&mut phone, &code(&early_page)).await;
        phone.submit(&asked, &[("act", "confirm")]).await;
        let (_, late_page) = login_page(&app).await;
        let late = scan(&mut phone, &code(&late_page)).await;
        app.sql("UPDATE account SET status = 'cancelled'").await;
        let refused = go_on(&mut early, &early_page).await;
        assert_eq!(refused.code(), Some("E_CREDENTIALS"), "{}", refused.text);
        let refused = phone.submit(&late, &[("act", "confirm")]).await;
        assert!(!refused.text.contains("confirmed") && refused.left_to.is_none());
    });
}

/// A page view is not a try: a hall of people behind one address looks as often as it likes, and a
/// page that is shown again shows the same code.
#[test]
fn looking_at_codes_uses_none_up() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let (mut browser, page) = login_page(&app).await;
        let t = page.hidden()["t"].clone();
        let again = format!("/realms/jiangxi/login/credentials?t={t}");
        for _ in 0..5 {
            assert_eq!(id(&browser.get(&again).await), id(&page), "the live code is shown");
        }
        let tx = new(&app.ctx, Then::Nowhere);
        for n in 0..320 {
            let tx = LoginTransaction { id: format!("hall-{n}"), ..tx.clone() };
            show(&app.ctx, &Shower::sign_in(&tx), ScanApp::TaxApp, Purpose::SignIn).await.unwrap();
        }
        let (_, page) = login_page(&app).await;
        assert!(page.text.contains("class=\"qr\""), "a code is still shown");
    });
}
