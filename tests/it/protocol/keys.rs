//! Signing: every algorithm a client may ask for, and keys that retire.

use hufu::domain::signing_key::KeyTimes;
use hufu::flows::keys::{Rotation, load, retire, rotate};
use hufu::jose::Algorithm;
use hufu::jose::jwt::{sign, verify};
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

/// A rotation to ES256 that takes over after `announcement` seconds; the old key goes a day later.
async fn rotated(app: &TestApp, announcement: i64) -> KeyTimes {
    let rotation = Rotation { algorithm: Algorithm::ES256, announcement, overlap: 86_400 };
    let services = &app.ctx.services;
    rotate(&services.store, &app.ctx.realm.id, rotation, app.ctx.now()).await.unwrap()
}

async fn reads_again(app: &TestApp) {
    load(&app.ctx.services, &app.ctx.realm).await.unwrap();
}

/// The key that signs with ES256 on this node.
fn signing(app: &TestApp) -> String {
    let published = app.ctx.services.keys.of(&app.ctx.realm).unwrap();
    published.keys.current(Algorithm::ES256).unwrap().kid.clone()
}

#[test]
fn a_superseded_key_verifies_until_it_retires() {
    on_each_database(|on| async move {
        let app = Setup::of(on, vec![demo_realm()]).start().await;
        let mut browser = signed_in(&app).await;
        let done = browser.get(&authorize_url(&FILING, &[])).await;
        let (_, tokens) = app.redeem(&done.answered("code").unwrap()).await;
        let old = tokens["access_token"].as_str().unwrap();
        let (store, realm) = (&app.ctx.services.store, &app.ctx.realm.id);
        let before = jwks(&app).await;
        let kid = signing(&app);
        app.clock.advance(1);
        let newest = rotated(&app, 0).await.kid;
        reads_again(&app).await;
        assert_eq!(jwks(&app).await.len(), before.len() + 1);
        assert_eq!(app.userinfo(old).await.0.as_u16(), 200);
        for refused in [newest.as_str(), "nobody's"] {
            assert!(retire(store, realm, refused, app.ctx.now()).await.is_err());
        }
        retire(store, realm, &kid, app.ctx.now()).await.unwrap();
        app.clock.advance(1);
        reads_again(&app).await;
        assert!(jwks(&app).await.iter().all(|key| key["kid"] != kid));
        assert_eq!(app.userinfo(old).await.0.as_u16(), 401);
        let done = browser.get(&authorize_url(&FILING, &[])).await;
        let (_, tokens) = app.redeem(&done.answered("code").unwrap()).await;
        assert_eq!(app.userinfo(tokens["access_token"].as_str().unwrap()).await.0.as_u16(), 200);
    });
}

/// Issue 13, 4: two nodes that read the keys at different moments, an application that keeps them
/// for as long as it likes, within the announcement: no sample fails, before, at, or after the turn.
#[test]
fn a_new_key_signs_only_when_everybody_can_know_it() {
    on_each_database(|on| async move {
        let app = Setup::of(on, vec![demo_realm()]).start().await;
        let nodes = [&app, &app.second_node().await];
        let old = signing(&app);
        let new = rotated(&app, 300).await.kid;
        // One announcement at a time.
        let again = Rotation { algorithm: Algorithm::ES256, announcement: 300, overlap: 0 };
        let store = &app.ctx.services.store;
        assert!(rotate(store, &app.ctx.realm.id, again, app.ctx.now()).await.is_err());
        assert!(retire(store, &app.ctx.realm.id, &new, app.ctx.now()).await.is_err());
        let (mut kept, mut signed) = (jwks(&app).await, Vec::new());
        for second in (0..400).step_by(10) {
            for (node, offset) in [(nodes[0], 0), (nodes[1], 20)] {
                if second % 30 == offset {
                    reads_again(node).await;
                }
            }
            // Kept for 200 seconds, and fetched from a node that may be the last to know.
            if second % 200 == 10 {
                kept = jwks(nodes[1]).await;
            }
            for (signs, verifies) in [(nodes[0], nodes[1]), (nodes[1], nodes[0])] {
                let published = signs.ctx.services.keys.of(&signs.ctx.realm).unwrap();
                let key = published.keys.current(Algorithm::ES256).unwrap();
                let token = sign(key, "JWT", &serde_json::json!({"at": second})).unwrap();
                let others = verifies.ctx.services.keys.of(&verifies.ctx.realm).unwrap();
                assert!(verify::<Value>(&others.keys, "JWT", &token).is_ok(), "at {second}");
                assert!(kept.iter().any(|known| known["kid"] == key.kid), "at {second}");
                signed.push(key.kid.clone());
            }
            app.clock.advance(10);
        }
        assert_eq!((signed.first(), signed.last()), (Some(&old), Some(&new)));
        app.clock.advance(86_400);
        reads_again(&app).await;
        assert!(jwks(&app).await.iter().all(|key| key["kid"] != old), "it has not retired");
    });
}

/// Issue 13, 4: a key that had to sign at once is read by the other node with the first token that
/// names it; made-up names make it read once a second at most.
#[test]
fn a_node_that_meets_an_unknown_key_of_its_realm_reads_the_keys() {
    on_each_database(|on| async move {
        let app = Setup::of(on, vec![demo_realm()]).start().await;
        let other = app.second_node().await;
        let mut browser = signed_in(&app).await;
        app.clock.advance(1);
        rotated(&app, 0).await;
        reads_again(&app).await;
        assert_ne!(signing(&app), signing(&other));
        let done = browser.get(&authorize_url(&FILING, &[])).await;
        let (_, tokens) = app.redeem(&done.answered("code").unwrap()).await;
        let token = tokens["access_token"].as_str().unwrap();
        assert_eq!(other.userinfo(token).await.0.as_u16(), 200);
        assert_eq!(signing(&app), signing(&other));

        app.clock.advance(1);
        let stranger = format!(
            "{}.x.y",
            base64::Engine::encode(
                &base64::prelude::BASE64_URL_SAFE_NO_PAD,
                r#"{"alg":"ES256","typ":"at+jwt","kid":"made up"}"#,
            )
        );
        assert_eq!(other.userinfo(&stranger).await.0.as_u16(), 401);
        rotated(&app, 300).await;
        assert_eq!(other.userinfo(&stranger).await.0.as_u16(), 401);
        let held = jwks(&other).await.len();
        app.clock.advance(1);
        assert_eq!(other.userinfo(&stranger).await.0.as_u16(), 401);
        assert_eq!(jwks(&other).await.len(), held + 1);
    });
}

/// Issue 13, 4: nodes that start together on an empty database make one key of each algorithm.
#[test]
fn nodes_that_start_together_make_one_key_between_them() {
    on_each_database(|on| async move {
        let app = Setup::of(on, vec![demo_realm()]).start().await;
        app.sql("DELETE FROM signing_key").await;
        let (one, other) =
            (app.second_node_without_keys().await, app.second_node_without_keys().await);
        let start = |node: &TestApp| {
            let (services, realm) = (node.ctx.services.clone(), node.ctx.realm.clone());
            tokio::spawn(async move { load(&services, &realm).await.unwrap() })
        };
        let (first, second) = (start(&one), start(&other));
        first.await.unwrap();
        second.await.unwrap();
        assert_eq!(jwks(&one).await, jwks(&other).await);
        assert_eq!(jwks(&one).await.len(), 4);
    });
}
