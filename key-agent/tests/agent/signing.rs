//! Signatures by keys in files, of all three kinds, as a server verifies them.

use openssl::x509::extension::KeyUsage;
use serde_json::json;

use crate::kit::keys::{Kind, make, make_for, verifies};
use crate::kit::{
    NOW, ORIGIN, OTHER_ORIGIN, PAGE, bytes, challenge, challenge_json, config, encode, start,
};

const PIN: &str = "a good pin 1";

/// Covers C-02, C-06.
#[tokio::test]
async fn each_kind_of_key_signs_what_the_server_recomputes() {
    for kind in Kind::ALL {
        for in_pem in [false, true] {
            let folder = tempfile::tempdir().unwrap();
            let key = make(kind, "江西测试有限公司");
            let soft = key.save(folder.path(), "company", PIN, in_pem);
            let agent = start(config(&format!("{PAGE}{soft}"))).await;
            let page = agent.page().await;
            let found = page.certificates().await;
            assert_eq!(found[0]["backend"], "soft");
            assert_eq!(found[0]["algorithm"], kind.algorithm());
            assert_eq!(found[0]["label"], "江西测试有限公司");
            assert_eq!(found[0]["token"]["label"], "company");
            assert!(!found[0].to_string().contains(folder.path().to_str().unwrap()));
            assert_eq!(bytes(&found[0], "der"), key.certificate.to_der().unwrap());
            let answer = page.sign(&page.key().await, PIN).await.ok();
            assert_eq!(answer["algorithm"], kind.algorithm());
            assert_eq!(bytes(&answer, "certificate"), key.certificate.to_der().unwrap());
            let chain = answer["chain"].as_array().unwrap();
            assert_eq!(chain.len(), 1);
            let algorithm = match kind {
                Kind::Sm2 => key_agent::protocol::Algorithm::Sm2Sm3,
                _ => key_agent::protocol::Algorithm::RsaSha256,
            };
            let digest = algorithm.digest_hex(challenge_json(ORIGIN).to_string().as_bytes());
            let message = format!("kagent-v1\n{digest}\n{ORIGIN}\nlogin\n");
            assert_eq!(bytes(&answer, "signed"), message.as_bytes());
            let (der, signature) = (bytes(&answer, "certificate"), bytes(&answer, "signature"));
            let verified =
                |message: &str| verifies(&der, kind.algorithm(), message.as_bytes(), &signature);
            assert!(verified(&message), "{kind:?}");
            assert!(!verified(&message.replace("login", "check")), "{kind:?}");
        }
    }
}

/// Covers C-02.
#[tokio::test]
async fn a_page_cannot_have_anything_else_signed() {
    let folder = tempfile::tempdir().unwrap();
    let soft = make(Kind::P256, "A").save(folder.path(), "a", PIN, false);
    let agent = start(config(&format!("{PAGE}{soft}"))).await;
    let page = agent.page().await;
    let key = page.key().await;
    let refused = async |challenge: String, why: &str| {
        let body = json!({ "key_id": key, "challenge": challenge, "pin": PIN });
        let reply = page.call("/v1/sign", body).await;
        assert_eq!((reply.status, reply.code()), (400, "CHALLENGE_INVALID"), "{why}");
        assert!(!reply.body.to_string().contains(PIN));
    };
    refused(challenge(OTHER_ORIGIN), "made for another page").await;
    refused("aGVsbG8gd29ybGQ".to_owned(), "a document").await;
    refused(String::new(), "nothing").await;
    for (field, value) in [
        ("typ", json!("etax-document")),
        ("purpose", json!("contract")),
        ("exp", json!(NOW - 301)),
        ("iat", json!(NOW + 301)),
        ("v", json!(2)),
    ] {
        let mut challenge = challenge_json(ORIGIN);
        challenge[field] = value;
        refused(encode(&challenge), field).await;
    }
    agent.pass(421);
    refused(challenge(ORIGIN), "expired").await;
    agent.pass(-421);
    // Nor bytes of the page's own beside the challenge.
    for more in ["data", "signed", "digest", "origin"] {
        let mut body = json!({ "key_id": key, "challenge": challenge(ORIGIN), "pin": PIN });
        body[more] = json!("x");
        let reply = page.call("/v1/sign", body).await;
        assert_eq!((reply.status, reply.code()), (400, "REQUEST_INVALID"), "{more}");
    }
    assert_eq!(page.sign("another key", PIN).await.code(), "KEY_NOT_FOUND");
    // The trial of the check page is signed as such.
    let mut check = challenge_json(ORIGIN);
    check["purpose"] = json!("check");
    let body = json!({ "key_id": key, "challenge": encode(&check), "pin": PIN });
    let answer = page.call("/v1/sign", body).await.ok();
    assert!(bytes(&answer, "signed").ends_with(b"\ncheck\n"));
}

/// Covers C-02, C-07.
#[tokio::test]
async fn a_pin_is_asked_for_and_must_be_right() {
    let folder = tempfile::tempdir().unwrap();
    for in_pem in [false, true] {
        let soft = make(Kind::P256, "A").save(folder.path(), "a", PIN, in_pem);
        let agent = start(config(&format!("{PAGE}{soft}"))).await;
        let page = agent.page().await;
        let key = page.key().await;
        let body = json!({ "key_id": key, "challenge": challenge(ORIGIN) });
        assert_eq!(page.call("/v1/sign", body).await.code(), "PIN_REQUIRED");
        for wrong in ["a good pin 2", "A good pin 1", "a good pin 1 "] {
            let reply = page.sign(&key, wrong).await;
            assert_eq!((reply.status, reply.code()), (403, "PIN_INCORRECT"));
            assert!(!reply.body.to_string().contains(wrong));
        }
        for none in ["", "with\nline", "with\0nought", &"x".repeat(65)] {
            let reply = page.sign(&key, none).await;
            assert_eq!((reply.status, reply.code()), (400, "REQUEST_INVALID"), "{none:?}");
        }
        assert_eq!(page.sign(&key, PIN).await.status, 200);
    }
}

/// Covers AC-45.
#[tokio::test]
async fn the_pin_changes_and_the_old_one_ends() {
    for (kind, in_pem) in [(Kind::Rsa, false), (Kind::Sm2, false), (Kind::P256, true)] {
        let folder = tempfile::tempdir().unwrap();
        let soft = make(kind, "A").save(folder.path(), "a", PIN, in_pem);
        let agent = start(config(&format!("{PAGE}{soft}"))).await;
        let page = agent.page().await;
        let key = page.key().await;
        let new = "another pin 2";
        assert_eq!(page.change_pin(&key, "wrong", new).await.code(), "PIN_INCORRECT");
        assert_eq!(page.change_pin(&key, PIN, "short").await.code(), "PIN_LENGTH");
        assert_eq!(page.change_pin(&key, PIN, PIN).await.code(), "PIN_UNCHANGED");
        let without = json!({ "token_of": key, "old": PIN });
        assert_eq!(page.call("/v1/pin/change", without).await.code(), "PIN_REQUIRED");
        assert_eq!(page.sign(&key, PIN).await.status, 200, "nothing has changed");
        let changed = page.change_pin(&key, PIN, new).await.ok();
        assert_eq!(changed, json!({ "changed": true, "tries_left": null }));
        assert_eq!(page.sign(&key, PIN).await.code(), "PIN_INCORRECT");
        assert_eq!(page.sign(&key, new).await.status, 200);
        assert_eq!(page.key().await, key, "the key is the same");
    }
}

/// Tokens hold a second certificate for encryption, and those of authorities.
#[tokio::test]
async fn only_certificates_for_signatures_are_shown() {
    let folder = tempfile::tempdir().unwrap();
    let usage = || KeyUsage::new();
    let enciphers = usage().key_encipherment().data_encipherment().build().unwrap();
    let signs_too = usage().digital_signature().key_encipherment().build().unwrap();
    let mut soft = make_for(Kind::Rsa, "E", enciphers).save(folder.path(), "e", PIN, false);
    soft += &make_for(Kind::Rsa, "S", signs_too).save(folder.path(), "s", PIN, false);
    let agent = start(config(&format!("{PAGE}{soft}"))).await;
    let page = agent.page().await;
    let found = page.certificates().await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["label"], "S");
    let reply = page.call("/v1/certificates", json!({})).await.ok();
    assert_eq!(reply["certificates"].as_array().unwrap().len(), 1);
    let reply = page.call("/v1/certificates", json!({ "filter": { "usage": "encrypt" } })).await;
    assert_eq!(reply.code(), "REQUEST_INVALID");
}

/// Covers C-05.
#[tokio::test]
async fn the_check_page_hears_item_by_item() {
    let agent = start(config("")).await;
    let page = agent.page().await;
    for id in ["driver.pkcs11", "driver.skf"] {
        let item = page.env(id).await;
        assert_eq!((&item["ok"], &item["detail"]), (&json!(false), &json!("not configured")));
    }
    assert_eq!(page.env("token").await["ok"], false);
    assert_eq!(page.env("certificates").await["national"], 0);
    assert_eq!(page.env("clock").await["agent_time"], "2026-01-02T03:04:05Z");
    assert!(page.env("pin_window").await["ok"].is_boolean());
    assert_eq!(page.call("/v1/certificates", json!({})).await.code(), "NO_DRIVER");

    let folder = tempfile::tempdir().unwrap();
    let mut soft = make(Kind::Rsa, "R").save(folder.path(), "r", PIN, false);
    soft += &make(Kind::Sm2, "N").save(folder.path(), "n", PIN, false);
    let missing = "[pkcs11]\nlibraries = [\"/nowhere/lib.so\"]\n[skf]\nlibraries = [\"/no.so\"]\n";
    let agent = start(config(&format!("{PAGE}{missing}{soft}"))).await;
    let page = agent.page().await;
    for id in ["driver.pkcs11", "driver.skf"] {
        let item = page.env(id).await;
        assert_eq!(item["ok"], false);
        assert!(item["detail"].as_str().unwrap().contains("cannot be loaded"), "{item}");
    }
    assert_eq!(page.env("driver.soft").await["ok"], true);
    assert_eq!(page.env("token").await["ok"], true);
    let counted = page.env("certificates").await;
    assert_eq!((&counted["national"], &counted["other"]), (&json!(1), &json!(1)));
    // Drivers that are missing hide no others.
    assert_eq!(page.certificates().await.len(), 2);
}
