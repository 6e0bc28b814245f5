//! Signing: every algorithm a client may ask for, and keys that retire.

use hufu::domain::signing_key::KeyTimes;
use hufu::flows::keys::{Rotation, load, retire, rotate};
use hufu::flows::versions;
use hufu::jose::Algorithm;
use hufu::jose::jwt::{sign, verify};
use josekit::jwk::Jwk;
use josekit::jws::alg::eddsa::EddsaJwsAlgorithm;
use josekit::jws::{self, ES256, JwsVerifier, PS256, RS256};
use serde_json::Value;

use super::authorize::signed_in;
use crate::kit::{
    FILING, INVOICE, Setup, TestApp, VERIFIER, authorize_url, changed_realm, demo_realm,
    on_each_database, realm_named,
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

/// Issue 13, 4: while the database takes its time nobody but one request waits for it, however many
/// names of keys strangers make up, and no other realm's requests do.
#[test]
fn a_flood_of_unknown_keys_waits_for_nobody() {
    on_each_database(|on| async move {
        let app = Setup::of(on, vec![demo_realm()]).start().await;
        let stranger = |n: usize| {
            let header = format!(r#"{{"alg":"ES256","typ":"at+jwt","kid":"made up {n}"}}"#);
            let header = base64::Engine::encode(&base64::prelude::BASE64_URL_SAFE_NO_PAD, header);
            format!("{header}.x.y")
        };
        let services = &app.ctx.services;
        // One that hangs in the database, for as long as this is held.
        let turn = services.keys.turn(&app.ctx.realm);
        let hanging = turn.lock().await;
        let begun = std::time::Instant::now();
        let tokens: Vec<String> = (0..200).map(stranger).collect();
        let asked = tokens.iter().map(|token| app.userinfo(token));
        let answers = futures_util::future::join_all(asked).await;
        assert!(answers.iter().all(|(status, _)| status.as_u16() == 401));
        assert!(begun.elapsed() < std::time::Duration::from_secs(3), "{:?}", begun.elapsed());
        let own = services.keys.turn(&realm_named("hunan", &[("realm.toml", "jiangxi", "hunan")]));
        assert!(own.try_lock().is_ok(), "another realm waits");
        drop(hanging);
        // A key that is ours is read with the next that names it.
        let other = app.second_node().await;
        app.clock.advance(1);
        rotated(&app, 0).await;
        reads_again(&app).await;
        let mut browser = signed_in(&app).await;
        let done = browser.get(&authorize_url(&FILING, &[])).await;
        let (_, tokens) = app.redeem(&done.answered("code").unwrap()).await;
        assert_eq!(other.userinfo(tokens["access_token"].as_str().unwrap()).await.0.as_u16(), 200);
    });
}

/// Issue 13, 4: an algorithm that is added to a realm in use is announced like any other key. Until it
/// signs, what nobody has chosen it for is signed as before, and who has chosen it is told so before
/// anybody signs in, and in the words of the protocol.
#[test]
fn an_algorithm_that_is_added_is_announced_first() {
    on_each_database(|on| async move {
        let before = changed_realm(&[(
            "realm.toml",
            "algorithms = [\"ES256\", \"RS256\", \"PS256\", \"EdDSA\"]",
            "algorithms = [\"ES256\", \"RS256\"]",
        )]);
        let app = Setup::of(on, vec![before]).start().await;
        assert_eq!(jwks(&app).await.len(), 2);
        let invoice = "id_token_signed_response_alg = \"RS256\"";
        let after = std::sync::Arc::new(changed_realm(&[
            (
                "realm.toml",
                "[\"ES256\", \"RS256\", \"PS256\", \"EdDSA\"]",
                "[\"EdDSA\", \"ES256\", \"RS256\"]",
            ),
            ("clients/invoice.toml", invoice, "id_token_signed_response_alg = \"EdDSA\""),
        ]));
        // A code that is redeemed only then, and a refresh token that waits.
        let mut browser = signed_in(&app).await;
        let done = browser.get(&authorize_url(&INVOICE, &[])).await;
        let done = browser.submit(&done, &[("act", "allow")]).await;
        let basic = Some((INVOICE.id, INVOICE.secret));
        let redeem = async |app: &TestApp, code: &str| {
            let form = [
                ("grant_type", "authorization_code"),
                ("code", code),
                ("redirect_uri", INVOICE.redirect_uri),
                ("code_verifier", VERIFIER),
            ];
            app.post("/token", basic, &form).await
        };
        let (_, tokens) = redeem(&app, &done.answered("code").unwrap()).await;
        let waits = tokens["refresh_token"].as_str().unwrap().to_owned();
        let late = browser.get(&authorize_url(&INVOICE, &[])).await;
        let services = &app.ctx.services;
        load(services, &after).await.unwrap();
        app.app.replace(std::sync::Arc::clone(&after));
        assert_eq!(jwks(&app).await.len(), 3, "it is published");
        services.check_ready(&[std::sync::Arc::clone(&after)]).await.unwrap();

        let done = browser.get(&authorize_url(&FILING, &[])).await;
        let (status, tokens) = app.redeem(&done.answered("code").unwrap()).await;
        assert_eq!(status.as_u16(), 200, "{tokens}");
        verified(&app, "ES256", tokens["access_token"].as_str().unwrap()).await;
        verified(&app, "RS256", tokens["id_token"].as_str().unwrap()).await;

        let refused = browser.get(&authorize_url(&INVOICE, &[])).await;
        assert_eq!(refused.answered("error").as_deref(), Some("temporarily_unavailable"));
        let refresh = [("grant_type", "refresh_token"), ("refresh_token", waits.as_str())];
        for _ in 0..2 {
            let redeemed = redeem(&app, &late.answered("code").unwrap()).await;
            let refreshed = app.post("/token", basic, &refresh).await;
            for (status, answer) in [redeemed, refreshed] {
                let told = (status.as_u16(), &answer["error"]);
                assert_eq!(told, (503, &"temporarily_unavailable".into()));
            }
        }

        // The same as when a key is rotated: others come later, nobody has a second one, and with its
        // time it signs.
        let node = app.second_node_without_keys().await;
        load(&node.ctx.services, &after).await.unwrap();
        assert_eq!(jwks(&node).await.len(), 3);
        app.clock.advance(after.key_announcement);
        load(services, &after).await.unwrap();
        let done = browser.get(&authorize_url(&FILING, &[])).await;
        let (_, tokens) = app.redeem(&done.answered("code").unwrap()).await;
        verified(&app, "EdDSA", tokens["access_token"].as_str().unwrap()).await;
        let granted = browser.get(&authorize_url(&INVOICE, &[("prompt", "none")])).await;
        assert!(granted.answered("code").is_some(), "{:?}", granted.left_to);
        // Nothing was used up by asking too early.
        let (status, tokens) = app.post("/token", basic, &refresh).await;
        assert_eq!(status.as_u16(), 200, "{tokens}");
        verified(&app, "EdDSA", tokens["id_token"].as_str().unwrap()).await;
    });
}

/// Issue 13, 4: between "at once" and "when everybody can know it" there is nothing.
#[test]
fn an_announcement_covers_every_cache_or_is_none() {
    on_each_database(|on| async move {
        let app = Setup::of(on, vec![demo_realm()]).start().await;
        let store = &app.ctx.services.store;
        for announcement in [-1, 1, 59, 60, 90, 119] {
            let rotation = Rotation { algorithm: Algorithm::RS256, announcement, overlap: 86_400 };
            let done = rotate(store, &app.ctx.realm.id, rotation, app.ctx.now()).await;
            assert!(done.is_err(), "{announcement}");
        }
        let held = app.ctx.rows().keys().times().await.unwrap().len();
        assert_eq!(held, 4);
        let rotation = Rotation { algorithm: Algorithm::RS256, announcement: 120, overlap: 86_400 };
        rotate(store, &app.ctx.realm.id, rotation, app.ctx.now()).await.unwrap();
    });
}

/// A key verifies for as long as what it has signed for any API is good.
#[test]
fn the_longest_token_is_that_of_any_api() {
    on_each_database(|on| async move {
        let api = ("resources/filing.toml", "introspected_by = [\"registry\"]");
        let of_its_own = "introspected_by = [\"registry\"]\naccess_token_lifetime = ";
        for (lifetime, longest) in [(None, 300), (Some("60"), 300), (Some("86400"), 86_400)] {
            let more = lifetime.map(|seconds| format!("{of_its_own}{seconds}"));
            let changes = more.as_ref().map(|more| (api.0, api.1, more.as_str()));
            let realm = changed_realm(changes.as_slice());
            let app = Setup::of(on, vec![realm]).start().await;
            let services = &app.ctx.services;
            versions::record(services, &app.ctx.realm).await.unwrap();
            let found = versions::longest_token(&services.store, "jiangxi").await.unwrap();
            assert_eq!(found, longest, "{lifetime:?}");
        }
    });
}
