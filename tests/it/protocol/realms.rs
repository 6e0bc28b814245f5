//! Two realms in one process do not touch.

use std::path::Path;

use axum::body::Body;
use axum::http::Request;

use super::authorize::signed_in;
use crate::kit::{
    FILING, Setup, TestApp, VERIFIER, authorize_url, demo_realm, on_each_database, realm_of,
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
