//! Whatever comes: no panic, no fault but of a token, nothing signed.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};
use serde_json::json;

use crate::kit::http::{self, raw};
use crate::kit::keys::{Kind, make};
use crate::kit::{ORIGIN, PAGE, challenge, config, start};

const PATHS: [&str; 7] = [
    "/v1/session",
    "/v1/env",
    "/v1/certificates",
    "/v1/sign",
    "/v1/pin/change",
    "/v1/close2",
    "/v1/hello",
];

/// Bytes, JSON, and calls that were good before something was changed in them.
fn bodies(good: Vec<String>) -> impl Strategy<Value = Vec<u8>> {
    let changed = (proptest::sample::select(good), any::<prop::sample::Index>(), any::<u8>())
        .prop_map(|(good, place, byte)| {
            let mut bytes = good.into_bytes();
            let place = place.index(bytes.len());
            match byte % 3 {
                0 => bytes[place] = byte,
                1 => bytes.truncate(place),
                _ => bytes.insert(place, byte),
            }
            bytes
        });
    let json = "[\\[{]?[\\]}\"a-z0-9:,\\\\{}\\[\\] -]{0,80}".prop_map(String::into_bytes);
    prop_oneof![proptest::collection::vec(any::<u8>(), 0..200), json, changed]
}

/// Covers C-02.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_bodies_do_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let soft = make(Kind::P256, "A").save(folder.path(), "a", "a good pin", true);
    let agent = start(config(&format!("{PAGE}{soft}"))).await;
    let page = agent.page().await;
    let key = page.key().await;
    let good = vec![
        // The PIN is wrong, or five good guesses by chance would be a signature.
        json!({ "key_id": key, "challenge": challenge(ORIGIN) }).to_string(),
        json!({ "token_of": key, "old": "", "new": "" }).to_string(),
        json!({ "filter": { "usage": "sign" } }).to_string(),
        json!({ "page_nonce": "x" }).to_string(),
        "{}".to_owned(),
    ];
    let mut runner = TestRunner::new(Config::default());
    let strategy = bodies(good);
    for number in 0..10_000 {
        let body = strategy.new_tree(&mut runner).unwrap().current();
        let path = PATHS[number % PATHS.len()];
        let head = http::head(agent.port, path, ORIGIN, &page.session, body.len());
        let reply = raw(agent.port, &[head.as_bytes(), &body].concat()).await.unwrap();
        let shown = String::from_utf8_lossy(&body);
        assert!(reply.status < 500 || reply.code() == "BACKEND", "{path} {shown}: {reply:?}");
        assert!(reply.body["signature"].is_null() && reply.body["changed"].is_null(), "{shown}");
        if reply.status != 200 {
            assert_ne!(reply.code(), "none", "{path} {shown}: {reply:?}");
        }
    }
    assert_eq!(page.sign(&key, "a good pin").await.status, 200, "it still works");
}

/// Whole requests that are none.
#[tokio::test]
async fn heads_that_are_none_are_hung_up_on() {
    let agent = start(config(PAGE)).await;
    let mut runner = TestRunner::new(Config::default());
    let good = http::head(agent.port, "/v1/session", ORIGIN, "", 2) + "{}";
    let strategy = bodies(vec![good.clone()]);
    for _ in 0..1_000 {
        let mut request = strategy.new_tree(&mut runner).unwrap().current();
        // So that nobody waits for the rest.
        request.extend(b"\r\n\r\n");
        if let Some(reply) = raw(agent.port, &request).await {
            assert!(reply.status < 500, "{reply:?}");
        }
    }
    let long = good.replace("Content-Type", &format!("X: {}\r\nContent-Type", "x".repeat(100_000)));
    let reply = raw(agent.port, long.as_bytes()).await;
    assert!(reply.is_none_or(|reply| reply.status == 431));
    assert!(!agent.page().await.session.is_empty());
}
