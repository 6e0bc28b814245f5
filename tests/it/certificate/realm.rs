//! `certificates.toml`: each mistake at its line.

use std::path::Path;

use hufu::realm::check::{Surroundings, load};

use crate::kit::copy;
use crate::kit::pki::{Issued, Sort, Wanted};

fn complaints(change: impl Fn(&Path), is_demo: bool) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let realm = folder.path().join("jiangxi");
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("realms/jiangxi"), &realm);
    change(&realm);
    let surroundings = Surroundings { is_demo, replace: Vec::new(), environment: &|_| None };
    let found = load(&realm, &surroundings).err().unwrap_or_default();
    found.iter().map(ToString::to_string).collect()
}

fn planted(wrong: &[(&str, &str)]) -> Vec<String> {
    let change = |realm: &Path| {
        let path = realm.join("certificates.toml");
        let mut text = std::fs::read_to_string(&path).unwrap();
        for (from, to) in wrong {
            assert!(text.contains(from), "{from}");
            text = text.replacen(from, to, 1);
        }
        std::fs::write(path, text).unwrap();
    };
    complaints(change, true)
}

#[test]
fn each_mistake_is_told_where_it_stands() {
    assert!(planted(&[]).is_empty());
    for (from, to, part) in [
        ("id = \"demo-rsa\"", "id = \"demo-sm2\"", "another authority has this id"),
        ("id = \"demo-sm2\"", "id = \"Demo SM2\"", "certificates.toml:4"),
        ("demo-sm2-root.pem\"]\nbetween", "gone.pem\"]\nbetween", "gone.pem"),
        ("anchors = [\"certificates/demo-sm2-root.pem\"]", "anchors = []", "nothing is trusted"),
        ("certificates/demo-sm2-root.pem", "roles.toml", "no PEM file"),
        ("ext:1.2.156.10260.4.1.5", "ext:abc", "is no such source"),
        ("([0-9A-Z]{15,20})", "[0-9A-Z]+", "needs one group"),
        ("([0-9A-Z]{15,20})", "([0-9A-Z]", "number_pattern"),
        ("revocation = \"soft\"", "revocation = \"hard\"", "nobody could get in"),
        ("revocation = \"soft\"", "crl = [\"ftp://crl.example\"]", "http or https"),
        ("revocation = \"soft\"", "revocation = \"sof\"", "soft"),
    ] {
        let told = planted(&[(from, to)]);
        assert_eq!(told.len(), 1, "{to}: {told:#?}");
        assert!(
            told[0].contains("certificates.toml:") && told[0].contains(part),
            "{to}: {told:#?}"
        );
    }
}

/// Two authorities whose certificates nobody could tell apart: under one root with nothing of their own
/// below it, or with the same below it. Each with its own is none of that.
#[test]
fn authorities_are_told_apart() {
    let root = ("certificates/demo-rsa-root.pem", "certificates/demo-sm2-root.pem");
    let below = ("certificates/demo-rsa-issuing.pem", "certificates/demo-sm2-issuing.pem");
    let bare = ("between = [\"certificates/demo-rsa-issuing.pem\"]\n", "");
    let as_anchor = ("certificates/demo-rsa-root.pem", "certificates/demo-sm2-issuing.pem");
    for (wrong, is_told) in [
        (vec![root], false),
        (vec![root, bare], true),
        (vec![root, below], true),
        (vec![below], true),
        (vec![as_anchor], true),
    ] {
        let told = planted(&wrong);
        assert_eq!(told.len(), usize::from(is_told), "{wrong:?}: {told:#?}");
        assert!(told.iter().all(|one| one.contains("`demo-sm2`")), "{told:#?}");
    }
}

#[test]
fn only_authorities_are_named() {
    let root = Issued::root(Sort::P256, "CN=Root");
    let leaf = root.issue(&Wanted::enterprise(super::NUMBER));
    let short = Issued::root(Sort::Rsa(1024), "CN=Short");
    for (pem, part) in [(leaf.pem(), "no authority's"), (short.pem(), "not accepted")] {
        let told = complaints(
            |realm| std::fs::write(realm.join("certificates/demo-sm2-root.pem"), &pem).unwrap(),
            true,
        );
        assert!(told.len() == 1 && told[0].contains(part), "{told:#?}");
    }
}

/// Everybody has the demo's key: outside the demo its authorities are refused by name.
#[test]
fn the_demos_authorities_are_the_demos() {
    let told = complaints(|_| {}, false);
    let ours: Vec<&String> = told.iter().filter(|one| one.contains("is the demo's")).collect();
    assert_eq!(ours.len(), 4, "{told:#?}");
}

/// A door needs authorities, and authorities alone open none.
#[test]
fn a_door_without_authorities_is_a_mistake() {
    let gone = |realm: &Path| {
        std::fs::remove_file(realm.join("certificates.toml")).unwrap();
        let fixtures = realm.join("fixtures.toml");
        let text = std::fs::read_to_string(&fixtures).unwrap();
        let text = text.replace("certificate_authorities = [\"demo-sm2\", \"demo-rsa\"]\n", "");
        std::fs::write(fixtures, text).unwrap();
    };
    let told = complaints(gone, true);
    assert!(told.len() == 1 && told[0].contains("names no authority"), "{told:#?}");
    for (from, to, part) in [
        ("[\"certificate\", \"choose_handler\"]", "[\"certificate\"]", "begins with"),
        (
            "[\"certificate\", \"choose_handler\"]",
            "[\"certificate\", \"choose_handler\", \"new_password\"]",
            "begins with",
        ),
    ] {
        let change = |realm: &Path| {
            let path = realm.join("entrances.toml");
            let text = std::fs::read_to_string(&path).unwrap();
            assert!(text.contains(from));
            std::fs::write(path, text.replace(from, to)).unwrap();
        };
        let told = complaints(change, true);
        assert!(told.len() == 1 && told[0].contains(part), "{told:#?}");
    }
}
