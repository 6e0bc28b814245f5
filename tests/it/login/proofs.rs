//! What is proved says whom, what for and which step: what one person proved never counts for
//! another, and no factor counts where it is not offered.

use hufu::outbound::asked::FaceState;

use super::authenticator::{Phone, enrol_at};
use super::scan::{act, go_on, id, iit, login_page, pass_face};
use crate::account::{WANG, as_person, get, held, post};
use crate::kit::browser::Shown;
use crate::kit::{
    Browser, EXAMPLE, FILING, On, PASSWORD, Setup, TestApp, authorize_url, changed_realm, claims,
    on_each_database,
};

const FACTORS: &str = "second_factors = [\"tax_app_scan\", \"iit_app_scan\"]";
const AUTHENTICATOR: &str = "/account/authenticator";

/// A form of the second factor, whatever the page offers.
async fn force(browser: &mut Browser, page: &Shown, fields: &[(&str, &str)]) -> Shown {
    let hidden = page.hidden();
    let body = form_urlencoded::Serializer::new(String::new())
        .append_pair("t", &hidden["t"])
        .append_pair("csrf", &hidden["csrf"])
        .extend_pairs(fields)
        .finish();
    browser.send("POST", "/realms/jiangxi/login/second_factor", Some(body)).await
}

async fn open(browser: &mut Browser, page: &Shown, way: &str) -> Shown {
    let t = page.hidden()["t"].clone();
    browser.get(&format!("/realms/jiangxi/login/second_factor?t={t}&way={way}")).await
}

/// An app is enrolled only where an entrance takes its codes; one that nobody takes is not offered.
#[test]
fn an_authenticator_is_enrolled_only_where_an_entrance_takes_it() {
    on_each_database(|on| async move {
        let none = changed_realm(&[("entrances.toml", "\"totp\", ", "")]);
        let app = Setup::of(on, vec![none]).start().await;
        let mut wang = as_person(&app, WANG).await;
        let own = get(&mut wang, "/account/person").await;
        assert!(!own.text.contains(AUTHENTICATOR), "offered on one's own page");
        let page = get(&mut wang, AUTHENTICATOR).await;
        assert!(!page.text.contains("value=\"begin\""), "{}", page.text);
        let refused = post(&app, &mut wang, AUTHENTICATOR, &[("act", "begin")]).await;
        assert_eq!(refused.code(), Some("E_STATE"), "{}", refused.text);
        assert!(!refused.text.contains("class=\"typed\""));
        let refused =
            post(&app, &mut wang, AUTHENTICATOR, &[("act", "confirm"), ("code", "123456")]).await;
        assert_eq!(refused.code(), Some("E_STATE"));
    });
}

/// 王小明 has an authenticator app, which his door takes; `step_up` are the factors of a step-up.
async fn with_authenticator(on: On, step_up: &str) -> (TestApp, Phone, Browser) {
    let step_up = format!("second_factors = [{step_up}]");
    let realm = changed_realm(&[("entrances.toml", FACTORS, &step_up)]);
    let app = Setup::of(on, vec![realm]).start().await;
    let mut wang = as_wang_by_sms(&app).await;
    let (phone, _) = enrol_at(&app, &mut wang).await;
    (app, phone, wang)
}

async fn as_wang_by_sms(app: &TestApp) -> Browser {
    let (mut browser, page) = login_page(app).await;
    let t = page.hidden()["t"].clone();
    let door = format!("/realms/jiangxi/login/credentials?t={t}&entrance=natural_person");
    let page = browser.get(&door).await;
    let page = browser.type_credentials(&page, ("", WANG, PASSWORD)).await;
    let page = open(&mut browser, &page, "sms").await;
    browser.pass_second_factor(app, &page, WANG).await;
    browser
}

/// Covers AU-08, L-09, L-11: where two apps and a face are asked for, nothing else passes, be it
/// enrolled or not, and be it among the step-up's factors or not.
#[test]
fn nothing_but_the_two_apps_confirms_an_authorisation() {
    on_each_database(|on| async move {
        let apps = "\"tax_app_scan\", \"iit_app_scan\"";
        for step_up in [apps.to_owned(), format!("{apps}, \"totp\", \"sms\", \"passkey\"")] {
            let (app, phone, mut wang) = with_authenticator(on, &step_up).await;
            let waiting = crate::account::invite(&app).await;
            let confirmation = crate::account::confirm(&app, &mut wang, &waiting[..1]).await;
            assert!(confirmation.url.contains("/login/second_factor"), "{}", confirmation.url);
            for way in ["way-sms", "way-totp", "way-passkey"] {
                assert!(!confirmation.text.contains(&format!("id=\"{way}\"")), "{way} {step_up}");
            }
            app.clock.advance(61);
            let code = phone.code(&app);
            for fields in [
                vec![("act", "totp"), ("code", code.as_str())],
                vec![("act", "send"), ("way", "sms")],
                vec![("act", "send"), ("way", "email")],
                vec![("act", "verify"), ("way", "sms"), ("code", "123456")],
                vec![("act", "passkey"), ("made", "{}")],
            ] {
                let refused = force(&mut wang, &confirmation, &fields).await;
                assert_eq!(refused.code(), Some("E_STATE"), "{fields:?} {}", refused.text);
            }
            let all = held(&app.ctx, WANG).await;
            let still = all.iter().filter(|one| one.state().name() == "pending_by_person").count();
            assert_eq!(still, waiting.len(), "nothing was confirmed");
            // The code was not looked at: it still works where it is taken.
            let (mut browser, page) = login_page(&app).await;
            let t = page.hidden()["t"].clone();
            let door = format!("/realms/jiangxi/login/credentials?t={t}&entrance=natural_person");
            let page = browser.get(&door).await;
            let page = browser.type_credentials(&page, ("", WANG, PASSWORD)).await;
            let done = force(&mut browser, &page, &[("act", "totp"), ("code", &code)]).await;
            assert!(done.answered("code").is_some(), "{}", done.text);
        }
    });
}

/// One browser, one sign-in on its way: the code beside the form is read by 张伟, numbers and
/// password are 王小明's. Returns the page with the code, and that of the second factor.
async fn two_people_in_one_sign_in(app: &TestApp, way: &str) -> (Browser, Shown, Shown) {
    let (mut browser, page) = login_page(app).await;
    let t = page.hidden()["t"].clone();
    let url = format!("/realms/jiangxi/login/credentials?t={t}&app=iit_app");
    let sign_in = browser.get(&url).await;
    let zhang = iit("张伟", "360402198511014512");
    act(app, &sign_in, "scan", (&zhang, false), None).await;
    act(app, &sign_in, "confirm", (&zhang, false), None).await;
    let page = browser.type_credentials(&sign_in, (EXAMPLE, WANG, PASSWORD)).await;
    let factor = open(&mut browser, &page, way).await;
    (browser, sign_in, factor)
}

const TICKED: [(&str, &str); 4] = [
    ("accept-user-agreement", "yes"),
    ("accept-personal-information", "yes"),
    ("accept-face-service", "yes"),
    ("act", "accept"),
];

/// 张伟 goes on to the end: his session says what he proved, and nothing of 王小明.
async fn ends_as_zhang(app: &TestApp, browser: &mut Browser, agreements: &Shown) {
    let done = browser.submit(agreements, &TICKED).await;
    let code = done.answered("code").unwrap_or_else(|| panic!("{}", done.text));
    let id_token = claims(app.redeem(&code).await.1["id_token"].as_str().unwrap());
    assert_eq!(id_token["amr"], serde_json::json!(["swk", "user"]));
    assert_eq!(id_token["acr"], "urn:hufu:realname:2");
    assert_eq!(id_token["tax_identity"]["kind"], "personal");
}

/// Covers E-12, L-11: a face of one person never raises what another proved, in either order.
#[test]
fn a_face_of_one_is_nothing_to_another_in_the_same_sign_in() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        // 王小明's face passes, 张伟's tap is fetched, then the face.
        let (mut browser, sign_in, factor) = two_people_in_one_sign_in(&app, "tax_app").await;
        pass_face(&app, &factor, FaceState::Passed).await;
        let agreements = go_on(&mut browser, &sign_in).await;
        assert!(agreements.text.contains("accept-user-agreement"), "{}", agreements.text);
        let refused = go_on(&mut browser, &factor).await;
        assert!(refused.answered("code").is_none());
        ends_as_zhang(&app, &mut browser, &agreements).await;
    });
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        // The face first: what it proved of 王小明 is gone once the sign-in is about 张伟.
        let (mut browser, sign_in, factor) = two_people_in_one_sign_in(&app, "tax_app").await;
        pass_face(&app, &factor, FaceState::Passed).await;
        let chooser = go_on(&mut browser, &factor).await;
        assert!(chooser.text.contains("name=\"identity\""), "{}", chooser.text);
        let agreements = go_on(&mut browser, &sign_in).await;
        let wangs = chooser.text.split("name=\"identity\" value=\"").nth(1).unwrap();
        let wangs = wangs.split('"').next().unwrap().to_owned();
        let refused = browser.submit(&chooser, &[("identity", &wangs)]).await;
        assert!(refused.answered("code").is_none(), "{:?}", refused.left_to);
        ends_as_zhang(&app, &mut browser, &agreements).await;
    });
}

/// Where a scanned sign-in asks for a second factor, a code that went to one person is nothing in
/// the other's hands, nor is a question that was put to their passkey.
#[test]
fn a_code_of_one_is_nothing_to_another_in_the_same_sign_in() {
    on_each_database(|on| async move {
        let steps = "steps = [\"scan\", \"choose_client_enterprise\", \"agreements\"]";
        let more = "second_factors = [\"sms\", \"passkey\"]\n\
                    steps = [\"scan\", \"second_factor\", \"agreements\"]";
        let realm = changed_realm(&[("entrances.toml", steps, more)]);
        let app = Setup::of(on, vec![realm]).start().await;
        let (mut browser, sign_in, factor) = two_people_in_one_sign_in(&app, "sms").await;
        let sent = browser.submit(&factor, &[("act", "send")]).await;
        let code = app.sms(WANG);
        let zhangs = go_on(&mut browser, &sign_in).await;
        assert!(zhangs.url.contains("/login/second_factor"), "{}", zhangs.url);
        assert!(!zhangs.text.contains("name=\"code\""), "no code is on its way to 张伟");
        let fields = [("act", "verify"), ("way", "sms"), ("code", code.as_str())];
        for page in [&sent, &zhangs] {
            let refused = force(&mut browser, page, &fields).await;
            assert_eq!(refused.code(), Some("E_OTP_EXPIRED"), "{} {}", refused.url, refused.text);
        }
        // His own code works.
        let agreements = browser.pass_second_factor(&app, &zhangs, "13700137000").await;
        assert!(agreements.text.contains("accept-user-agreement"), "{}", agreements.text);
        let done = browser.submit(&agreements, &TICKED).await;
        assert!(done.answered("code").is_some(), "{}", done.text);
    });
}

/// The password of one and the remembered browser of another spare nobody the second factor.
#[test]
fn a_known_browser_is_forgotten_when_the_sign_in_is_about_another() {
    on_each_database(|on| async move {
        let door = "id = \"natural_person\"\n";
        let remembers = "id = \"natural_person\"\nremember_device_days = 30\n";
        let steps = "steps = [\"scan\", \"choose_client_enterprise\", \"agreements\"]";
        let more =
            "second_factors = [\"sms\"]\nsteps = [\"scan\", \"second_factor\", \"agreements\"]";
        let realm =
            changed_realm(&[("entrances.toml", door, remembers), ("entrances.toml", steps, more)]);
        let app = Setup::of(on, vec![realm]).start().await;
        let (mut browser, page) = login_page(&app).await;
        let t = page.hidden()["t"].clone();
        let url = |t: &str, more: &str| {
            format!("/realms/jiangxi/login/credentials?t={t}&entrance=natural_person{more}")
        };
        let page = browser.get(&url(&t, "")).await;
        let page = browser.type_credentials(&page, ("", WANG, PASSWORD)).await;
        let sent = browser.submit(&page, &[("act", "send")]).await;
        let fields = [("act", "verify"), ("code", &app.sms(WANG)), ("remember", "yes")];
        assert!(browser.submit(&sent, &fields).await.answered("code").is_some());
        // Known as 王小明's browser; then 张伟's tap.
        let page = browser.get(&authorize_url(&FILING, &[("prompt", "login")])).await;
        let t = page.hidden()["t"].clone();
        let sign_in = browser.get(&url(&t, "&app=iit_app")).await;
        let zhang = iit("张伟", "360402198511014512");
        act(&app, &sign_in, "scan", (&zhang, false), None).await;
        act(&app, &sign_in, "confirm", (&zhang, false), None).await;
        let asked = go_on(&mut browser, &sign_in).await;
        assert!(asked.url.contains("/login/second_factor"), "{}", asked.url);
    });
}

/// The scan of one sign-in is fetched by no other.
#[test]
fn a_verification_is_fetched_by_its_own_sign_in() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let (mut browser, page) = super::scan::at_second_factor(&app, "tax_app").await;
        pass_face(&app, &page, FaceState::Passed).await;
        // The same person's other sign-in, in the same browser.
        let other = browser.get(&authorize_url(&FILING, &[])).await;
        let other = browser.type_credentials(&other, (EXAMPLE, WANG, PASSWORD)).await;
        let other = open(&mut browser, &other, "tax_app").await;
        assert_ne!(id(&other), id(&page));
        let (action, mut fields) = page.filled(&[("app", "tax_app")]);
        let theirs = other.hidden();
        fields.insert("t".to_owned(), theirs["t"].clone());
        fields.insert("csrf".to_owned(), theirs["csrf"].clone());
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let refused = browser.send("POST", &action, Some(body)).await;
        assert_eq!(refused.code(), Some("E_SCAN_EXPIRED"), "{}", refused.text);
    });
}
