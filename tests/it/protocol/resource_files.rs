//! `resources/*.toml`: what is refused when it is read, at its line, and what is shown of it.

use std::path::Path;

use hufu::realm::check::{Surroundings, load};

use crate::kit::copy;

const FILING: &str = "resources/filing.toml";
const INVOICES: &str = "resources/invoices.toml";

/// What `hufu realm validate` says of a realm in which one text stands in place of another.
fn complaints(file: &str, what: &str, by: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let realm = folder.path().join("jiangxi");
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("realms/jiangxi"), &realm);
    let path = realm.join(file);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains(what), "{file}: {what}");
    std::fs::write(path, text.replacen(what, by, 1)).unwrap();
    let surroundings = Surroundings { is_demo: true, replace: Vec::new(), environment: &|_| None };
    load(&realm, &surroundings).err().unwrap_or_default().iter().map(ToString::to_string).collect()
}

#[test]
fn a_mistake_in_a_resource_is_told_at_its_line() {
    let identifier = "\"https://api.jiangxi.example/filing\"";
    for (file, what, by, line, told) in [
        (FILING, identifier, "\"filing\"", 2, "absolute URI"),
        (FILING, identifier, "\"/filing\"", 2, "absolute URI"),
        (FILING, identifier, "\"\"", 2, "absolute URI"),
        (FILING, identifier, "\"https://api.jiangxi.example/a b\"", 2, "absolute URI"),
        (FILING, identifier, "\"https://api.jiangxi.example/#x\"", 2, "no query and no fragment"),
        (FILING, identifier, "\"https://api.jiangxi.example/?x\"", 2, "no query and no fragment"),
        (FILING, identifier, "\"https://sso.jiangxi.example/realms/jiangxi\"", 2, "our own"),
        (INVOICES, "\"https://api.jiangxi.example/invoices\"", identifier, 2, "another file has"),
        (FILING, "\"TAX_FILING\"", "\"TAX_FLING\"", 4, "did you mean `TAX_FILING`?"),
        (FILING, "[\"registry\"]", "[\"regitry\"]", 5, "did you mean `registry`?"),
        (FILING, "[\"registry\"]", "[\"desktop\"]", 5, "proves nothing"),
        (INVOICES, "\"desktop\"", "\"desktp\"", 7, "did you mean `desktop`?"),
        (INVOICES, "[\"tax-filing\", \"desktop\"]", "[]", 7, "nobody may ask"),
        (INVOICES, "introspected_by = [\"invoice\"]", "", 5, "may not ask about it"),
        (INVOICES, "\"opaque\"", "\"opak\"", 5, "did you mean `opaque`?"),
        (INVOICES, "120", "5", 6, "30"),
        (FILING, "permissions", "permisions", 4, "did you mean `permissions`?"),
        (FILING, "name", "access_token_signing_alg = \"HS256\"\nname", 3, "is not one of"),
    ] {
        let complaints = complaints(file, what, by);
        let at = format!("{file}:{line}:");
        let found = complaints.iter().any(|one| one.contains(&at) && one.contains(told));
        assert!(found && complaints.len() == 1, "{by}: {complaints:#?}");
    }
}

/// `hufu realm plan` shows what a resource's file says, like every other.
#[test]
fn a_resource_stands_in_the_plan_and_in_the_schema() {
    let realm = crate::kit::demo_realm();
    let of_file: Vec<&String> =
        realm.settings.keys().filter(|key| key.starts_with("resources/filing.toml: ")).collect();
    assert!(of_file.iter().any(|key| key.ends_with("identifier")), "{of_file:?}");
    let printed = std::process::Command::new(env!("CARGO_BIN_EXE_hufu"))
        .args(["realm", "schema", "resource"])
        .output()
        .unwrap();
    let schema: serde_json::Value = serde_json::from_slice(&printed.stdout).unwrap();
    assert!(schema["properties"]["introspected_by"].is_object(), "{schema}");
}

/// What no key signs would fail at the first token, of a client as of an API.
#[test]
fn an_algorithm_without_a_key_is_told() {
    let all = "[\"ES256\", \"RS256\", \"PS256\", \"EdDSA\"]";
    let told = complaints("realm.toml", all, "[\"ES256\"]");
    assert!(!told.is_empty() && told.iter().all(|one| one.contains("has no key for RS256")));
    let wanted = "name = { zh = \"纳税申报\", en = \"Tax filing\" }";
    let without = "access_token_signing_alg = \"PS256\"\nname = { zh = \"纳税申报\", en = \"x\" }";
    assert!(complaints("clients/tax-filing.toml", wanted, without).is_empty());
}
