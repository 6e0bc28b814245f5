//! What libraries expect of a provider without being told: defaults, methods, challenges, the `claims`
//! parameter in all its members.

use axum::body::Body;
use axum::http::{Request, header};
use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::authorize::signed_in;
use super::token::code;
use crate::kit::{
    FILING, INVOICE, SAMPLE, Setup, TestApp, VERIFIER, authorize_url, changed_realm, claims,
    on_each_database, on_one_database,
};

async fn id_token(app: &TestApp, code: &str) -> Value {
    let (status, tokens) = app.redeem(code).await;
    assert_eq!(status.as_u16(), 200, "{tokens}");
    claims(tokens["id_token"].as_str().unwrap())
}

/// Header (0) or claims (1) of a token, as they are written.
fn part(token: &str, n: usize) -> String {
    let part = token.split('.').nth(n).unwrap();
    String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

/// OIDC Core §15.1: every relying party knows RS256, and is given it unless it says otherwise.
#[test]
fn an_id_token_is_signed_with_what_everybody_knows() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let (_, tokens) = app.redeem(&code(&app).await).await;
        let head = part(tokens["id_token"].as_str().unwrap(), 0);
        assert!(head.contains("\"alg\":\"RS256\""), "{head}");
    });
}

/// RFC 6749 §2.3.1, §5.1, RFC 8414 §2: a secret in the header is right as it is and form-encoded, nobody keeps what
/// the token endpoint says, and how one proves oneself at revocation is told.
#[test]
fn what_libraries_do_with_a_clients_secret() {
    on_one_database(|on| async move {
        let secret = "key=a&b%zz-of-the-tests";
        let file = "clients/tax-filing.toml";
        let realm = changed_realm(&[(file, FILING.secret, secret)]);
        let app = Setup::of(on, vec![realm]).start().await;
        let encoded: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        for (sent, status) in [(secret, 200), (&*encoded, 200), ("key", 401), ("key=a", 401)] {
            let pair = BASE64_STANDARD.encode(format!("{}:{sent}", FILING.id));
            let request = Request::post("/realms/jiangxi/token")
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .header(header::AUTHORIZATION, format!("Basic {pair}"))
                .body(Body::from("grant_type=client_credentials"));
            let answer = app.browser().answer(request.unwrap()).await;
            assert_eq!(answer.status().as_u16(), status, "{sent}");
            let kept = [header::CACHE_CONTROL, header::PRAGMA].map(|name| &answer.headers()[name]);
            assert_eq!(kept, ["no-store", "no-cache"], "{sent}");
        }
        let discovery = Request::get("/realms/jiangxi/.well-known/openid-configuration");
        let (_, told) = app.json(discovery.body(Body::empty()).unwrap()).await;
        for what in ["auth_methods", "auth_signing_alg_values"] {
            let [token, revocation] = ["token", "revocation"]
                .map(|endpoint| &told[format!("{endpoint}_endpoint_{what}_supported")]);
            assert!(token.is_array() && token == revocation, "{what}: {told}");
        }
        let methods = told["revocation_endpoint_auth_methods_supported"].as_array().unwrap();
        assert!(methods.contains(&json!("none")), "{methods:?}");
    });
}

/// Where Basic was tried Basic is answered, and nowhere else (RFC 6749 §5.2); who shows no token hears
/// no error (RFC 6750 §3.1).
#[test]
fn a_challenge_answers_what_was_tried() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let ask = async |path: &str, authorization: Option<&str>, body: &'static str| {
            let mut request = Request::post(format!("/realms/jiangxi{path}"))
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
            if let Some(authorization) = authorization {
                request = request.header(header::AUTHORIZATION, authorization);
            }
            let answer = app.browser().answer(request.body(Body::from(body)).unwrap()).await;
            let challenge = answer.headers().get(header::WWW_AUTHENTICATE);
            let challenge = challenge.map(|value| value.to_str().unwrap().to_owned());
            (answer.status().as_u16(), challenge.unwrap_or_default())
        };
        let grant = "grant_type=client_credentials";
        let basic = ask("/token", Some("Basic dGF4LWZpbGluZzp4"), grant).await;
        assert_eq!(basic, (401, "Basic realm=\"hufu\"".to_owned()));
        let in_body = "grant_type=client_credentials&client_id=tax-filing&client_secret=x";
        assert_eq!(ask("/token", None, in_body).await, (401, String::new()));
        assert_eq!(ask("/token", None, grant).await, (401, String::new()));
        assert_eq!(ask("/userinfo", None, "").await, (401, "Bearer realm=\"hufu\"".to_owned()));
        for empty in ["Bearer", "Bearer ", "bearer  ", "DPoP ", "Basic dGF4LWZpbGluZzp4"] {
            let shown = ask("/userinfo", Some(empty), "access_token=").await;
            assert_eq!(shown, (401, "Bearer realm=\"hufu\"".to_owned()), "{empty}");
        }
        for path in ["/userinfo?access_token=x", "/ssf/poll", "/ssf/verify", "/admin/import"] {
            let shown = ask(path, None, "").await;
            assert!(shown.0 == 401 && !shown.1.contains("error"), "{path} {shown:?}");
        }
        // In two ways at once is in none (RFC 6750 §2).
        let twice = ask("/userinfo", Some("Bearer x"), "access_token=x").await;
        assert!(twice.0 == 400 && twice.1.contains("error=\"invalid_request\""), "{twice:?}");
        let wrong = ask("/userinfo", Some("Bearer x"), "").await;
        assert!(wrong.0 == 401 && wrong.1.contains("error=\"invalid_token\""), "{wrong:?}");
    });
}

/// `pkce = "optional"`: a library that cannot is served, one that does is held to it.
#[test]
fn a_confidential_client_may_do_without_pkce_where_it_is_registered_so() {
    on_each_database(|on| async move {
        let optional = ("clients/tax-filing.toml", "client_id", "pkce = \"optional\"\nclient_id");
        let realm = changed_realm(&[optional]);
        assert!(realm.remarks.iter().any(|one| one.message.contains("PKCE")));
        let app = Setup::of(on, vec![realm]).start().await;
        let mut browser = signed_in(&app).await;
        let plain = authorize_url(&FILING, &[]);
        let (at, query) = plain.split_once('?').unwrap();
        let kept: Vec<&str> =
            query.split('&').filter(|one| !one.starts_with("code_challenge")).collect();
        let without = format!("{at}?{}", kept.join("&"));
        let form = |code: String, verifier: Option<&'static str>| {
            let mut form = vec![
                ("grant_type", "authorization_code".to_owned()),
                ("code", code),
                ("redirect_uri", FILING.redirect_uri.to_owned()),
            ];
            form.extend(verifier.map(|verifier| ("code_verifier", verifier.to_owned())));
            form
        };
        let own = Some((FILING.id, FILING.secret));
        for (url, verifier, status) in [
            (&without, None, 200),
            // A challenge that was taken out on the way (RFC 9700 §4.8.2).
            (&without, Some(VERIFIER), 400),
            (&plain, None, 400),
            (&plain, Some(VERIFIER), 200),
        ] {
            let code = browser.get(url).await.answered("code").unwrap();
            let form = form(code, verifier);
            let form: Vec<(&str, &str)> =
                form.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let (answered, told) = app.post("/token", own, &form).await;
            assert_eq!(answered.as_u16(), status, "{url} {verifier:?} {told}");
        }
        // Required stays the default.
        let (at, query) = authorize_url(&INVOICE, &[]).split_once('?').map(own_parts).unwrap();
        let kept: Vec<&str> =
            query.split('&').filter(|one| !one.starts_with("code_challenge")).collect();
        let shown = browser.get(&format!("{at}?{}", kept.join("&"))).await;
        assert_eq!(shown.answered("error").as_deref(), Some("invalid_request"));
    });
}

fn own_parts((at, query): (&str, &str)) -> (String, String) {
    (at.to_owned(), query.to_owned())
}

/// OIDC Core §5.5.1: `essential`, `value` and `values`, of `acr`, `sub` and everything else.
#[test]
fn claims_are_asked_for_in_every_way() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut browser = signed_in(&app).await;
        let asked = |claims: Value, more: &[(&str, &str)]| {
            let claims = claims.to_string();
            let mut all = vec![("claims", claims.as_str()), ("prompt", "none")];
            all.extend_from_slice(more);
            authorize_url(&FILING, &all)
        };
        let own = id_token(
            &app,
            &browser.get(&authorize_url(&FILING, &[])).await.answered("code").unwrap(),
        )
        .await;
        let sub = own["sub"].as_str().unwrap();
        let level = |n: u8| format!("urn:hufu:realname:{n}");
        let acr = |essential: bool, values: Value| json!({"id_token": {"acr": {"essential": essential, "values": values}}});
        for (claims, error) in [
            (json!({"id_token": {"sub": {"value": sub}}}), None),
            (json!({"userinfo": {"sub": {"values": ["x", sub]}}}), None),
            (json!({"id_token": {"sub": {"value": "somebody-else"}}}), Some("login_required")),
            (json!({"userinfo": {"sub": {"value": "somebody-else"}}}), Some("login_required")),
            (json!({"id_token": {"sub": {"values": ["a", "b"]}}}), Some("login_required")),
            (acr(true, json!([level(1)])), None),
            (acr(true, json!(["https://example/gold"])), Some("unmet_authentication_requirements")),
            (acr(false, json!(["https://example/gold"])), None),
            (acr(true, json!([level(5)])), Some("unmet_authentication_requirements")),
            (json!({"id_token": {"acr": {"essential": true}}}), None),
            (json!({"id_token": {"acr": null}}), None),
            (json!({"id_token": []}), Some("invalid_request")),
            (json!({"id_token": {"acr": "gold"}}), Some("invalid_request")),
            (json!({"id_token": {"acr": {"essential": "yes"}}}), Some("invalid_request")),
            (json!({"id_token": {"acr": {"values": "gold"}}}), Some("invalid_request")),
            (json!({"userinfo": "all"}), Some("invalid_request")),
            (json!(["id_token"]), Some("invalid_request")),
            (json!({"id_token": null, "userinfo": null, "other": 1}), None),
            (acr(true, json!([])), Some("unmet_authentication_requirements")),
        ] {
            let shown = browser.get(&asked(claims.clone(), &[])).await;
            assert_eq!(shown.answered("error").as_deref(), error, "{claims}");
            assert_eq!(shown.answered("code").is_some(), error.is_none(), "{claims}");
        }
        // An essential level stands above one that would be liked.
        let claims = acr(true, json!([level(5)]));
        let shown = browser.get(&asked(claims, &[("acr_values", &level(1))])).await;
        let error = shown.answered("error");
        assert_eq!(error.as_deref(), Some("unmet_authentication_requirements"));
        // A value that is not the person's is not given, and ours can be asked for by name.
        let claims = json!({
            "id_token": {"name": {"value": "王小明"}, "roles": null},
            "userinfo": {"name": {"value": "李芳"}, "tax_identity": {"essential": true}},
        });
        let shown = browser.get(&asked(claims, &[("scope", "openid")])).await;
        let (_, tokens) = app.redeem(&shown.answered("code").unwrap()).await;
        let id = crate::kit::claims(tokens["id_token"].as_str().unwrap());
        assert!(id.get("name").is_none() && id.get("permissions").is_none(), "{id}");
        assert_eq!(id["roles"], own["roles"]);
        let (_, info) = app.userinfo(tokens["access_token"].as_str().unwrap()).await;
        assert_eq!(info["name"], "李芳");
        assert_eq!(
            info["tax_identity"]["enterprise"]["tin"],
            own["tax_identity"]["enterprise"]["tin"]
        );
        assert!(info.get("roles").is_none(), "{info}");
        // Granted as a whole they stand there once.
        let claims = json!({"id_token": {"roles": null, "tax_identity": null}});
        let shown = browser.get(&asked(claims, &[("identity_hint", SAMPLE)])).await;
        let (_, tokens) = app.redeem(&shown.answered("code").unwrap()).await;
        let text = part(tokens["id_token"].as_str().unwrap(), 1);
        assert_eq!(text.matches("\"roles\"").count(), 1, "{text}");
    });
}

/// What must be said is said, the highest of it that was proved (OIDC Core §5.5.1.1); the access token says what
/// was.
#[test]
fn an_essential_level_is_said() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut browser = signed_in(&app).await;
        let level = |n: u8| format!("urn:hufu:realname:{n}");
        for (values, told) in [
            (json!([level(1)]), level(1)),
            (json!([level(0), level(1), level(3)]), level(1)),
            (json!([level(1), level(2)]), level(2)),
        ] {
            let asked = json!({"id_token": {"acr": {"essential": true, "values": values}}});
            let asked = authorize_url(&FILING, &[("claims", &asked.to_string())]);
            let shown = browser.get(&asked).await;
            let (_, tokens) = app.redeem(&shown.answered("code").unwrap()).await;
            let said = |token: &str| crate::kit::claims(tokens[token].as_str().unwrap());
            assert_eq!(said("id_token")["acr"], told, "{values}");
            assert_eq!(said("access_token")["acr"], level(2), "{values}");
        }
    });
}

/// JSON whose members come twice is read by nobody: which of them counts?
#[test]
fn a_member_that_comes_twice_is_refused() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut browser = signed_in(&app).await;
        let done = browser.get(&authorize_url(&FILING, &[])).await;
        let own = id_token(&app, &done.answered("code").unwrap()).await;
        let sub = own["sub"].as_str().unwrap();
        for twice in [
            format!(r#"{{"id_token": {{"sub": {{"value": "x", "value": "{sub}"}}}}}}"#),
            format!(r#"{{"id_token": {{"sub": {{"value": "x"}}, "sub": {{"value": "{sub}"}}}}}}"#),
            r#"{"id_token": {"sub": {"value": "x"}}, "id_token": {}}"#.to_owned(),
        ] {
            let all = [("claims", twice.as_str()), ("prompt", "none")];
            let shown = browser.get(&authorize_url(&FILING, &all)).await;
            assert_eq!(shown.answered("error").as_deref(), Some("invalid_request"), "{twice}");
        }
    });
}

/// OIDC Core §5.5.1: a value that was not asked for is not given, whether a scope gives it or a name.
#[test]
fn what_a_scope_gives_is_left_out_where_another_value_is_wanted() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut browser = signed_in(&app).await;
        let wanted = json!({"roles": {"value": ["nobody"]}, "permissions": {"values": []}});
        let claims = json!({"id_token": wanted, "userinfo": wanted});
        let claims = claims.to_string();
        let shown = browser.get(&authorize_url(&FILING, &[("claims", &claims)])).await;
        let (_, tokens) = app.redeem(&shown.answered("code").unwrap()).await;
        let id = crate::kit::claims(tokens["id_token"].as_str().unwrap());
        let (_, info) = app.userinfo(tokens["access_token"].as_str().unwrap()).await;
        for told in [&id, &info] {
            assert!(told.get("tax_identity").is_some(), "{told}");
            assert!(told.get("roles").is_none() && told.get("permissions").is_none(), "{told}");
        }
    });
}
