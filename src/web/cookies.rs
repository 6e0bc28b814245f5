//! Cookies, with their flags in one place. `__Host-` over https; without it on a loopback http
//! demo, where browsers refuse the prefix.

use std::collections::HashMap;

use axum::http::{HeaderMap, HeaderValue, header};
use cookie::{Cookie, SameSite, time};

use crate::realm::Realm;

/// The cookies of a request; of two with one name, none counts. Ours are ASCII: what another application of
/// the domain has set in other letters is not looked at, and takes nothing with it. Nor does it become ours
/// where a wide space before a name is cut off.
pub fn read(headers: &HeaderMap) -> HashMap<String, String> {
    let mut cookies = HashMap::new();
    let mut doubled = Vec::new();
    let lines = headers.get_all(header::COOKIE).iter();
    for pair in lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b';')) {
        let pair = std::str::from_utf8(pair).ok().filter(|pair| pair.is_ascii());
        let Some(Ok(cookie)) = pair.map(Cookie::parse) else { continue };
        if cookies.insert(cookie.name().to_owned(), cookie.value().to_owned()).is_some() {
            doubled.push(cookie.name().to_owned());
        }
    }
    for name in doubled {
        cookies.remove(&name);
    }
    cookies
}

fn is_https(realm: &Realm) -> bool {
    realm.issuer.starts_with("https:")
}

fn name(realm: &Realm, what: &str) -> String {
    let prefix = if is_https(realm) { "__Host-" } else { "" };
    format!("{prefix}hufu-{what}-{}", realm.id)
}

/// Whether somebody reads in large letters.
pub fn look_name(realm: &Realm) -> String {
    name(realm, "look")
}

pub fn session_name(realm: &Realm) -> String {
    name(realm, "session")
}

/// One for each sign-in on its way, so that two tabs do not disturb each other.
pub fn login_name(realm: &Realm, transaction: &str) -> String {
    name(realm, &format!("login-{transaction}"))
}

/// Whether a cookie is a sign-in's on its way, in whichever realm: a browser sends it to all of this host.
pub fn is_begun(cookie: &str) -> bool {
    cookie.strip_prefix("__Host-").unwrap_or(cookie).starts_with("hufu-login-")
}

/// The transaction that a cookie of this name belongs to.
pub fn begun<'n>(realm: &Realm, cookie: &'n str) -> Option<&'n str> {
    let around = login_name(realm, "\n");
    let (before, after) = around.split_once('\n')?;
    cookie.strip_prefix(before)?.strip_suffix(after)
}

/// What a browser proves itself with that helps itself signed out.
pub fn help_name(realm: &Realm) -> String {
    name(realm, "help")
}

/// What a phone proves itself with while it handles a scanned code.
pub fn phone_name(realm: &Realm) -> String {
    name(realm, "phone")
}

/// What a browser is known by that spares the second factor.
pub fn device_name(realm: &Realm) -> String {
    name(realm, "device")
}

/// An officer at work; of the console's host, which no taxpayer's page is on.
pub fn officer_name(realm: &Realm) -> String {
    name(realm, "officer")
}

/// What a browser is known by that stands at the console's door.
pub fn console_door_name(realm: &Realm) -> String {
    name(realm, "console-door")
}

pub fn language_name(realm: &Realm) -> String {
    name(realm, "language")
}

/// `seconds`: none for the browser's session, zero to remove.
pub fn set(realm: &Realm, name: String, value: String, seconds: Option<i64>) -> HeaderValue {
    let mut cookie = Cookie::new(name, value);
    cookie.set_path("/");
    cookie.set_http_only(true);
    cookie.set_secure(is_https(realm));
    cookie.set_same_site(SameSite::Lax);
    if let Some(seconds) = seconds {
        cookie.set_max_age(time::Duration::seconds(seconds));
    }
    HeaderValue::from_str(&cookie.to_string())
        .unwrap_or(HeaderValue::from_static("hufu=; Max-Age=0"))
}
