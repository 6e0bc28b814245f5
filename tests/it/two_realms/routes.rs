//! Every route of a realm; the sources say which there are.

use std::collections::BTreeSet;
use std::path::Path;

use hufu::oidc::discovery::path;

use super::centre::CENTRE;
use super::help::HELP;
use super::places::{SIGN_IN, Walked};
use super::register::REGISTER;

pub fn routes() -> impl Iterator<Item = &'static Walked> {
    SIGN_IN.iter().chain(CENTRE).chain(HELP).chain(REGISTER)
}

/// Without a value that is looked up, but for the realm itself; and the other listeners'.
pub const NOT_WALKED: &[&str] = &[
    "/",
    "/realms/{realm}/",
    "/accessibility",
    "/realms/{realm}/.well-known/openid-configuration",
    "/realms/{realm}/.well-known/oauth-authorization-server",
    "/.well-known/oauth-authorization-server/realms/{realm}",
    "/realms/{realm}/jwks",
    "/realms/{realm}/.well-known/ssf-configuration",
    "/.well-known/ssf-configuration/realms/{realm}",
    "/metrics",
    "/health/live",
    "/health/ready",
];

/// The demo's desk has a listener of its own and no realm; the officers' console has one, and a walk
/// (`console::walk`).
const ELSEWHERE: [&str; 2] = ["desk.rs", "console"];

fn sources(folder: &Path, found: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if ELSEWHERE.iter().any(|name| path.ends_with(name)) {
            continue;
        }
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push_str(&std::fs::read_to_string(path).unwrap());
        }
    }
}

/// What the first argument of `.route` comes to.
fn address(argument: &str) -> String {
    let known = [
        ("path::AUTHORIZE", path::AUTHORIZE),
        ("path::TOKEN", path::TOKEN),
        ("path::USERINFO", path::USERINFO),
        ("path::INTROSPECT", path::INTROSPECT),
        ("path::REVOKE", path::REVOKE),
        ("path::END_SESSION", path::END_SESSION),
    ];
    if let Some((_, literal)) = known.iter().find(|(name, _)| *name == argument) {
        return (*literal).to_owned();
    }
    if argument.contains("path::JWKS") {
        return format!("/realms/{{realm}}{}", path::JWKS);
    }
    let literal = argument.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    literal.unwrap_or_else(|| panic!("a route that is no literal: {argument}")).to_owned()
}

/// Method and address of every route that the sources of a folder name.
pub fn named(folder: &str) -> BTreeSet<(String, String)> {
    let mut text = String::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut text);
    for unknown in
        [".route_service(", ".nest_service(", "routing::any", "routing::on", "MethodRouter"]
    {
        assert!(!text.contains(unknown), "the walk cannot read {unknown}");
    }
    let mut found = BTreeSet::new();
    for part in text.split(".route(").skip(1) {
        let end = part.find(".route(").or(part.find(';')).or(part.find("\n}"));
        let part = &part[..end.unwrap_or(part.len())];
        let part = part.trim_start();
        let argument = if part.starts_with("&format!") {
            part.split("),").next().unwrap()
        } else {
            part.split(',').next().unwrap()
        };
        let address = address(argument.trim());
        for method in ["get", "post", "put", "patch", "delete"] {
            let call = format!("{method}(");
            let mut at = part.match_indices(&call);
            if at.any(|(at, _)| {
                !part[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':')
            }) {
                found.insert((method.to_uppercase(), address.clone()));
            }
        }
    }
    found
}

/// A new route is walked before it is served.
#[test]
fn the_walk_knows_every_route() {
    let named = named("src/web");
    assert!(named.len() > 90, "only {} routes were read", named.len());
    let walked: BTreeSet<(String, String)> =
        routes().map(|one| (one.method.to_owned(), one.route.to_owned())).collect();
    let missing: Vec<_> = named
        .iter()
        .filter(|one| !walked.contains(one) && !NOT_WALKED.contains(&one.1.as_str()))
        .collect();
    assert!(missing.is_empty(), "not walked: {missing:#?}");
    let gone: Vec<_> = walked.difference(&named).collect();
    assert!(gone.is_empty(), "walked and not there: {gone:#?}");
}
