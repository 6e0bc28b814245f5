//! Tokens of the national interface, by a driver that is made of software. Each test loads a copy of
//! its own, so each has a token of its own.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;
use skf_mock::{FIRST_PIN, SERIAL};

use crate::kit::keys::verifies;
use crate::kit::{ORIGIN, PAGE, Running, bytes, challenge, config, start};

/// Cargo builds the driver beside the tests, as it stands among what they depend on.
fn driver() -> PathBuf {
    let beside = std::env::current_exe().unwrap();
    beside.with_file_name(format!(
        "{}skf_mock{}",
        std::env::consts::DLL_PREFIX,
        std::env::consts::DLL_SUFFIX
    ))
}

async fn plug_in() -> (tempfile::TempDir, Running) {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("libskf.so");
    std::fs::copy(driver(), &copy).unwrap();
    let agent = start(config(&format!("{PAGE}[skf]\nlibraries = [{copy:?}]\n"))).await;
    (folder, agent)
}

/// Covers C-02, C-06.
#[tokio::test]
async fn a_national_token_signs() {
    let (_folder, agent) = plug_in().await;
    let page = agent.page().await;
    assert_eq!(page.env("driver.skf").await["ok"], true);
    assert_eq!(page.env("certificates").await["national"], 1);
    let found = page.certificates().await;
    assert_eq!(found[0]["backend"], "skf");
    assert_eq!(found[0]["algorithm"], "sm2-sm3");
    assert_eq!(found[0]["token"], json!({ "label": "Mock Key", "serial": SERIAL }));
    assert_eq!(found[0]["pin"], json!({ "tries_left": 6, "locked": false, "default": true }));
    let answer = page.sign(&page.key().await, FIRST_PIN).await.ok();
    assert_eq!(answer["algorithm"], "sm2-sm3");
    let (der, signed) = (bytes(&answer, "certificate"), bytes(&answer, "signed"));
    assert!(signed.starts_with(b"kagent-v1\n"));
    assert!(verifies(&der, "sm2-sm3", &signed, &bytes(&answer, "signature")));
}

/// Covers C-07.
#[tokio::test]
async fn wrong_pins_are_counted_and_lock() {
    let (_folder, agent) = plug_in().await;
    let page = agent.page().await;
    let key = page.key().await;
    for left in [5, 4, 3, 2] {
        let reply = page.sign(&key, "654321").await;
        let told = &reply.body["error"]["tries_left"];
        assert_eq!((reply.code(), told), ("PIN_INCORRECT", &json!(left)));
    }
    assert_eq!(page.sign(&key, FIRST_PIN).await.status, 200);
    assert_eq!(page.certificates().await[0]["pin"]["tries_left"], 6, "a right one counts anew");
    // With the rest between, as nobody but the person may use up the last.
    for left in [5, 4, 3, 2, 1] {
        let reply = page.sign(&key, "").await;
        assert_eq!(reply.code(), "REQUEST_INVALID");
        let reply = page.sign(&key, "1").await;
        assert_eq!(reply.body["error"]["tries_left"], left, "too short is wrong, too");
    }
    agent.pass(300);
    let page = agent.page().await;
    let reply = page.sign(&key, FIRST_PIN).await;
    assert_eq!((reply.code(), &reply.body["error"]["tries_left"]), ("PIN_REQUIRED", &json!(1)));
    let challenge = challenge(ORIGIN);
    let body = |pin| json!({ "key_id": key, "challenge": challenge, "pin": pin, "last_try": true });
    let reply = page.call("/v1/sign", body("654321")).await;
    assert_eq!((reply.status, reply.code()), (403, "PIN_LOCKED"));
    assert_eq!(page.certificates().await[0]["pin"]["locked"], true);
    let reply = page.call("/v1/sign", body(FIRST_PIN)).await;
    assert_eq!(reply.code(), "PIN_LOCKED", "the right one is refused, too");
    assert_eq!(page.change_pin(&key, FIRST_PIN, "another1").await.code(), "PIN_LOCKED");
}

/// Covers AC-45.
#[tokio::test]
async fn the_pin_of_a_national_token_changes() {
    let (_folder, agent) = plug_in().await;
    let page = agent.page().await;
    let key = page.key().await;
    let reply = page.change_pin(&key, "654321", "another1").await;
    let told = &reply.body["error"]["tries_left"];
    assert_eq!((reply.code(), told), ("PIN_INCORRECT", &json!(5)));
    for new in ["short", "longer than sixteen"] {
        assert_eq!(page.change_pin(&key, FIRST_PIN, new).await.code(), "PIN_LENGTH", "{new}");
    }
    assert_eq!(page.change_pin(&key, FIRST_PIN, FIRST_PIN).await.code(), "PIN_UNCHANGED");
    let changed = page.change_pin(&key, FIRST_PIN, "another1").await.ok();
    assert_eq!(changed, json!({ "changed": true, "tries_left": 6 }));
    assert_eq!(page.certificates().await[0]["pin"]["default"], false);
    assert_eq!(page.sign(&key, FIRST_PIN).await.code(), "PIN_INCORRECT");
    assert_eq!(page.sign(&key, "another1").await.status, 200);
}

/// Nobody stays logged in: the next signature asks again.
#[tokio::test]
async fn each_signature_has_its_pin() {
    let (_folder, agent) = plug_in().await;
    let page = agent.page().await;
    let key = page.key().await;
    assert_eq!(page.sign(&key, FIRST_PIN).await.status, 200);
    let body = json!({ "key_id": key, "challenge": challenge(ORIGIN) });
    assert_eq!(page.call("/v1/sign", body).await.code(), "PIN_REQUIRED");
    assert_eq!(page.sign(&key, "654321").await.code(), "PIN_INCORRECT");
}

/// A file that is no driver of this kind, and one that is put there while we run.
#[tokio::test]
async fn a_driver_may_come_later() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("libskf.so");
    let agent = start(config(&format!("{PAGE}[skf]\nlibraries = [{file:?}]\n"))).await;
    let page = agent.page().await;
    let listed = page.call("/v1/certificates", json!({})).await;
    assert_eq!((listed.status, listed.code()), (404, "NO_DRIVER"));
    assert_eq!(page.env("driver.skf").await["ok"], false);
    std::fs::write(&file, "not a library").unwrap();
    assert_eq!(page.call("/v1/certificates", json!({})).await.code(), "NO_DRIVER");
    std::fs::remove_file(&file).unwrap();
    std::fs::copy(driver(), &file).unwrap();
    tokio::time::sleep(Duration::from_millis(10)).await;
    assert_eq!(page.certificates().await.len(), 1);
}
