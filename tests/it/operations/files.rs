//! What `hufu realm validate`, and with it every start, refuses in realm files outside the demo.

use std::path::Path;

use hufu::realm::check::{Surroundings, load};
use serde_json::Value;

use super::{SECRET, hufu, served_realm};
use crate::kit::{changed_realm, copy, demo_realm};

/// Every complaint about a realm whose secrets are all `secret`.
fn complaints(realm: &Path, secret: &str) -> Vec<String> {
    let environment = |_: &str| Some(secret.to_owned());
    let served = Surroundings { is_demo: false, replace: Vec::new(), environment: &environment };
    let told = load(realm, &served).err().unwrap_or_default();
    told.iter().map(ToString::to_string).collect()
}

/// What stands behind `name` anywhere in a file.
fn named(value: &toml::Value, name: &str, found: &mut Vec<String>) {
    match value {
        toml::Value::Table(table) => {
            for (key, value) in table {
                match value.as_str() {
                    Some(text) if key == name => found.push(text.to_owned()),
                    _ => named(value, name, found),
                }
            }
        }
        toml::Value::Array(list) => list.iter().for_each(|value| named(value, name, found)),
        _ => {}
    }
}

/// Issue 13, 5: whoever copies a realm of the repository lets in nobody who has the repository; the
/// demo goes on with it.
#[test]
fn what_the_repository_publishes_is_refused_outside_the_demo() {
    demo_realm();
    let folder = tempfile::tempdir().unwrap();
    let realm = served_realm(folder.path(), "https://sms.example/send");
    assert_eq!(complaints(&realm, SECRET), [""; 0]);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("realms");
    let (mut secrets, mut keys) = (Vec::new(), 0);
    for name in ["jiangxi", "demo-national"] {
        for file in std::fs::read_dir(root.join(name).join("clients")).unwrap() {
            let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
            let file: toml::Value = toml::from_str(&text).unwrap();
            named(&file, "literal", &mut secrets);
            let mut sets = Vec::new();
            named(&file, "jwks", &mut sets);
            for set in sets {
                // Another private key of the same set would be no better.
                let set: Value = serde_json::from_str(&set).unwrap();
                keys += set["keys"].as_array().unwrap().len();
                let path = realm.join("clients/iit-app.toml");
                let own = std::fs::read_to_string(&path).unwrap();
                let (before, rest) = own.split_once("'''").unwrap();
                let (_, after) = rest.split_once("'''").unwrap();
                std::fs::write(&path, format!("{before}'''{set}'''{after}")).unwrap();
                let told = complaints(&realm, SECRET);
                assert!(told.len() == 1 && told[0].contains("Hufu's repository"), "{told:?}");
                std::fs::write(&path, own).unwrap();
            }
        }
    }
    assert!(secrets.len() > 5 && keys > 2, "{secrets:?} {keys}");
    for secret in secrets {
        let told = complaints(&realm, &secret);
        assert!(!told.is_empty(), "{secret}");
        assert!(told.iter().all(|one| one.contains("Hufu's repository")), "{told:?}");
    }
}

const CLIENT: &str = "clients/tax-filing.toml";
const RETURN: &str = "redirect_uris = [\"https://filing.jiangxi.example/callback\"]";
const AFTERWARDS: &str = "post_logout_redirect_uris = [\"https://filing.jiangxi.example/\"]";

/// Issue 13, 5: each by itself, at its line.
#[test]
fn unsafe_realm_files_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let realm = served_realm(folder.path(), "https://sms.example/send");
    let short = complaints(&realm, "of-31-characters-which-is-short");
    assert!(short.len() > 5, "{short:?}");
    assert!(short.iter().all(|one| one.contains("at least 32 characters")), "{short:?}");

    let uri = |list: &str, uri: &str| format!("{list} = [\"{uri}\"]");
    let returning = |to: &str| uri("redirect_uris", to);
    let ending = |to: &str| uri("post_logout_redirect_uris", to);
    let steps = "\"second_factor\", \"new_password\", \"choose_record\", \"agreements\"";
    for (file, right, wrong, part) in [
        (CLIENT, RETURN, returning("javascript:alert(1)"), "`javascript:` is not allowed"),
        (CLIENT, RETURN, returning("data:text/html,x"), "`data:` is not allowed"),
        (CLIENT, RETURN, returning("file:///etc/passwd"), "`file:` is not allowed"),
        (CLIENT, RETURN, returning("vbscript:x"), "`vbscript:` is not allowed"),
        (CLIENT, RETURN, returning("taxapp:/callback"), "`taxapp:` is not allowed"),
        (CLIENT, RETURN, returning("example.tax.app:/callback#x"), "without a fragment"),
        (CLIENT, RETURN, returning("http://filing.jiangxi.example/"), "https is needed"),
        (CLIENT, AFTERWARDS, ending("javascript:alert(1)"), "`javascript:` is not allowed"),
        ("realm.toml", "realms/jiangxi\"", "realms/hunan\"".to_owned(), "/realms/jiangxi"),
        ("realm.toml", "/realms/jiangxi\"", "/jiangxi\"".to_owned(), "/realms/jiangxi"),
        ("realm.toml", "/realms/jiangxi\"", "\"".to_owned(), "/realms/jiangxi"),
        (
            "entrances.toml",
            steps,
            steps.replace("\"new_password\", ", ""),
            "also has `new_password`",
        ),
        ("entrances.toml", steps, steps.replace(", \"agreements\"", ""), "also has `agreements`"),
        (
            "entrances.toml",
            "\"scan\", \"choose_client_enterprise\", \"agreements\"",
            "\"scan\", \"choose_client_enterprise\"".to_owned(),
            "with `scan` also has `agreements`",
        ),
        ("clients/tax-app.toml", "\"scan\", ", String::new(), "no client speaks for `tax_app`"),
        ("clients/iit-app.toml", "scan_app = \"iit_app\"", String::new(), "`iit_app`"),
    ] {
        let path = realm.join(file);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(right), "{file} has no {right}");
        std::fs::write(&path, text.replacen(right, &wrong, 1)).unwrap();
        let told = complaints(&realm, SECRET);
        assert!(!told.is_empty(), "{wrong} was taken");
        assert!(told.iter().all(|one| one.contains(part)), "{wrong}: {told:?}");
        std::fs::write(&path, text).unwrap();
    }
    let links = realm.join("entrances.toml");
    let text = std::fs::read_to_string(&links).unwrap();
    let at = text.find("url = \"https").unwrap();
    let bad = format!("{}url = \"javascript:alert(1)//{}", &text[..at], &text[at + 12..]);
    std::fs::write(&links, bad).unwrap();
    assert!(complaints(&realm, SECRET)[0].contains("`javascript:`"));
    std::fs::write(&links, text).unwrap();

    // One app's own scheme (RFC 8252 §7.1), and what a desktop program listens on.
    for right in ["example.tax.app:/callback", "http://127.0.0.1/callback", "http://[::1]/x"] {
        changed_realm(&[(CLIENT, RETURN, &returning(right))]);
    }
}

/// Issue 13, 5: the demo's people, whose passwords everybody knows, are served nowhere else and
/// carried nowhere.
#[test]
fn fixtures_are_the_demos_alone() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let realm = served_realm(at, "https://sms.example/send");
    let draft = at.join("draft/jiangxi");
    copy(&realm, &draft);
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("realms/jiangxi/fixtures.toml");
    std::fs::copy(own, draft.join("fixtures.toml")).unwrap();
    let told = complaints(&draft, SECRET);
    assert!(told.len() == 1 && told[0].contains("fixtures are the demo's alone"), "{told:?}");
    for act in ["validate", "plan", "apply"] {
        assert!(!hufu(at, &["realm", act, "draft/jiangxi"]).status.success(), "{act}");
    }
    assert!(!realm.join("fixtures.toml").exists());
}

/// Issue 13, 5 and 7: what is right and could be better is told at its line, and refuses nothing.
#[test]
fn remarks_tell_what_could_be_better() {
    let folder = tempfile::tempdir().unwrap();
    let realm = served_realm(folder.path(), "https://sms.example/send");
    let path = realm.join(CLIENT);
    let text = std::fs::read_to_string(&path).unwrap();
    let more = |line: &str| (RETURN, format!("{line}\n{RETURN}"), line.to_owned());
    let method = "token_endpoint_auth_method = ";
    for ((what, by, line), part) in [
        (more("pkce = \"optional\""), "without PKCE"),
        (
            more("id_token_alg = \"ES256\""),
            "`id_token_alg` is called `id_token_signed_response_alg`",
        ),
        (more("userinfo_alg = \"ES256\""), "`userinfo_alg` is called"),
        (more("access_token_alg = \"ES256\""), "`access_token_alg` is called"),
        (more("audience = \"tax\""), "`audience` is called `serves`"),
        (
            (method, "auth_method = ".to_owned(), "auth_method".to_owned()),
            "`auth_method` is called",
        ),
    ] {
        let changed = text.replacen(what, &by, 1);
        assert_ne!(changed, text, "{what}");
        let number = 1 + changed[..changed.find(&line).unwrap()].matches('\n').count();
        std::fs::write(&path, changed).unwrap();
        let said = hufu(folder.path(), &["realm", "validate", "realms/jiangxi"]);
        let told = String::from_utf8(said.stderr).unwrap();
        assert!(said.status.success(), "{line}: {told}");
        assert!(
            told.contains(part) && told.contains(&format!("{CLIENT}:{number}:")),
            "{line}: {told}"
        );
    }
}

/// Issue 13, 5: what the realm has no key for cannot be signed.
#[test]
fn a_client_signs_with_the_realms_algorithms() {
    let folder = tempfile::tempdir().unwrap();
    let realm = served_realm(folder.path(), "https://sms.example/send");
    let path = realm.join("realm.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let all = "[\"ES256\", \"RS256\", \"PS256\", \"EdDSA\"]";
    for (algorithms, is_right) in
        [(all, true), ("[\"ES256\", \"RS256\"]", true), ("[\"ES256\"]", false)]
    {
        std::fs::write(&path, text.replace(all, algorithms)).unwrap();
        let told = complaints(&realm, SECRET);
        assert_eq!(told.is_empty(), is_right, "{algorithms}: {told:?}");
        assert!(told.iter().all(|one| one.contains("the realm has no key for RS256")), "{told:?}");
    }
}

/// A complaint goes into the log of a server that reads the file again.
#[test]
fn a_complaint_shows_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let realm = served_realm(folder.path(), "https://sms.example/send");
    let path = realm.join(CLIENT);
    let text = std::fs::read_to_string(&path).unwrap();
    let by_name = "{ env = \"SECRET_FROM_OUTSIDE\" }";
    for written in [
        "{ literal = \"a-secret-that-somebody-wrote-here\" }",
        "{ literal = 'a-secret-that-somebody-wrote-here' }",
        "{literal=\"a-secret-that-somebody-wrote-here\"} # so",
    ] {
        assert!(text.contains(by_name), "{text}");
        std::fs::write(&path, text.replace(by_name, written)).unwrap();
        let told = complaints(&realm, SECRET).join("\n");
        assert!(told.contains("never written") && !told.contains("somebody"), "{told}");
    }
}
