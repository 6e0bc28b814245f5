//! Passkeys: enrolled, as a second factor, in place of the password, and every misuse of them.

use crate::kit::browser::Shown;
use crate::kit::passkey::{Passkey, asked};
use crate::kit::{
    Browser, EXAMPLE, FILING, PASSWORD, TestApp, authorize_url, claims, on_each_database,
};
use crate::protocol::authorize::signed_in;

const LI: &str = "13900139000";
const OWN: &str = "/realms/jiangxi/account/passkeys";

pub async fn enrol(browser: &mut Browser) -> Passkey {
    let page = browser.get(OWN).await;
    let (passkey, made) = Passkey::make(&asked(&page).expect("options"));
    let listed = browser.submit(&page, &[("name", "手机"), ("made", &made)]).await;
    assert!(listed.text.contains("手机"), "{}", listed.text);
    passkey
}

/// The second factor's page of 李芳 with the passkey open.
pub async fn at_second_factor(app: &TestApp, phone: &str) -> (Browser, Shown) {
    let mut browser = app.browser();
    let page = browser.get(&authorize_url(&FILING, &[])).await;
    let page = browser.type_credentials(&page, (EXAMPLE, phone, PASSWORD)).await;
    let t = page.hidden()["t"].clone();
    let url = format!("/realms/jiangxi/login/second_factor?t={t}&way=passkey");
    let page = browser.get(&url).await;
    (browser, page)
}

/// The sign-in page of a door.
async fn at_door(app: &TestApp, door: &str) -> (Browser, Shown) {
    let mut browser = app.browser();
    let page = browser.at_entrance(&authorize_url(&FILING, &[]), door).await;
    (browser, page)
}

#[test]
fn a_passkey_is_a_second_factor() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut browser = signed_in(&app).await;
        let mut passkey = enrol(&mut browser).await;
        let (mut browser, page) = at_second_factor(&app, LI).await;
        let made = passkey.answer(&asked(&page).expect("options"));
        let done = browser.submit(&page, &[("act", "passkey"), ("made", &made)]).await;
        let code = done.answered("code").unwrap_or_else(|| panic!("{}", done.text));
        let id_token = claims(app.redeem(&code).await.1["id_token"].as_str().unwrap());
        assert_eq!(id_token["amr"], serde_json::json!(["pwd", "pop", "user", "mfa"]));
        assert_eq!(id_token["acr"], "urn:hufu:realname:2");
        // Who has none is not offered it.
        let (_, page) = at_second_factor(&app, "13800138000").await;
        assert!(!page.text.contains("way-passkey"));
    });
}

/// Replayed, from another page, another person's, another site's, without its person, cloned,
/// removed: each is `E_PASSKEY`, and nobody goes on.
#[test]
fn a_passkey_answers_one_question_of_one_page_for_its_person() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut owner = signed_in(&app).await;
        let mut passkey = enrol(&mut owner).await;
        let send = |mut browser: Browser, page: Shown, made: String| async move {
            let shown = browser.submit(&page, &[("act", "passkey"), ("made", &made)]).await;
            (browser, shown)
        };
        // Used once; the same answer in another sign-in, and again in this one.
        let (browser, page) = at_second_factor(&app, LI).await;
        let made = passkey.answer(&asked(&page).unwrap());
        let (_, other) = at_second_factor(&app, LI).await;
        let (browser, shown) = send(browser, page, made.clone()).await;
        assert!(shown.answered("code").is_some());
        drop(browser);
        let (other_browser, _) = at_second_factor(&app, LI).await;
        let (_, shown) = send(other_browser, other, made.clone()).await;
        assert!(shown.answered("code").is_none());
        let (browser, page) = at_second_factor(&app, LI).await;
        let (_, shown) = send(browser, page, made).await;
        assert_eq!(shown.code(), Some("E_PASSKEY"));
        // Of two tabs the newer one asks the question that counts.
        let (mut browser, old) = at_second_factor(&app, LI).await;
        let t = old.hidden()["t"].clone();
        browser.get(&format!("/realms/jiangxi/login/second_factor?t={t}&way=passkey")).await;
        let made = passkey.answer(&asked(&old).unwrap());
        let (_, shown) = send(browser, old, made).await;
        assert_eq!(shown.code(), Some("E_PASSKEY"));
        // Too late.
        let (browser, page) = at_second_factor(&app, LI).await;
        let made = passkey.answer(&asked(&page).unwrap());
        app.clock.advance(301);
        assert_eq!(send(browser, page, made).await.1.code(), Some("E_PASSKEY"));
        // Another person's, and one that was made up.
        let (browser, page) = at_second_factor(&app, LI).await;
        let options = asked(&page).unwrap();
        let mut stranger = crate::account::as_person(&app, "13800138000").await;
        let mut of_wang = enrol(&mut stranger).await;
        let made = of_wang.answer(&options);
        assert_eq!(send(browser, page, made).await.1.code(), Some("E_PASSKEY"));
        let (browser, page) = at_second_factor(&app, LI).await;
        let made = "{\"id\": \"x\"}".to_owned();
        assert_eq!(send(browser, page, made).await.1.code(), Some("E_PASSKEY"));
        // Another site's, and a device that did not recognise its person.
        let own = passkey.origin.clone();
        for (origin, flags) in [("https://sso.jiangxi.example.evil", 0x05), (own.as_str(), 0x01)] {
            let (browser, page) = at_second_factor(&app, LI).await;
            let mut bad = passkey.clone();
            (bad.origin, bad.flags, bad.counter) = (origin.to_owned(), flags, 500);
            let made = bad.answer(&asked(&page).unwrap());
            let (_, shown) = send(browser, page, made).await;
            assert_eq!(shown.code(), Some("E_PASSKEY"), "{origin} {flags}");
        }
        // A copy whose counter stands still.
        let (browser, page) = at_second_factor(&app, LI).await;
        let mut copy = passkey.clone();
        copy.counter = 0;
        let made = copy.answer(&asked(&page).unwrap());
        let (_, shown) = send(browser, page, made).await;
        assert_eq!(shown.code(), Some("E_PASSKEY"));
        // Removed.
        let page = owner.get(OWN).await;
        let id = page.text.split("name=\"remove\" value=\"").nth(1).unwrap();
        let id = id.split('"').next().unwrap();
        let (browser, factor) = at_second_factor(&app, LI).await;
        let made = passkey.answer(&asked(&factor).unwrap());
        let listed = owner.submit(&page, &[("remove", id)]).await;
        assert!(!listed.text.contains("手机"));
        // Who has none is offered none.
        assert_eq!(send(browser, factor, made).await.1.code(), Some("E_STATE"));
        assert_eq!(owner.submit(&page, &[("remove", id)]).await.code(), Some("E_STATE"));
    });
}

/// Password and second factor in one act, at the doors that say so and at no other.
#[test]
fn a_passkey_signs_in_without_a_password() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut owner = signed_in(&app).await;
        let mut passkey = enrol(&mut owner).await;
        let (mut browser, page) = at_door(&app, "natural_person").await;
        let made = passkey.answer(&asked(&page).expect("options"));
        let done = browser.submit(&page, &[("made", &made)]).await;
        let code = done.answered("code").unwrap_or_else(|| panic!("{}", done.text));
        let id_token = claims(app.redeem(&code).await.1["id_token"].as_str().unwrap());
        assert_eq!(id_token["tax_identity"]["kind"], "personal");
        assert_eq!(id_token["amr"], serde_json::json!(["pop", "user", "mfa"]));
        // Where several identities fit, they are chosen from as ever.
        let (mut browser, page) = at_door(&app, "all_in_one").await;
        let made = passkey.answer(&asked(&page).expect("options"));
        let chooser = browser.submit(&page, &[("made", &made)]).await;
        assert!(chooser.text.contains("name=\"identity\""), "{}", chooser.text);
        // The enterprise door asks for the password.
        let (_, page) = at_door(&app, "enterprise").await;
        assert!(asked(&page).is_none());
        let (mut browser, page) = at_door(&app, "natural_person").await;
        let made = passkey.answer(&asked(&page).unwrap());
        let forced = [("made", made.as_str()), ("entrance", "enterprise")];
        assert_eq!(browser.submit(&page, &forced).await.code(), Some("E_FORMAT"));
        // Wrong passwords lock passwords out, never a passkey.
        for _ in 0..6 {
            let mut thief = app.browser();
            let page = thief.get(&authorize_url(&FILING, &[])).await;
            thief.type_credentials(&page, (EXAMPLE, LI, "Wrong2026!")).await;
        }
        let mut thief = app.browser();
        let page = thief.get(&authorize_url(&FILING, &[])).await;
        let locked = thief.type_credentials(&page, (EXAMPLE, LI, PASSWORD)).await;
        assert_eq!(locked.code(), Some("E_LOCKED"), "passwords are locked here");
        let (mut browser, page) = at_door(&app, "natural_person").await;
        let made = passkey.answer(&asked(&page).unwrap());
        let done = browser.submit(&page, &[("made", &made)]).await;
        assert!(done.answered("code").is_some(), "{}", done.text);
    });
}

/// Only somebody who has just signed in changes what proves them; a made-up or used answer is kept
/// out.
#[test]
fn enrolment_wants_a_fresh_sign_in_and_a_fresh_answer() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut browser = signed_in(&app).await;
        let page = browser.get(OWN).await;
        let (_, made) = Passkey::make(&asked(&page).unwrap());
        let unnamed = browser.submit(&page, &[("name", " "), ("made", &made)]).await;
        assert_eq!(unnamed.code(), Some("E_FORMAT"));
        let late = browser.submit(&page, &[("name", "手机"), ("made", &made)]).await;
        assert_eq!(late.code(), Some("E_PASSKEY"), "the page asks a new question each time");
        let page = browser.get(OWN).await;
        let refused = browser.submit(&page, &[("name", "手机"), ("made", "{}")]).await;
        assert_eq!(refused.code(), Some("E_PASSKEY"));
        app.clock.advance(1000);
        let again = browser.get(OWN).await;
        assert!(again.url.contains("/login/second_factor"), "{}", again.url);
    });
}

/// The question that a sign-in page asks is of that sign-in, for five minutes, and answered once.
#[test]
fn the_question_of_a_sign_in_page_is_answered_there() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut owner = signed_in(&app).await;
        let mut passkey = enrol(&mut owner).await;
        let challenge = |page: &Shown| page.filled(&[("made", "")]).1["challenge"].clone();
        let (mut browser, page) = at_door(&app, "natural_person").await;
        let (_, other) = at_door(&app, "natural_person").await;
        let sealed = app.ctx.services.secrets.cookie.seal_text(app.ctx.random(), "jiangxi", "{}");
        let made = passkey.answer(&asked(&page).unwrap());
        let own = challenge(&page);
        for wrong in ["", "x", &sealed, &own[1..], &challenge(&other)] {
            let sent = [("made", made.as_str()), ("challenge", wrong)];
            assert_eq!(browser.submit(&page, &sent).await.code(), Some("E_PASSKEY"), "{wrong}");
        }
        // Another sign-in's question with its own answer is none of this one.
        let of_other = passkey.answer(&asked(&other).unwrap());
        let sent = [("made", of_other.as_str()), ("challenge", &challenge(&other))];
        assert_eq!(browser.submit(&page, &sent).await.code(), Some("E_PASSKEY"));
        // Of two pages of one sign-in each has its question.
        let again = browser.get(&page.url).await;
        let made = passkey.answer(&asked(&again).unwrap());
        let sent = [("made", made.as_str()), ("challenge", &challenge(&page))];
        assert_eq!(browser.submit(&page, &sent).await.code(), Some("E_PASSKEY"));
        let held = browser.cookies.clone();
        let done = browser.submit(&again, &[("made", &made)]).await;
        assert!(done.answered("code").is_some(), "{}", done.text);
        // The same once more, from a browser that still holds the sign-in alone.
        app.clock.advance(31);
        let mut old = app.browser();
        old.cookies = held;
        assert_eq!(old.submit(&again, &[("made", &made)]).await.status.as_u16(), 410);
        let (mut late, page) = at_door(&app, "natural_person").await;
        let made = passkey.answer(&asked(&page).unwrap());
        app.clock.advance(301);
        assert_eq!(late.submit(&page, &[("made", &made)]).await.code(), Some("E_PASSKEY"));
    });
}
