//! Signing: every algorithm a client may ask for, and keys that retire.

use hufu::flows::keys::{load, rotate};
use hufu::jose::Algorithm;
use josekit::jwk::Jwk;
use josekit::jws::alg::eddsa::EddsaJwsAlgorithm;
use josekit::jws::{self, ES256, JwsVerifier, PS256, RS256};
use serde_json::Value;

use super::authorize::signed_in;
use crate::kit::{
    FILING, Setup, TestApp, authorize_url, changed_realm, demo_realm, on_each_database,
};

async fn jwks(app: &TestApp) -> Vec<Value> {
    let request = axum::http::Request::get("/realms/jiangxi/jwks");
    let (_, jwks) = app.json(request.body(axum::body::Body::empty()).unwrap()).await;
    jwks["keys"].as_array().unwrap().clone()
}

/// Verified with the published key of the token's `kid`, as an application would.
async fn verified(app: &TestApp, algorithm: &str, token: &str) -> Value {
    let header = jws::JwsHeader::from_bytes(
        base64::Engine::decode(
            &base64::prelude::BASE64_URL_SAFE_NO_PAD,
            token.split('.').next().unwrap(),
        )
        .unwrap()
        .as_slice(),
    )
    .unwrap();
    assert_eq!(header.algorithm(), Some(algorithm));
    let published = jwks(app).await;
    let key = published.iter().find(|key| key["kid"] == header.key_id().unwrap()).unwrap();
    assert!(key.get("d").is_none() && key.get("p").is_none(), "a private member is published");
    let jwk = Jwk::from_map(key.as_object().unwrap().clone()).unwrap();
    let verifier: Box<dyn JwsVerifier> = match algorithm {
        "ES256" => Box::new(ES256.verifier_from_jwk(&jwk).unwrap()),
        "RS256" => Box::new(RS256.verifier_from_jwk(&jwk).unwrap()),
        "PS256" => Box::new(PS256.verifier_from_jwk(&jwk).unwrap()),
        _ => Box::new(EddsaJwsAlgorithm::Eddsa.verifier_from_jwk(&jwk).unwrap()),
    };
    let (payload, _) = jws::deserialize_compact(token, &*verifier).unwrap();
    serde_json::from_slice(&payload).unwrap()
}

#[test]
fn each_algorithm_signs_what_a_client_wants() {
    on_each_database(|on| async move {
        for algorithm in ["ES256", "RS256", "PS256", "EdDSA"] {
            let wanted = format!(
                "consent = false\nid_token_alg = \"{algorithm}\"\nuserinfo_alg = \"{algorithm}\"\n\
                 access_token_alg = \"{algorithm}\""
            );
            let realm = changed_realm(&[("clients/tax-filing.toml", "consent = false", &wanted)]);
            let app = Setup::of(on, vec![realm]).start().await;
            let mut browser = signed_in(&app).await;
            let done = browser.get(&authorize_url(&FILING, &[])).await;
            let (_, tokens) = app.redeem(&done.answered("code").unwrap()).await;
            let text = |name: &str| tokens[name].as_str().unwrap().to_owned();
            let id = verified(&app, algorithm, &text("id_token")).await;
            let access = verified(&app, algorithm, &text("access_token")).await;
            assert_eq!(id["sub"], access["sub"]);
            let request = axum::http::Request::get("/realms/jiangxi/userinfo")
                .header("authorization", format!("Bearer {}", text("access_token")))
                .body(axum::body::Body::empty())
                .unwrap();
            let response = tower::ServiceExt::oneshot(app.router.clone(), request).await.unwrap();
            assert_eq!(response.headers()["content-type"], "application/jwt");
            let body = axum::body::to_bytes(response.into_body(), 1 << 16).await.unwrap();
            let info = verified(&app, algorithm, std::str::from_utf8(&body).unwrap()).await;
            assert_eq!((&info["aud"], &info["name"]), (&"tax-filing".into(), &"李芳".into()));
        }
    });
}

#[test]
fn a_superseded_key_verifies_until_it_retires() {
    on_each_database(|on| async move {
        let app = Setup::of(on, vec![demo_realm()]).start().await;
        let mut browser = signed_in(&app).await;
        let done = browser.get(&authorize_url(&FILING, &[])).await;
        let (_, tokens) = app.redeem(&done.answered("code").unwrap()).await;
        let old = tokens["access_token"].as_str().unwrap();
        let (services, realm) = (&app.ctx.services, &app.ctx.realm);
        let before = jwks(&app).await;
        rotate(services, realm, Algorithm::ES256, 86_400).await.unwrap();
        assert_eq!(jwks(&app).await.len(), before.len() + 1);
        assert_eq!(app.userinfo(old).await.0.as_u16(), 200);
        let superseded = before.iter().find(|key| key["alg"] == "ES256").unwrap();
        let kid = superseded["kid"].as_str().unwrap();
        let current = jwks(&app).await;
        let newest = current.iter().find(|key| key["alg"] == "ES256" && key["kid"] != kid).unwrap();
        let tx = app.ctx.begin().await.unwrap();
        let keys = tx.rows().keys();
        assert!(!keys.retire(newest["kid"].as_str().unwrap(), app.ctx.now()).await.unwrap());
        assert!(keys.retire(kid, app.ctx.now()).await.unwrap());
        tx.commit().await.unwrap();
        app.clock.advance(1);
        load(services, realm).await.unwrap();
        assert!(jwks(&app).await.iter().all(|key| key["kid"] != kid));
        assert_eq!(app.userinfo(old).await.0.as_u16(), 401);
        let done = browser.get(&authorize_url(&FILING, &[])).await;
        let (_, tokens) = app.redeem(&done.answered("code").unwrap()).await;
        assert_eq!(app.userinfo(tokens["access_token"].as_str().unwrap()).await.0.as_u16(), 200);
    });
}
