//! Ugly requests are refused, never a 5xx; a database that is away is a 503.

use axum::body::Body;
use axum::http::{Request, header};
use axum::response::IntoResponse;
use hufu::jose::Algorithm;
use hufu::jose::jwt::sign;
use hufu::jose::keys::SigningKey;
use hufu::store::StoreError;
use hufu::web::answer::Failure;
use serde_json::json;
use tower::ServiceExt;

use super::authorize::signed_in;
use crate::kit::{
    EXAMPLE, FILING, ISSUER, On, PASSWORD, START, TestApp, authorize_url, on_each_database,
};

#[test]
fn ugly_requests_are_refused() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let form = "application/x-www-form-urlencoded";
        let big = "a=".to_owned() + &"x".repeat(100_000);
        for (path, media_type, body, status) in [
            ("/token", "application/json", "{}", 400),
            ("/token", form, "grant_type=x&grant_type=y", 400),
            ("/token", form, "", 401),
            ("/token", form, big.as_str(), 413),
            ("/token", form, "grant_type=%ff%fe&client_id=%00", 400),
            ("/introspect", form, "token=a%00b", 400),
            ("/revoke", form, "client_id=desktop&token=%0a", 400),
            ("/authorize", form, "client_id=tax-filing&login_hint=wang%00", 400),
            ("/logout", form, "id_token_hint=%7f", 400),
            ("/account/switch", form, "identity=%00", 400),
            ("/ssf/poll", "application/json", "{\"ack\": [\"a\\u0000\"]}", 401),
            ("/introspect", form, "token=x", 401),
            ("/login/credentials", form, "t=none", 403),
            ("/login/credentials", "text/plain", "t=none", 400),
            ("/login/credentials", form, "t=a&t=b", 400),
            ("/consent", form, "request=%25", 303),
            ("/nothing", form, "", 404),
        ] {
            let request = Request::post(format!("/realms/jiangxi{path}"))
                .header(header::CONTENT_TYPE, media_type)
                .header(
                    header::COOKIE,
                    "__Host-hufu-session-jiangxi=%%%; =; a; __Host-hufu-login-none=x",
                )
                .body(Body::from(body.to_owned()))
                .unwrap();
            let response = app.router.clone().oneshot(request).await.unwrap();
            assert_eq!(response.status().as_u16(), status, "{path} {body:.40}");
            let headers = response.headers();
            assert!(headers.contains_key(header::CONTENT_SECURITY_POLICY), "{path}");
        }
        let elsewhere = Request::get("/realms/nowhere/authorize").body(Body::empty()).unwrap();
        assert_eq!(app.router.clone().oneshot(elsewhere).await.unwrap().status().as_u16(), 404);
        let host = Request::get("/realms/jiangxi/.well-known/openid-configuration")
            .header(header::HOST, "evil.example")
            .header("x-forwarded-host", "evil.example");
        let (_, document) = app.json(host.body(Body::empty()).unwrap()).await;
        assert_eq!(document["issuer"], ISSUER);
        assert!(!document.to_string().contains("evil"));
        let (_, jwks) =
            app.json(Request::get("/realms/jiangxi/jwks").body(Body::empty()).unwrap()).await;
        let keys = jwks["keys"].as_array().unwrap();
        assert_eq!(keys.len(), 4);
        assert!(keys.iter().all(|key| key["d"].is_null() && key["kid"].is_string()), "{jwks}");
    });
}

/// RFC 7523: right once, then replayed, expired, for another audience, of another client.
#[test]
fn a_signed_assertion_works_once() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let private = include_str!("../../data/data-exchange.private.json");
        let key = SigningKey::new(Algorithm::ES256, private, true).unwrap();
        let now = START.0;
        let claims = |jti: &str, aud: &str, exp: i64, sub: &str| json!({"iss": "data-exchange", "sub": sub, "aud": aud, "exp": exp, "jti": jti});
        let cases = [
            (claims("1", ISSUER, now + 60, "data-exchange"), 200),
            (claims("1", ISSUER, now + 60, "data-exchange"), 401),
            (claims("2", ISSUER, now - 1, "data-exchange"), 401),
            (claims("3", "https://other.example", now + 60, "data-exchange"), 401),
            (claims("4", ISSUER, now + 60, "tax-filing"), 401),
            (claims("5", ISSUER, now + 9999, "data-exchange"), 401),
            (
                json!({"iss": "data-exchange", "sub": "data-exchange", "aud": ISSUER, "exp": 1e300, "jti": "6"}),
                401,
            ),
        ];
        for (claims, status) in cases {
            let assertion = sign(&key, "JWT", &claims).unwrap();
            let form = [
                ("grant_type", "client_credentials"),
                ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
                ("client_assertion", assertion.as_str()),
            ];
            let answer = app.post("/token", None, &form).await;
            assert_eq!(answer.0.as_u16(), status, "{claims} {}", answer.1);
        }
    });
}

/// A NUL in a field of a form is a refusal with its code, on both databases.
#[test]
fn control_characters_are_refused_where_forms_are_read() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        for personal_id in ["wang\0", "wang\nxm", "\u{7f}", "wang\u{85}"] {
            let mut browser = app.browser();
            let page = browser.get(&authorize_url(&FILING, &[])).await;
            let typed = (EXAMPLE, personal_id, PASSWORD);
            let refused = browser.type_credentials(&page, typed).await;
            assert_eq!(refused.status.as_u16(), 400, "{personal_id:?}");
            assert_eq!(refused.code(), Some("E_FORMAT"), "{personal_id:?}");
        }
    });
}

/// JSON among the parameters can write a NUL without sending one; the client hears that its
/// request is wrong, as for every other.
#[test]
fn control_characters_that_json_writes_out_are_refused() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut browser = signed_in(&app).await;
        let details = |field: &str| format!(r#"[{{"type": "tax_identity", {field}}}]"#);
        for (name, value) in [
            ("authorization_details", details(r#""enterprise": "91360100MA35ABCD43\u0000""#)),
            ("authorization_details", details(r#""kind": "agent\u0000""#)),
            ("authorization_details", details(r#""identity_types": ["tax\u000aclerk"]"#)),
            ("authorization_details", details(r#""permissions": ["TAX_FILING\u007f"]"#)),
            ("claims", r#"{"userinfo": {"name\u0000": null}}"#.to_owned()),
            ("claims", r#"{"id_token": {"acr": {"value": "a\u0000"}}}"#.to_owned()),
        ] {
            let shown = browser.get(&authorize_url(&FILING, &[(name, &value)])).await;
            assert!(shown.status.as_u16() < 500, "{value}: {}", shown.status);
            let error = shown.answered("error").unwrap_or_default();
            assert!(error.starts_with("invalid_"), "{value}: {error} {}", shown.status);
        }
    });
}

/// What the database says is told apart: a row in the way is 409 and a value that it cannot keep
/// 400, each with its code; our own mistake is 500; none of them asks to come back later, as one does that
/// is away or has ended the transaction for another one.
#[test]
fn only_what_can_be_asked_again_is_a_503() {
    for (error, status) in [
        (StoreError::Unavailable(String::new()), 503),
        (StoreError::GaveWay(String::new()), 503),
        (StoreError::Conflict(String::new()), 409),
        (StoreError::BadValue(String::new()), 400),
        (StoreError::Mistake(String::new()), 500),
        (StoreError::inconsistent("session", "acr", 1), 500),
    ] {
        let answer = Failure::from(error).into_response();
        assert_eq!(answer.status().as_u16(), status);
        assert_eq!(answer.headers().contains_key(header::RETRY_AFTER), status == 503);
    }
}

/// A statement that the schema does not know is our own mistake.
#[test]
fn a_missing_table_is_a_500() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut browser = signed_in(&app).await;
        app.sql("ALTER TABLE session RENAME TO session_elsewhere").await;
        let shown = browser.get(&authorize_url(&FILING, &[])).await;
        assert_eq!(shown.status.as_u16(), 500);
        assert_eq!(shown.header("retry-after"), None);
    });
}

/// The database goes away under a live session: 503 with a time to come back, no login page.
#[test]
fn a_database_that_is_away_is_a_503() {
    on_each_database(|on| async move {
        if matches!(on, On::Sqlite) {
            return;
        }
        let app = TestApp::start(on).await;
        let browser = signed_in(&app).await;
        app.drop_database().await;
        let pairs: Vec<String> =
            browser.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = Request::get(authorize_url(&FILING, &[]))
            .header(header::COOKIE, pairs.join("; "))
            .body(Body::empty())
            .unwrap();
        let response = app.router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status().as_u16(), 503);
        assert!(response.headers().contains_key(header::RETRY_AFTER));
    });
}
