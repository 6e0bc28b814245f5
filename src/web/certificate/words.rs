//! What the scripts of these pages say, in the reader's language, and where drivers are found.

use std::collections::BTreeMap;

use crate::views::certificate::LinkView;
use crate::web::request::Request;

/// Each of the agent's codes, of what a page finds out by itself, and of what it asks.
const KEYS: [&str; 28] = [
    "no-agent",
    "permission-denied",
    "origin-not-allowed",
    "session-expired",
    "no-driver",
    "no-token",
    "no-certificate",
    "key-not-found",
    "pin-required",
    "pin-incorrect",
    "pin-incorrect-uncounted",
    "pin-locked",
    "pin-rests",
    "pin-last",
    "pin-length",
    "pin-unchanged",
    "pin-not-equal",
    "user-cancelled",
    "challenge-invalid",
    "backend",
    "server",
    "looking",
    "found",
    "signing",
    "window",
    "changed",
    "national",
    "other",
];

/// JSON, by the keys above; a number stands where `…` does.
pub fn of(request: &Request) -> String {
    let words: BTreeMap<&str, String> =
        KEYS.iter().map(|key| (*key, request.text_with(&format!("agent-{key}"), "…"))).collect();
    serde_json::to_string(&words).unwrap_or_default()
}

pub fn downloads(request: &Request) -> Vec<LinkView> {
    let links = request.ctx.realm.certificates.downloads.iter();
    let view = |link: &crate::realm::file::Link| LinkView {
        title: link.title.in_language(request.language()).to_owned(),
        url: link.url.clone(),
    };
    links.map(view).collect()
}
