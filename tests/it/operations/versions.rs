//! Versions of a realm's files: what makes one, what another would change and whom, and how a former one
//! is looked at and comes back.

use std::path::Path;
use std::process::Output;

use axum::body::Body;
use axum::http::Request;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;
use tower::ServiceExt;

use hufu::cli::reload::{Looks, reload};
use hufu::realm::files::Files;

use super::running::two_realms;
use super::{hufu, serve, served_realm};
use crate::kit::changed_realm;
use crate::kit::demo::free_ports;

fn change(path: &Path, from: &str, to: &str) {
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.contains(from), "{} has no {from}", path.display());
    std::fs::write(path, text.replacen(from, to, 1)).unwrap();
}

fn run(at: &Path, arguments: &[&str]) -> Output {
    hufu(at, &[&["--config", "hufu.toml"], arguments].concat())
}

fn good(at: &Path, arguments: &[&str]) -> String {
    let output = run(at, arguments);
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn bad(at: &Path, arguments: &[&str]) -> String {
    let output = run(at, arguments);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap()
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Every file that is read makes the version: a change of any of them alone is served, a file that
/// nobody reads changes nothing.
#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_read_makes_the_version() {
    let folder = tempfile::tempdir().unwrap();
    let (realms, app, wanted) = two_realms(folder.path()).await;
    let realm = realms.join("jiangxi");
    change(&realm.join("realm.toml"), "[look]\n", "[look]\nlogo = \"logo.svg\"\n");
    std::fs::write(realm.join("logo.svg"), "<svg/>").unwrap();
    assert_eq!(reload(&app, &wanted).await.unwrap(), 1);
    let read: Vec<String> =
        app.realm("jiangxi").unwrap().files.iter().map(|(name, _)| name.to_owned()).collect();
    assert!(read.len() > 15 && read.iter().any(|name| name.ends_with("en.md")), "{read:?}");
    for name in read {
        let path = realm.join(&name);
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text + "\n").unwrap();
        assert_eq!(reload(&app, &wanted).await.unwrap(), 1, "{name}");
    }
    std::fs::write(realm.join("NOTES.md"), "nobody reads me").unwrap();
    assert_eq!(reload(&app, &wanted).await.unwrap(), 0);
}

/// A secret that was replaced where it lies is taken when the realm is read again, and makes no version.
#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_was_replaced_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let (realms, app, wanted) = two_realms(folder.path()).await;
    let (secret, client) =
        (folder.path().join("secret"), realms.join("jiangxi/clients/registry.toml"));
    let named = format!("file = \"{}\"", secret.display());
    change(&client, "literal = \"demo-secret-of-registry\"", &named);
    std::fs::write(&secret, "the-first\n").unwrap();
    assert_eq!(reload(&app, &wanted).await.unwrap(), 1);
    let router = hufu::web::router::router(app.clone());
    let status = async |secret: &str| {
        let proof = BASE64_STANDARD.encode(format!("registry:{secret}"));
        let request = Request::post("/realms/jiangxi/token")
            .header("authorization", format!("Basic {proof}"))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Body::from("grant_type=client_credentials&scope=registry_import"))
            .unwrap();
        router.clone().oneshot(request).await.unwrap().status().as_u16()
    };
    let versions = async || {
        let rows = app.services().store.rows("jiangxi");
        rows.realm_versions().all(10).await.unwrap().len()
    };
    let before = versions().await;
    assert_eq!((status("the-first").await, status("the-second").await), (200, 401));
    std::fs::write(&secret, "the-second\n").unwrap();
    assert_eq!(reload(&app, &wanted).await.unwrap(), 1);
    assert_eq!((status("the-first").await, status("the-second").await), (401, 200));
    assert_eq!(reload(&app, &wanted).await.unwrap(), 0);
    assert_eq!(versions().await, before);
}

/// A new version whose secret is wrong is left aside, and read again once the secret is there, though no file of the
/// realm has changed since; meanwhile it is left alone.
#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_was_missing_is_looked_for() {
    let folder = tempfile::tempdir().unwrap();
    let (realms, app, wanted) = two_realms(folder.path()).await;
    let mut looks = Looks::default();
    let mut look = async || looks.look(&app, &wanted, false).await;
    assert_eq!((look().await, look().await), (false, true));
    let served = || app.realm("jiangxi").unwrap().hash.clone();
    let before = served();
    let (secret, client) =
        (folder.path().join("secret"), realms.join("jiangxi/clients/registry.toml"));
    let named = format!("file = \"{}\"", secret.display());
    change(&client, "literal = \"demo-secret-of-registry\"", &named);
    assert_eq!((look().await, look().await, look().await), (false, true, false));
    assert_eq!(served(), before);
    std::fs::write(&secret, "of-the-tests\n").unwrap();
    assert_eq!((look().await, look().await), (false, true));
    assert_ne!(served(), before);
}

/// A name that says that it is of this folder is as good as without it, and recorded without.
#[test]
fn a_file_may_be_named_from_here() {
    let named = "zh = \"agreements/user-agreement.zh.md\"";
    let from_here = "zh = \"./agreements/user-agreement.zh.md\"";
    let realm = changed_realm(&[("realm.toml", named, from_here)]);
    let recorded = Files::of_text(&realm.files.to_text()).expect("a record");
    assert!(recorded.get("agreements/user-agreement.zh.md").is_some());
    assert_eq!(recorded, realm.files);
}

/// What is written down of a version comes back, and nothing of it leads out of its folder.
#[test]
fn a_record_names_no_file_elsewhere() {
    let mut files = Files::default();
    files.add("realm.toml", b"x = 1");
    files.add("clients/a.toml", &[0, 159, 146, 150]);
    assert_eq!(Files::of_text(&files.to_text()), Some(files));
    let names =
        ["../realm.toml", "/etc/passwd", "clients/../../x", "", ".", "a/../b", "./../x", ".//x"];
    for name in names {
        let text = serde_json::json!({name: "eA=="}).to_string();
        assert_eq!(Files::of_text(&text), None, "{name}");
    }
    for text in ["", "[]", "{\"a\": 1}", "{\"a\": \"%\"}"] {
        assert_eq!(Files::of_text(text), None, "{text}");
    }
}

/// Issue 15, 8: history, export, drift, plan and rollback on what a server has served.
#[tokio::test(flavor = "multi_thread")]
async fn a_former_version_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let realm = served_realm(at, "https://sms.example/send");
    drop(serve(at, free_ports(), "").await);
    // Reviewed elsewhere, then served.
    let reviewed = at.join("reviewed/jiangxi");
    crate::kit::copy(&realm, &reviewed);
    change(&realm.join("realm.toml"), "access_token = 300", "access_token = 240");
    std::fs::remove_file(realm.join("clients/social-insurance.toml")).unwrap();
    drop(serve(at, free_ports(), "").await);

    let history = lines(&good(at, &["realm", "history", "jiangxi", "--json"]));
    let told: Vec<(i64, bool)> = history
        .iter()
        .map(|one| (one["generation"].as_i64().unwrap(), one["has_files"].as_bool().unwrap()))
        .collect();
    assert_eq!(told, [(2, true), (1, true)]);
    assert!(
        history[0]["changes"].as_u64().unwrap() > 1 && history[0]["hash"] != history[1]["hash"]
    );
    assert_eq!(good(at, &["realm", "history", "jiangxi", "--limit", "1"]).lines().count(), 1);

    // What runs is not what was reviewed, and says of each file how.
    let drift = |expected: &[(&str, &str)]| {
        let told = bad(at, &["realm", "drift", "reviewed/jiangxi"]);
        for place in ["served", "running"] {
            for (file, how) in expected {
                assert!(told.contains(&format!("{place}: {file} {how}\n")), "{told}");
            }
        }
    };
    drift(&[("realm.toml", "differs"), ("clients/social-insurance.toml", "is missing")]);
    std::fs::remove_file(reviewed.join("clients/desktop.toml")).unwrap();
    change(&reviewed.join("resources/invoices.toml"), ", \"desktop\"", "");
    drift(&[("clients/desktop.toml", "is not reviewed"), ("resources/invoices.toml", "differs")]);
    assert_eq!(good(at, &["realm", "drift", "realms/jiangxi"]), "jiangxi: no drift\n");

    // Exported it is the folder that was served, byte for byte, and never into one that is there.
    good(at, &["realm", "export", "jiangxi", "former/jiangxi", "--generation", "1"]);
    assert!(bad(at, &["realm", "export", "jiangxi", "former/jiangxi"]).contains("there already"));
    for file in ["realm.toml", "clients/social-insurance.toml", "accessibility.en.md"] {
        assert!(at.join("former/jiangxi").join(file).exists(), "{file}");
    }
    let former = std::fs::read_to_string(at.join("former/jiangxi/realm.toml")).unwrap();
    assert!(former.contains("access_token = 300"));
    good(at, &["realm", "validate", "former/jiangxi"]);
    for generation in ["0", "3", "-1"] {
        let generation = format!("--generation={generation}");
        let told = bad(at, &["realm", "export", "jiangxi", "none", &generation]);
        assert!(told.contains("realm history jiangxi"), "{told}");
        assert!(!at.join("none").exists());
    }

    // Whom it would touch.
    let plan: Value =
        serde_json::from_str(&good(at, &["realm", "plan", "former/jiangxi", "--json"])).unwrap();
    let touches: Vec<&Value> = plan["touches"].as_array().unwrap().iter().collect();
    let kinds: Vec<&str> = touches.iter().map(|one| one["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["client", "realm"]);
    assert_eq!(touches[0]["name"], "social-insurance");
    assert_eq!((&touches[0]["applications"], &touches[1]["applications"]), (&1.into(), &8.into()));

    // It comes back as the newest; a look alone changes nothing.
    let told = good(at, &["realm", "rollback", "jiangxi", "1", "--dry-run"]);
    assert!(told.contains("touches client social-insurance") && !told.contains("wrote"), "{told}");
    assert!(!realm.join("clients/social-insurance.toml").exists());
    std::fs::write(realm.join("clients/later.toml"), "client_id = \"later\"").unwrap();
    let told = good(at, &["realm", "rollback", "jiangxi", "1"]);
    assert!(told.contains("removed") && !realm.join("clients/later.toml").exists(), "{told}");
    drop(serve(at, free_ports(), "").await);
    let history = lines(&good(at, &["realm", "history", "jiangxi", "--json"]));
    assert_eq!(history.len(), 3);
    assert_eq!(history[0]["hash"], history[2]["hash"]);
    // A realm that was never served has no history.
    for act in
        [&["history", "another"][..], &["export", "another", "x"], &["rollback", "another", "1"]]
    {
        let told = bad(at, &[&["realm"], act].concat());
        assert!(told.contains("no realm `another`"), "{told}");
    }
}
