//! Two realms in one process do not touch.

use std::path::Path;

use axum::body::Body;
use axum::http::Request;

use super::authorize::signed_in;
use crate::kit::browser::Shown;
use crate::kit::passkey::{Passkey, asked};
use crate::kit::{
    Browser, EXAMPLE, FILING, PASSWORD, Setup, TestApp, VERIFIER, authorize_url, copy, demo_realm,
    on_each_database, realm_of,
};

async fn two_realms(on: crate::kit::On) -> TestApp {
    let other = Path::new(env!("CARGO_MANIFEST_DIR")).join("realms/demo-national");
    Setup::of(on, vec![demo_realm(), realm_of(&other)]).start().await
}

/// Rule 3: every record carries its realm, and every use compares it.
#[test]
fn what_one_realm_gave_is_nothing_in_another() {
    on_each_database(|on| async move {
        let app = two_realms(on).await;
        let mut browser = signed_in(&app).await;
        let done = browser.get(&authorize_url(&FILING, &[])).await;
        let code = done.answered("code").unwrap();
        let here = Some((FILING.id, FILING.secret));
        let form = |code: &str| {
            form_urlencoded::Serializer::new(String::new())
                .append_pair("grant_type", "authorization_code")
                .append_pair("code", code)
                .append_pair("redirect_uri", FILING.redirect_uri)
                .append_pair("code_verifier", VERIFIER)
                .finish()
        };
        let there = |path: &str, body: String| {
            let basic = base64::Engine::encode(
                &base64::prelude::BASE64_STANDARD,
                "tax-filing:demo-national-secret-of-tax-filing",
            );
            let request = Request::post(format!("/realms/demo-national{path}"))
                .header("content-type", "application/x-www-form-urlencoded")
                .header("authorization", format!("Basic {basic}"))
                .body(Body::from(body))
                .unwrap();
            app.json(request)
        };
        let (status, answer) = there("/token", form(&code)).await;
        assert_eq!((status.as_u16(), answer["error"].as_str()), (400, Some("invalid_grant")));
        let (_, tokens) = app.redeem(&code).await;
        let access = tokens["access_token"].as_str().unwrap();
        let refresh = tokens["refresh_token"].as_str().unwrap();
        assert_eq!(there("/introspect", format!("token={access}")).await.1["active"], false);
        let body = format!("grant_type=refresh_token&refresh_token={refresh}");
        assert_eq!(there("/token", body).await.1["error"], "invalid_grant");
        there("/revoke", format!("token={refresh}")).await;
        assert_eq!(app.introspect(access).await["active"], true);
        let request = Request::get("/realms/demo-national/userinfo")
            .header("authorization", format!("Bearer {access}"))
            .body(Body::empty())
            .unwrap();
        assert_eq!(app.json(request).await.0.as_u16(), 401);

        // The session's cookie under the other realm's name.
        let cookies = browser.cookies.clone();
        for (name, value) in cookies {
            browser.cookies.insert(name.replace("jiangxi", "demo-national"), value);
        }
        let other = authorize_url(&FILING, &[("prompt", "none")])
            .replace("/realms/jiangxi/", "/realms/demo-national/")
            .replace("filing.jiangxi", "filing.national");
        let silent = browser.get(&other).await;
        assert_eq!(silent.answered("error").as_deref(), Some("login_required"));
        assert!(app.post("/introspect", here, &[("token", access)]).await.1["active"] == true);
    });
}

/// Two realms under one host name, so that a browser's passkeys could serve both.
async fn on_one_host(on: crate::kit::On) -> TestApp {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("demo-national");
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("realms/demo-national"), &target);
    let file = target.join("realm.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(file, text.replace("sso.national.example", "sso.jiangxi.example")).unwrap();
    Setup::of(on, vec![demo_realm(), realm_of(&target)]).start().await
}

/// The page of a realm's door for natural persons.
async fn at_door(browser: &mut Browser, realm: &str) -> Shown {
    let page = browser.get(&format!("/realms/{realm}/login")).await;
    let t = page.hidden()["t"].clone();
    browser.get(&format!("/realms/{realm}/login/credentials?t={t}&entrance=natural_person")).await
}

/// Rule 3: a passkey opens the realm in which it was enrolled, also where both have one host name
/// and the person is known in both.
#[test]
fn a_passkey_of_one_realm_opens_no_other() {
    on_each_database(|on| async move {
        let app = on_one_host(on).await;
        let mut owner = app.browser();
        let page = at_door(&mut owner, "demo-national").await;
        let page = owner.type_credentials(&page, ("", "13800138000", PASSWORD)).await;
        owner.pass_second_factor(&app, &page, "13800138000").await;
        let page = owner.get("/realms/demo-national/account/passkeys").await;
        let (mut passkey, made) = Passkey::make(&asked(&page).expect("options"));
        let listed = owner.submit(&page, &[("name", "phone"), ("made", &made)]).await;
        assert!(listed.text.contains("phone"), "{}", listed.text);
        // In its own realm it signs in.
        let mut browser = app.browser();
        let page = at_door(&mut browser, "demo-national").await;
        let made = passkey.answer(&asked(&page).unwrap());
        browser.submit(&page, &[("made", &made)]).await;
        assert!(browser.cookies.contains_key("__Host-hufu-session-demo-national"));
        // In the other it is unknown, in place of the password and after it.
        let mut browser = app.browser();
        let page = at_door(&mut browser, "jiangxi").await;
        let made = passkey.answer(&asked(&page).unwrap());
        let refused = browser.submit(&page, &[("made", &made)]).await;
        assert_eq!(refused.code(), Some("E_PASSKEY"), "{}", refused.text);
        assert!(!browser.cookies.contains_key("__Host-hufu-session-jiangxi"));
        let page = browser.type_credentials(&refused, ("", "13800138000", PASSWORD)).await;
        assert!(!page.text.contains("id=\"way-passkey\""), "none is enrolled here");
    });
}

/// What is counted in one realm binds nobody in another: codes sent to a phone, wrong passwords.
#[test]
fn counters_of_one_realm_do_not_bind_another() {
    on_each_database(|on| async move {
        let app = on_one_host(on).await;
        for realm in ["demo-national", "jiangxi"] {
            let mut browser = app.browser();
            let page = at_door(&mut browser, realm).await;
            let page = browser.type_credentials(&page, ("", "13800138000", PASSWORD)).await;
            let sent = browser.submit(&page, &[("act", "send")]).await;
            assert_eq!(sent.code(), None, "{realm}");
        }
        for _ in 0..6 {
            let mut thief = app.browser();
            let page = at_door(&mut thief, "demo-national").await;
            thief.type_credentials(&page, ("", "13900139000", "Wrong2026!")).await;
        }
        let mut browser = app.browser();
        let page = browser.get(&authorize_url(&FILING, &[])).await;
        let page = browser.type_credentials(&page, (EXAMPLE, "13900139000", PASSWORD)).await;
        assert_eq!(page.code(), None, "{}", page.text);
    });
}
