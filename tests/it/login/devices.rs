//! A remembered browser spares the second factor: one person, one entrance, one password, and the
//! person's own session alone.

use hufu::base::secret::Hashed;
use hufu::domain::acting::Acting;
use hufu::domain::number::taxpayer::TaxpayerNumber;
use hufu::domain::person::PasswordState;
use hufu::store::devices::RememberedDevice;
use serde_json::json;

use super::doors::DOORS;
use crate::kit::browser::Shown;
use crate::kit::phone::Telephone;
use crate::kit::{
    Browser, EXAMPLE, FILING, PASSWORD, SAMPLE, Setup, TestApp, authorize_url, changed_realm,
    claims, on_each_database,
};

const LI: &str = "13900139000";

async fn app(on: crate::kit::On) -> TestApp {
    // Whatever a realm's file says of other doors.
    let change = |door: &str| {
        let line = format!("id = \"{door}\"\n");
        ("entrances.toml", line.clone(), format!("{line}remember_device_days = 30\n"))
    };
    let doors = ["natural_person", "enterprise", "agency", "specific_entity"].map(change);
    let changes: Vec<(&str, &str, &str)> =
        doors.iter().map(|(file, what, by)| (*file, what.as_str(), by.as_str())).collect();
    let realm = changed_realm(&changes);
    Setup::of(on, vec![realm]).start().await
}

async fn type_in(browser: &mut Browser, entrance: &str, phone: &str) -> Shown {
    let page = browser.at_entrance(&authorize_url(&FILING, &[("prompt", "login")]), entrance).await;
    let enterprise = if entrance == "enterprise" { EXAMPLE } else { "" };
    browser.type_credentials(&page, (enterprise, phone, PASSWORD)).await
}

async fn remember(app: &TestApp, browser: &mut Browser) -> Shown {
    remember_at(app, browser, "natural_person").await
}

async fn remember_at(app: &TestApp, browser: &mut Browser, entrance: &str) -> Shown {
    let page = type_in(browser, entrance, LI).await;
    let sent = browser.submit(&page, &[("act", "send")]).await;
    assert!(sent.text.contains("name=\"remember\""), "{}", sent.text);
    let fields = [("act", "verify"), ("code", &app.sms(LI)), ("remember", "yes")];
    browser.submit(&sent, &fields).await
}

#[test]
fn a_known_browser_spares_its_person_the_second_factor() {
    on_each_database(|on| async move {
        let app = app(on).await;
        let mut browser = app.browser();
        remember(&app, &mut browser).await.answered("code").expect("signed in");
        let done = type_in(&mut browser, "natural_person", LI).await;
        let (_, tokens) = app.redeem(&done.answered("code").expect("no second factor")).await;
        let id = claims(tokens["id_token"].as_str().unwrap());
        assert_eq!(id["amr"], serde_json::json!(["pwd"]), "a known browser is no proof");
        assert_eq!(id["acr"], "urn:hufu:realname:1");
        // Another person, another entrance, another browser: all factors.
        for (entrance, phone) in
            [("natural_person", "13800138000"), ("enterprise", LI), ("all_in_one", LI)]
        {
            let page = type_in(&mut browser, entrance, phone).await;
            assert!(page.text.contains("value=\"send\""), "{entrance} {phone}: {}", page.text);
        }
        let page = type_in(&mut app.browser(), "natural_person", LI).await;
        assert!(page.text.contains("value=\"send\""));
        // An entrance that leads to nothing but enterprises offers nothing.
        let page = type_in(&mut app.browser(), "enterprise", LI).await;
        assert!(!page.text.contains("name=\"remember\""));
        app.clock.advance(31 * 86_400);
        let page = type_in(&mut browser, "natural_person", LI).await;
        assert!(page.text.contains("value=\"send\""), "thirty days are over");
    });
}

#[test]
fn a_known_browser_is_forgotten_by_its_person_and_by_a_new_password() {
    on_each_database(|on| async move {
        let app = app(on).await;
        let mut browser = app.browser();
        remember(&app, &mut browser).await;
        let page = browser.get("/realms/jiangxi/account/devices").await;
        let id = page.text.split("name=\"forget\" value=\"").nth(1).unwrap();
        let id = id.split('"').next().unwrap().to_owned();
        let refused = browser.submit(&page, &[("forget", "x")]).await;
        assert_eq!(refused.code(), Some("E_STATE"));
        let done = browser.submit(&page, &[("forget", &id)]).await;
        assert!(done.text.contains("已不再记住该浏览器"), "it says so: {}", done.text);
        let page = type_in(&mut browser, "natural_person", LI).await;
        assert!(page.text.contains("value=\"send\""), "forgotten");

        // A cookie fits the password under which it was given, and no other.
        let rows = app.ctx.rows();
        let phone = hufu::domain::number::phone::Phone::parse(LI).unwrap();
        let account = rows.accounts().find_by_phone(&phone).await.unwrap().unwrap();
        let (cookie, now) = (Hashed::of("cookie"), app.clock.now());
        let device = RememberedDevice {
            id: app.ctx.new_row_id(),
            account: account.id,
            entrance: "enterprise".to_owned(),
            password: Hashed::of("old"),
            device: "test".to_owned(),
            created_at: now,
            expires_at: now.plus(60),
        };
        let tx = app.ctx.begin().await.unwrap();
        tx.rows().devices().add(cookie, &device).await.unwrap();
        tx.commit().await.unwrap();
        for (password, fits) in [("old", true), ("new", false)] {
            let (devices, under) = (rows.devices(), Hashed::of(password));
            let known = devices.known_at(cookie, account.id, under, now).await.unwrap();
            assert_eq!(known.is_some(), fits, "{password}");
        }
    });
}

/// The cookie of a browser that its person is known by, at a door, whatever was offered there.
pub async fn given_cookie(app: &TestApp, browser: &mut Browser, entrance: &str, phone: &str) {
    let rows = app.ctx.rows();
    let phone = hufu::domain::number::phone::Phone::parse(phone).unwrap();
    let account = rows.accounts().find_by_phone(&phone).await.unwrap().unwrap();
    let PasswordState::Set(password) = &account.password else { panic!("a password") };
    let cookie = app.ctx.random().token();
    let device = RememberedDevice {
        id: app.ctx.new_row_id(),
        account: account.id,
        entrance: entrance.to_owned(),
        password: Hashed::of(password),
        device: "test".to_owned(),
        created_at: app.clock.now(),
        expires_at: app.clock.now().plus(86_400),
    };
    let tx = app.ctx.begin().await.unwrap();
    tx.rows().devices().add(cookie.hashed(), &device).await.unwrap();
    tx.commit().await.unwrap();
    let name = "__Host-hufu-device-jiangxi".to_owned();
    browser.cookies.insert(name, cookie.expose().to_owned());
}

/// Password and a known browser, at every door: the person's own session opens, and no identity of an
/// enterprise, a client enterprise or a record.
#[test]
fn a_known_browser_opens_no_enterprise_at_any_door() {
    on_each_database(|on| async move {
        let app = app(on).await;
        for door in &DOORS {
            let (mut browser, page) = door.open(&app).await;
            given_cookie(&app, &mut browser, door.id, door.phone).await;
            let page = door.type_in(&mut browser, &page, (door.phone, PASSWORD)).await;
            let is_spared = door.id == "natural_person";
            assert_eq!(page.answered("code").is_some(), is_spared, "{}: {}", door.id, page.text);
            assert_eq!(page.url.contains("/login/second_factor"), !is_spared, "{}", door.id);
        }
        // Where no number is typed, the identity decides: the person is let in, an enterprise waits.
        for (pick, is_spared) in
            [("personal", true), ("南昌示例科技", false), ("南昌样板商贸", false)]
        {
            app.clock.advance(61);
            let mut browser = app.browser();
            given_cookie(&app, &mut browser, "all_in_one", LI).await;
            let chooser = type_in(&mut browser, "all_in_one", LI).await;
            assert!(chooser.url.contains("choose_identity"), "{}: {}", chooser.url, chooser.text);
            let id = match pick {
                "personal" => pick.to_owned(),
                name => {
                    let mut buttons = chooser.text.split("name=\"identity\" value=\"").skip(1);
                    let found = buttons.find(|one| one.contains(name)).unwrap();
                    found.split('"').next().unwrap().to_owned()
                }
            };
            let page = browser.submit(&chooser, &[("identity", &id)]).await;
            if is_spared {
                let (_, tokens) = app.redeem(&page.answered("code").unwrap()).await;
                let id = claims(tokens["id_token"].as_str().unwrap());
                assert_eq!(id["tax_identity"]["kind"], "personal");
                assert_eq!(
                    (&id["amr"], &id["acr"]),
                    (&json!(["pwd"]), &json!("urn:hufu:realname:1"))
                );
                continue;
            }
            assert!(page.url.contains("/login/second_factor"), "{pick}: {}", page.url);
            assert!(browser.cookies.keys().all(|name| !name.contains("session")));
            // The choice is made again before the code: it is still what was chosen last.
            let done = browser.pass_second_factor(&app, &page, LI).await;
            let (_, tokens) = app.redeem(&done.answered("code").expect("signed in")).await;
            let id = claims(tokens["id_token"].as_str().unwrap());
            assert!(id["tax_identity"]["enterprise"]["name"].as_str().unwrap().contains(pick));
            assert_eq!(id["amr"], json!(["pwd", "sms", "mfa"]));
        }
    });
}

/// A session that has a password alone, whose identity was an enterprise's before the rule was there, or
/// is the person's: by no switch, chooser, hint or phone does it open an enterprise without a second
/// factor, and with one it goes on to where it wanted.
#[test]
fn a_session_without_a_second_factor_opens_no_enterprise() {
    on_each_database(|on| async move {
        let app = app(on).await;
        let held = crate::account::held(&app.ctx, LI).await;
        let rows = app.ctx.rows();
        let example = TaxpayerNumber::asked(EXAMPLE);
        let example = rows.enterprises().find_by_number(&example).await.unwrap().unwrap().id;
        let own = held.iter().find(|one| one.enterprise == example).unwrap().id;
        let other = held.iter().find(|one| one.enterprise != example).unwrap().id;
        let session = |acting| {
            let app = &app;
            async move { crate::login::level::with_session(app, LI, acting, &["pwd"]).await }
        };
        let second_factor = |page: &Shown, what: &str| {
            assert!(
                page.url.contains("/login/second_factor"),
                "{what}: {} {}",
                page.url,
                page.text
            );
        };
        // An application, with and without a hint, and silently.
        for more in [None, Some(("identity_hint", SAMPLE)), Some(("prompt", "select_account"))] {
            let mut browser = session(Acting::Enterprise(own)).await;
            let asked: Vec<(&str, &str)> = more.into_iter().collect();
            let page = browser.get(&authorize_url(&FILING, &asked)).await;
            second_factor(&page, &format!("{more:?}"));
            let silent = authorize_url(&FILING, &[("prompt", "none")]);
            let refused = browser.get(&silent).await;
            assert_eq!(refused.answered("error").as_deref(), Some("interaction_required"));
            app.clock.advance(61);
            let done = browser.pass_second_factor(&app, &page, LI).await;
            assert!(done.answered("code").is_some() || done.text.contains("name=\"identity\""));
        }
        // The switch, from the page and from the drop-down, and back to it.
        let mut browser = session(Acting::Enterprise(own)).await;
        let fields = [("identity", &*other.to_string())];
        let page = crate::account::post(&app, &mut browser, "/account/switch", &fields).await;
        second_factor(&page, "switch");
        app.clock.advance(61);
        let page = browser.pass_second_factor(&app, &page, LI).await;
        assert!(page.url.ends_with("/account/switch"), "{}", page.url);
        let done = crate::account::post(&app, &mut browser, "/account/switch", &fields).await;
        assert!(
            done.url.ends_with("/account") && done.text.contains("南昌样板商贸"),
            "{}",
            done.url
        );
        // To the person themself it may go.
        let mut browser = session(Acting::Enterprise(own)).await;
        let fields = [("identity", "personal")];
        let done = crate::account::post(&app, &mut browser, "/account/switch", &fields).await;
        assert!(done.url.ends_with("/account/person"), "{}", done.url);
        // A phone with such a session confirms nothing.
        for acting in [Acting::Enterprise(own), Acting::Personal] {
            let mut phone = session(acting).await;
            let (_, page) = crate::login::scan::login_page(&app).await;
            let asked = phone.get(&crate::login::scan::code(&page)).await;
            let refused = phone.submit(&asked, &[("act", "confirm")]).await;
            assert_eq!(refused.code(), Some("E_STEPUP_REQUIRED"), "{acting:?}: {}", refused.text);
        }
        // Nor does the bureau's app, whose tokens are of such a session.
        let mut owner = session(Acting::Personal).await;
        let phone = Telephone::signed_in(&app, &mut owner).await;
        let (_, page) = crate::login::scan::login_page(&app).await;
        let code = crate::login::scan::id(&page);
        phone.act(&app, (&code, "scan"), json!({})).await;
        let (_, refused) = phone.act(&app, (&code, "confirm"), json!({})).await;
        assert_eq!(refused["error"], "E_STEPUP_REQUIRED", "{refused}");
        // From the person no way leads to an enterprise, with or without.
        let mut browser = session(Acting::Personal).await;
        let hinted = authorize_url(&FILING, &[("identity_hint", EXAMPLE)]);
        assert_eq!(browser.get(&hinted).await.answered("error").as_deref(), Some("access_denied"));
        assert!(browser.get(&authorize_url(&FILING, &[])).await.answered("code").is_some());
    });
}
