//! Tokens with a PKCS#11 library, by `SoftHSM2`. The library reads where its tokens are from the
//! environment, so the walk is a process of its own, which the first test starts.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::object::{Attribute, CertificateType, ObjectClass};
use cryptoki::session::UserType;
use cryptoki::types::AuthPin;
use openssl::x509::X509;
use serde_json::json;

use crate::kit::keys::{Key, Kind, make, verifies};
use crate::kit::{PAGE, Page, bytes, config, start};

const PIN: &str = "1234";
const NEW: &str = "abcd5678";

fn library() -> Option<PathBuf> {
    let places = ["/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/softhsm/libsofthsm2.so"];
    places.into_iter().map(PathBuf::from).find(|file| file.is_file())
}

/// Covers C-02, C-06, AC-45.
#[test]
fn tokens_with_pkcs11_sign() {
    if library().is_none() {
        // `scripts/test` installs it.
        eprintln!("skipped: SoftHSM2 is not installed (apt-get install softhsm2)");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let tokens = folder.path().join("tokens");
    std::fs::create_dir(&tokens).unwrap();
    let settings = folder.path().join("softhsm2.conf");
    let text = format!("directories.tokendir = {}\nlog.level = ERROR\n", tokens.display());
    std::fs::write(&settings, text).unwrap();
    let walk = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "pkcs11::walk", "--ignored", "--nocapture"])
        .env("SOFTHSM2_CONF", &settings)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&[&*walk.stdout, &*walk.stderr].concat()).into_owned();
    assert!(walk.status.success() && said.contains("1 passed"), "{said}");
}

fn softhsm(arguments: &[&str]) {
    let done = Command::new("softhsm2-util").args(arguments).output().unwrap();
    assert!(done.status.success(), "{arguments:?} {done:?}");
}

/// A token with these keys, as their maker delivers it.
fn deliver(library: &Path, keys: &[&Key]) {
    softhsm(&["--init-token", "--free", "--label", "Tax", "--so-pin", "87654321", "--pin", PIN]);
    let folder = tempfile::tempdir().unwrap();
    for (number, key) in keys.iter().enumerate() {
        let file = folder.path().join("key.pem");
        std::fs::write(&file, key.private.private_key_to_pem_pkcs8().unwrap()).unwrap();
        let (file, id) = (file.to_str().unwrap(), format!("0{}", number + 1));
        let which = ["--id", &id, "--label", "key", "--token", "Tax", "--pin", PIN];
        softhsm(&[&["--import", file][..], &which].concat());
    }
    let driver = Pkcs11::new(library).unwrap();
    driver.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)).unwrap();
    let slot = driver.get_slots_with_initialized_token().unwrap()[0];
    let session = driver.open_rw_session(slot).unwrap();
    session.login(UserType::User, Some(&AuthPin::new(PIN.into()))).unwrap();
    let write = |certificate: &X509, id: Vec<u8>| {
        session
            .create_object(&[
                Attribute::Class(ObjectClass::CERTIFICATE),
                Attribute::CertificateType(CertificateType::X_509),
                Attribute::Token(true),
                Attribute::Private(false),
                Attribute::Id(id),
                Attribute::Subject(certificate.subject_name().to_der().unwrap()),
                Attribute::Value(certificate.to_der().unwrap()),
            ])
            .unwrap();
    };
    for (number, key) in keys.iter().enumerate() {
        write(&key.certificate, vec![u8::try_from(number).unwrap() + 1]);
    }
    // An authority's certificate lies beside them, with an id or without.
    write(&keys[0].issuer, vec![9]);
    session.logout().unwrap();
    drop(session);
    driver.finalize().unwrap();
}

#[tokio::test]
#[ignore = "started by tokens_with_pkcs11_sign, with a folder of tokens"]
async fn walk() {
    let library = library().unwrap();
    let empty = start(config(&format!("{PAGE}[pkcs11]\nlibraries = [{library:?}]\n"))).await;
    let page = empty.page().await;
    assert!(page.env("driver.pkcs11").await["detail"].as_str().unwrap().contains("PKCS11"));
    let listed = page.call("/v1/certificates", json!({})).await;
    assert_eq!((listed.status, listed.code()), (404, "NO_TOKEN"));
    drop(empty);

    let (rsa, ecdsa) = (make(Kind::Rsa, "R"), make(Kind::P256, "E"));
    let driver = Pkcs11::new(&library).unwrap();
    // Ours is still there from the first agent; the makers' tools need it gone.
    driver.finalize().unwrap();
    deliver(&library, &[&rsa, &ecdsa]);

    let agent = start(config(&format!("{PAGE}[pkcs11]\nlibraries = [{library:?}]\n"))).await;
    let page = agent.page().await;
    let found = page.certificates().await;
    assert_eq!(found.len(), 2, "{found:?}");
    let mut keys = Vec::new();
    for (key, algorithm) in [(&rsa, "rsa-sha256"), (&ecdsa, "ecdsa-sha256")] {
        let shown = found.iter().find(|shown| shown["algorithm"] == algorithm).unwrap();
        assert_eq!(shown["backend"], "pkcs11");
        assert_eq!(shown["token"]["label"], "Tax");
        assert_eq!(shown["pin"], json!({ "tries_left": null, "locked": false }));
        assert_eq!(bytes(shown, "der"), key.certificate.to_der().unwrap());
        keys.push(shown["key_id"].as_str().unwrap().to_owned());
    }
    assert_eq!(page.env("certificates").await["other"], 2);
    signs(&page, &keys, PIN).await;
    let answer = page.sign(&keys[0], PIN).await.ok();
    assert_eq!(answer["chain"].as_array().unwrap().len(), 1);
    assert_eq!(page.sign(&keys[0], "4321").await.code(), "PIN_INCORRECT");
    assert_eq!(page.sign(&keys[0], "1").await.code(), "PIN_INCORRECT");
    // Right after a wrong one, and nobody is left logged in between.
    signs(&page, &keys, PIN).await;
    changes(&page, &keys).await;
    // The token does not count; the agent does.
    let page = agent.page().await;
    for _ in 0..5 {
        assert_eq!(page.sign(&keys[1], "4321").await.code(), "PIN_INCORRECT");
    }
    let page = agent.page().await;
    assert_eq!(page.sign(&keys[0], NEW).await.code(), "PIN_LOCKED", "keys share their token");
    agent.pass(300);
    assert_eq!(page.sign(&keys[0], NEW).await.status, 200);
}

async fn signs(page: &Page<'_>, keys: &[String], pin: &str) {
    for (key, algorithm) in keys.iter().zip(["rsa-sha256", "ecdsa-sha256"]) {
        let answer = page.sign(key, pin).await.ok();
        assert_eq!(answer["algorithm"], algorithm);
        let (der, signed) = (bytes(&answer, "certificate"), bytes(&answer, "signed"));
        assert!(verifies(&der, algorithm, &signed, &bytes(&answer, "signature")));
    }
}

async fn changes(page: &Page<'_>, keys: &[String]) {
    assert_eq!(page.change_pin(&keys[0], "4321", NEW).await.code(), "PIN_INCORRECT");
    assert_eq!(page.change_pin(&keys[0], PIN, "1").await.code(), "PIN_LENGTH");
    assert_eq!(page.change_pin(&keys[0], PIN, PIN).await.code(), "PIN_UNCHANGED");
    assert_eq!(page.change_pin(&keys[0], PIN, NEW).await.ok()["changed"], true);
    assert_eq!(page.sign(&keys[0], PIN).await.code(), "PIN_INCORRECT");
    signs(page, keys, NEW).await;
}
