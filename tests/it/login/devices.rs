//! A remembered browser spares the second factor: one person, one entrance, one password.

use hufu::base::secret::Hashed;
use hufu::store::devices::RememberedDevice;

use crate::kit::browser::Shown;
use crate::kit::{
    Browser, EXAMPLE, FILING, PASSWORD, Setup, TestApp, authorize_url, changed_realm, claims,
    on_each_database,
};

const LI: &str = "13900139000";

async fn app(on: crate::kit::On) -> TestApp {
    let door = "id = \"enterprise\"\n";
    let realm = changed_realm(&[(
        "entrances.toml",
        door,
        "id = \"enterprise\"\nremember_device_days = 30\n",
    )]);
    Setup::of(on, vec![realm]).start().await
}

async fn type_in(browser: &mut Browser, entrance: &str, phone: &str) -> Shown {
    let page = browser.get(&authorize_url(&FILING, &[("prompt", "login")])).await;
    let t = page.hidden()["t"].clone();
    let url = format!("/realms/jiangxi/login/credentials?t={t}&entrance={entrance}");
    let page = browser.get(&url).await;
    let enterprise = if entrance == "enterprise" { EXAMPLE } else { "" };
    browser.type_credentials(&page, (enterprise, phone, PASSWORD)).await
}

async fn remember(app: &TestApp, browser: &mut Browser) -> Shown {
    let page = type_in(browser, "enterprise", LI).await;
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
        let done = type_in(&mut browser, "enterprise", LI).await;
        let (_, tokens) = app.redeem(&done.answered("code").expect("no second factor")).await;
        let id = claims(tokens["id_token"].as_str().unwrap());
        assert_eq!(id["amr"], serde_json::json!(["pwd"]), "a known browser is no proof");
        assert_eq!(id["acr"], "urn:hufu:realname:1");
        // Another person, another entrance, another browser: all factors.
        for (entrance, phone) in [("enterprise", "13800138000"), ("natural_person", LI)] {
            let page = type_in(&mut browser, entrance, phone).await;
            assert!(page.text.contains("value=\"send\""), "{entrance} {phone}: {}", page.text);
        }
        let page = type_in(&mut app.browser(), "enterprise", LI).await;
        assert!(page.text.contains("value=\"send\""));
        // An entrance that does not remember offers nothing.
        let page = type_in(&mut app.browser(), "natural_person", LI).await;
        assert!(!page.text.contains("name=\"remember\""));
        app.clock.advance(31 * 86_400);
        let page = type_in(&mut browser, "enterprise", LI).await;
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
        browser.submit(&page, &[("forget", &id)]).await;
        let page = type_in(&mut browser, "enterprise", LI).await;
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
