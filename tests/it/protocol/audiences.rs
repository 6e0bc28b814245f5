//! Access tokens for APIs (RFC 8707, RFC 9068): whom a token is for, who may ask for one, and who may
//! ask what it is worth.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::authorize::signed_in;
use crate::kit::{
    Browser, FILING, INVOICE, ISSUER, Setup, TestApp, VERIFIER, authorize_url, changed_realm,
    claims, on_each_database,
};

pub const FILING_API: &str = "https://api.jiangxi.example/filing";
pub const INVOICES: &str = "https://api.jiangxi.example/invoices";
pub const REGISTRY: (&str, &str) = ("registry", "demo-secret-of-registry");
const OWN: (&str, &str) = (FILING.id, FILING.secret);
const OTHERS: (&str, &str) = (INVOICE.id, INVOICE.secret);

/// An authorization request for tokens for these APIs.
fn asks(resources: &[&str], more: &[(&str, &str)]) -> String {
    let mut url = authorize_url(&FILING, more);
    for resource in resources {
        url.push_str("&resource=");
        url.extend(form_urlencoded::byte_serialize(resource.as_bytes()));
    }
    url
}

async fn code(browser: &mut Browser, resources: &[&str]) -> String {
    let shown = browser.get(&asks(resources, &[])).await;
    shown.answered("code").unwrap_or_else(|| panic!("{:?} {}", shown.left_to, shown.text))
}

/// A request to the token endpoint that names these APIs.
async fn redeem(app: &TestApp, code: &str, resources: &[&str]) -> (u16, Value) {
    let mut form = vec![
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", FILING.redirect_uri),
        ("code_verifier", VERIFIER),
    ];
    form.extend(resources.iter().map(|one| ("resource", *one)));
    let (status, answer) = app.post("/token", Some(OWN), &form).await;
    (status.as_u16(), answer)
}

async fn refresh(app: &TestApp, tokens: &Value, resources: &[&str]) -> (u16, Value) {
    let token = tokens["refresh_token"].as_str().unwrap();
    let mut form = vec![("grant_type", "refresh_token"), ("refresh_token", token)];
    form.extend(resources.iter().map(|one| ("resource", *one)));
    let (status, answer) = app.post("/token", Some(OWN), &form).await;
    (status.as_u16(), answer)
}

fn access(tokens: &Value) -> &str {
    tokens["access_token"].as_str().unwrap_or_else(|| panic!("{tokens}"))
}

async fn introspected(app: &TestApp, by: (&str, &str), token: &str) -> Value {
    let (status, answer) = app.post("/introspect", Some(by), &[("token", token)]).await;
    assert_eq!(status.as_u16(), 200, "{answer}");
    answer
}

/// RFC 9068 §2: everything that an API which checks `aud` by itself looks for, and of the permissions
/// those that it understands. At our own interfaces, and at other APIs, it is worth nothing.
#[test]
fn a_token_is_for_the_api_that_was_asked_for() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut browser = signed_in(&app).await;
        let (_, tokens) = redeem(&app, &code(&mut browser, &[FILING_API]).await, &[]).await;
        let token = access(&tokens);
        let head = token.split('.').next().unwrap();
        let head: Value =
            serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(head).unwrap()).unwrap();
        assert_eq!((&head["typ"], &head["alg"]), (&json!("at+jwt"), &json!("ES256")));
        let held = claims(token);
        assert_eq!(held["aud"], FILING_API);
        assert_eq!((&held["iss"], &held["client_id"]), (&json!(ISSUER), &json!(FILING.id)));
        for name in ["sub", "exp", "iat", "jti", "auth_time", "acr", "amr", "scope", "sid"] {
            assert!(!held[name].is_null(), "{name}: {held}");
        }
        assert_eq!(held["permissions"], json!(["TAX_FILING", "TAX_QUERY"]));
        // The client learns all that it is registered for, by its ID token.
        let id = claims(tokens["id_token"].as_str().unwrap());
        assert!(id["permissions"].as_array().unwrap().len() > 2 && id["aud"] == FILING.id, "{id}");
        let (status, answer) = app.userinfo(token).await;
        assert_eq!(status.as_u16(), 401, "{answer}");
        // Without a resource all is as ever.
        let (_, plain) = redeem(&app, &code(&mut browser, &[]).await, &[]).await;
        assert_eq!(claims(access(&plain))["aud"], FILING.id);
        assert_eq!(app.userinfo(access(&plain)).await.0.as_u16(), 200);
        // Nor does an ID token open anything.
        assert_eq!(app.userinfo(tokens["id_token"].as_str().unwrap()).await.0.as_u16(), 401);

        let (_, document) = app
            .json(
                axum::http::Request::get("/realms/jiangxi/.well-known/openid-configuration")
                    .body(axum::body::Body::empty())
                    .unwrap(),
            )
            .await;
        assert_eq!(document["protected_resources"], json!([FILING_API, INVOICES]));
        for internal in ["registry_import", "scan", "ssf"] {
            let scopes = document["scopes_supported"].as_array().unwrap();
            assert!(!scopes.contains(&json!(internal)), "{internal}");
        }
    });
}

/// `resource` alone may come several times, and comes so again wherever the request travels.
#[test]
fn a_repeated_parameter_is_sent_on_as_it_came() {
    use hufu::oidc::params::Params;
    for (query, all) in [
        ("a=1", &[][..]),
        ("resource=x", &["x"]),
        ("resource=x&a=1&resource=y", &["x", "y"]),
        ("resource=&resource=x&resource=", &["x"]),
        ("resource=x+y", &["x y"]),
        ("resource=x&resource=x", &["x", "x"]),
    ] {
        let params = Params::parse(query.as_bytes()).unwrap();
        assert_eq!(params.resources().collect::<Vec<_>>(), all, "{query}");
        let again = Params::from_map(Params::parse(params.encode().as_bytes()).unwrap().into_map());
        assert_eq!(again.resources().collect::<Vec<_>>(), all, "{query}");
        assert_eq!(again.get("a"), params.get("a"));
        assert_eq!(again.without(&["resource"]).resources().count(), 0);
    }
    for refused in ["a=1&a=1", "scope=x&resource=y&scope=x", "resource=x%0Ay", "resource=x%00"] {
        assert!(Params::parse(refused.as_bytes()).is_err(), "{refused}");
    }
}

/// RFC 8707 §2: the client hears `invalid_target`, at either endpoint, before anybody is asked anything.
#[test]
fn what_may_not_be_asked_for_is_invalid_target() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut browser = signed_in(&app).await;
        let wrong = [
            "filing",
            "/filing",
            "https://api.jiangxi.example/filing#x",
            "https://api.jiangxi.example/filing?x=1",
            "https://api.jiangxi.example/filing/",
            "HTTPS://API.jiangxi.example/filing",
            "https://api.jiangxi.example/filing https://api.jiangxi.example/invoices",
            " https://api.jiangxi.example/filing",
            "https://api.jiangxi.example/",
            "https://api.jiangxi.example/filing/../invoices",
            "tax-filing",
            "javascript:alert(1)",
            "urn:x",
        ];
        for resource in wrong {
            for all in [vec![resource], vec![FILING_API, resource], vec![resource, FILING_API]] {
                let shown = browser.get(&asks(&all, &[("prompt", "none")])).await;
                let answered = |name: &str| shown.answered(name);
                assert_eq!(answered("error").as_deref(), Some("invalid_target"), "{all:?}");
                assert_eq!(answered("state").as_deref(), Some("st-1"));
                // Nobody signs in for it either.
                let shown = app.browser().get(&asks(&all, &[])).await;
                assert_eq!(shown.answered("error").as_deref(), Some("invalid_target"), "{all:?}");
                let code = code(&mut browser, &[FILING_API]).await;
                let (status, answer) = redeem(&app, &code, &all).await;
                assert_eq!((status, &answer["error"]), (400, &json!("invalid_target")), "{all:?}");
            }
        }
        // Registered, and not for this client.
        let url = authorize_url(&INVOICE, &[("resource", INVOICES), ("prompt", "none")]);
        let shown = browser.get(&url).await;
        assert_eq!(shown.answered("error").as_deref(), Some("invalid_target"));
        // An empty one is none, the same one twice is one.
        let token = |answer: Value| claims(access(&answer))["aud"].clone();
        let code_of = code(&mut browser, &[""]).await;
        assert_eq!(token(redeem(&app, &code_of, &[""]).await.1), FILING.id);
        let code_of = code(&mut browser, &[FILING_API, "", FILING_API]).await;
        assert_eq!(token(redeem(&app, &code_of, &[FILING_API, FILING_API]).await.1), FILING_API);
        // Any other parameter that comes twice is refused, as ever.
        let form = [("grant_type", "client_credentials"), ("scope", "openid"), ("scope", "openid")];
        assert_eq!(app.post("/token", Some(OWN), &form).await.1["error"], "invalid_request");
    });
}

/// RFC 8707 §2.2: one token takes a part of what was granted, the refresh token keeps all of it. Whoever
/// is signed in may ask our own interfaces, too.
#[test]
fn a_token_takes_a_part_of_what_was_granted() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut browser = signed_in(&app).await;
        let both = [FILING_API, INVOICES];
        // Their tokens have different forms.
        let granted = code(&mut browser, &both).await;
        for unclear in [&[][..], &both] {
            let (status, answer) = redeem(&app, &granted, unclear).await;
            assert_eq!((status, &answer["error"]), (400, &json!("invalid_target")), "{answer}");
        }
        // A refusal has used nothing up.
        let (_, tokens) = redeem(&app, &granted, &[FILING_API]).await;
        assert_eq!(claims(access(&tokens))["aud"], FILING_API);
        let (_, other) = refresh(&app, &tokens, &[INVOICES]).await;
        assert!(!access(&other).contains('.') && other["expires_in"] == 120, "{other}");
        assert_eq!(introspected(&app, OTHERS, access(&other)).await["aud"], INVOICES);
        let (_, again) = refresh(&app, &tokens, &[FILING_API]).await;
        assert_eq!(claims(access(&again))["aud"], FILING_API);
        let (_, ours) = refresh(&app, &tokens, &[ISSUER]).await;
        assert_eq!(claims(access(&ours))["aud"], ISSUER);
        assert_eq!(app.userinfo(access(&ours)).await.0.as_u16(), 200);
        let (_, with_ours) = refresh(&app, &tokens, &[ISSUER, FILING_API]).await;
        assert_eq!(claims(access(&with_ours))["aud"], json!([FILING_API, ISSUER]));
        assert_eq!(app.userinfo(access(&with_ours)).await.0.as_u16(), 200);

        // What was not granted is not given later.
        for granted in [&[][..], &[FILING_API]] {
            let code = code(&mut browser, granted).await;
            let (status, answer) = redeem(&app, &code, &[INVOICES]).await;
            assert_eq!((status, &answer["error"]), (400, &json!("invalid_target")), "{answer}");
            let (_, tokens) = redeem(&app, &code, &[]).await;
            for asked in [&[INVOICES][..], &both] {
                let (status, answer) = refresh(&app, &tokens, asked).await;
                assert_eq!((status, &answer["error"]), (400, &json!("invalid_target")), "{answer}");
            }
            assert_eq!(refresh(&app, &tokens, granted).await.0, 200);
        }
    });
}

/// The request survives what stands between it and its code: a sign-in, the chooser.
#[test]
fn several_resources_survive_the_pages_on_the_way() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut browser = app.browser();
        let both = [FILING_API, INVOICES];
        let page = browser.get(&asks(&both, &[("prompt", "select_account")])).await;
        let who = (crate::kit::EXAMPLE, "13900139000", crate::kit::PASSWORD);
        let page = browser.type_credentials(&page, who).await;
        let done = browser.pass_second_factor(&app, &page, "13900139000").await;
        let first = done.answered("code").unwrap_or_else(|| panic!("{}", done.text));
        let chooser = browser.get(&asks(&both, &[("prompt", "select_account")])).await;
        let id = chooser.text.split("name=\"identity\" value=\"").nth(1).unwrap();
        let id = id.split('"').next().unwrap().to_owned();
        let done = browser.submit(&chooser, &[("identity", &id)]).await;
        for code in [first, done.answered("code").unwrap()] {
            let (status, tokens) = redeem(&app, &code, &[INVOICES]).await;
            if status == 200 {
                assert_eq!(refresh(&app, &tokens, &[FILING_API]).await.0, 200);
            } else {
                // The chooser has moved the session; what was given before has ended.
                assert_eq!(tokens["error"], "invalid_grant", "{tokens}");
            }
        }
    });
}

/// RFC 7662 §4: a token is the concern of the client that holds it and of the API that it is for. The
/// API is told what it understands.
#[test]
fn a_token_is_introspected_by_whom_it_concerns() {
    on_each_database(|on| async move {
        let invoices = "resources/invoices.toml";
        let realm = changed_realm(&[(invoices, "access_token = \"opaque\"", "")]);
        let app = Setup::of(on, vec![realm]).start().await;
        let mut browser = signed_in(&app).await;
        let get = async |browser: &mut Browser, resources: &[&str]| {
            redeem(&app, &code(browser, resources).await, &[]).await.1
        };
        let plain = get(&mut browser, &[]).await;
        let filing = get(&mut browser, &[FILING_API]).await;
        let invoices = get(&mut browser, &[INVOICES]).await;
        let both = get(&mut browser, &[FILING_API, INVOICES]).await;
        assert_eq!(claims(access(&both))["aud"], json!([FILING_API, INVOICES]));
        let all = json!(["INVOICE", "INVOICE_QUERY", "TAX_FILING", "TAX_QUERY"]);
        assert_eq!(claims(access(&both))["permissions"], all);
        assert_eq!(both["expires_in"], 120, "the shorter life of the two");
        let form = [("grant_type", "client_credentials"), ("resource", FILING_API)];
        let (_, machine) = app.post("/token", Some(OWN), &form).await;
        assert_eq!(claims(access(&machine))["aud"], FILING_API);
        let insurance = ("social-insurance", "demo-secret-of-social-insurance");
        let (of_filing, of_invoices) =
            (json!(["TAX_FILING", "TAX_QUERY"]), json!(["INVOICE", "INVOICE_QUERY"]));
        let full = claims(access(&plain))["permissions"].clone();
        let table = [
            (&plain, OWN, Some(&full)),
            (&plain, REGISTRY, None),
            (&plain, OTHERS, None),
            (&filing, OWN, Some(&of_filing)),
            (&filing, REGISTRY, Some(&of_filing)),
            (&filing, OTHERS, None),
            (&filing, insurance, None),
            (&invoices, OTHERS, Some(&of_invoices)),
            (&invoices, REGISTRY, None),
            (&both, OWN, Some(&all)),
            (&both, REGISTRY, Some(&of_filing)),
            (&both, OTHERS, Some(&of_invoices)),
            (&both, insurance, None),
        ];
        for (n, (tokens, by, told)) in table.into_iter().enumerate() {
            let answer = introspected(&app, by, access(tokens)).await;
            match told {
                Some(told) => assert_eq!(&answer["permissions"], told, "{n}: {answer}"),
                None => assert_eq!(answer, json!({"active": false}), "{n}"),
            }
        }
        for (by, active) in [(OWN, true), (REGISTRY, true), (OTHERS, false)] {
            let answer = introspected(&app, by, access(&machine)).await;
            assert_eq!(answer["active"], active, "{answer}");
        }
        // Not by whom nobody knows, and never by a public client.
        let public = [("token", access(&filing)), ("client_id", "desktop")];
        assert_eq!(app.post("/introspect", None, &public).await.0.as_u16(), 401);
        // A token for an API is no token of our own interfaces, whatever its scopes.
        for form in [&form[..1], &form] {
            let (_, tokens) = app.post("/token", Some(OWN), form).await;
            let (status, _) = app.userinfo(access(&tokens)).await;
            assert_eq!(status.as_u16(), 401);
        }
    });
}

/// A client that people are asked about uses no API in their name without their knowing, and who has
/// agreed once is not asked again.
#[test]
fn the_person_agrees_to_the_apis_that_are_used_in_their_name() {
    on_each_database(|on| async move {
        let realm =
            changed_realm(&[("clients/tax-filing.toml", "consent = false", "consent = true")]);
        let app = Setup::of(on, vec![realm]).start().await;
        let mut browser = app.browser();
        let page = browser.get(&authorize_url(&FILING, &[])).await;
        let who = (crate::kit::EXAMPLE, "13900139000", crate::kit::PASSWORD);
        let page = browser.type_credentials(&page, who).await;
        let asked = browser.pass_second_factor(&app, &page, "13900139000").await;
        assert!(!asked.text.contains("纳税申报接口"), "{}", asked.text);
        browser.submit(&asked, &[("act", "allow")]).await;
        let silent = browser.get(&asks(&[FILING_API], &[("prompt", "none")])).await;
        assert_eq!(silent.answered("error").as_deref(), Some("consent_required"));
        let asked = browser.get(&asks(&[FILING_API], &[])).await;
        assert!(asked.text.contains("纳税申报接口"), "{}", asked.text);
        let done = browser.submit(&asked, &[("act", "allow")]).await;
        assert!(done.answered("code").is_some(), "{}", done.text);
        let asked = browser.get(&asks(&[INVOICES], &[])).await;
        assert!(asked.text.contains("发票查询接口"), "{}", asked.text);
        browser.submit(&asked, &[("act", "allow")]).await;
        // What was agreed to before still is, also together.
        for resources in [&[][..], &[FILING_API], &[INVOICES], &[FILING_API, INVOICES, ISSUER]] {
            let silent = browser.get(&asks(resources, &[("prompt", "none")])).await;
            assert!(silent.answered("code").is_some(), "{resources:?} {:?}", silent.left_to);
        }
    });
}
