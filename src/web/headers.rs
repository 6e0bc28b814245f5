//! Headers that do not depend on who makes an answer: what guards it in a browser, and which pages' scripts
//! may read it. A script that may not read an answer does not even hear that it is to come again.

use std::time::Duration;

use axum::extract::OriginalUri;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};
use axum::response::Response;
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::oidc::discovery::path;
use crate::web::app::App;

/// `form-action` allows what forms lead to: browsers check redirects after a form, too, and those
/// end at the applications.
pub const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
    connect-src 'self'; \
    base-uri 'none'; frame-ancestors 'none'";

const SECURITY: [(HeaderName, &str); 7] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::STRICT_TRANSPORT_SECURITY, "max-age=31536000"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
];

pub fn add_security(headers: &mut HeaderMap) {
    headers.reserve(SECURITY.len() + 4);
    for (name, value) in SECURITY {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
}

/// What applications in a browser ask by script, below their realm.
pub const BY_SCRIPT: [&str; 4] = [path::TOKEN, path::USERINFO, path::INTROSPECT, path::REVOKE];

/// What scripts read of the headers, besides the few that they always may.
const EXPOSED: &str = "www-authenticate,retry-after";

/// What stands below the realm in an address.
pub fn endpoint(address: &str) -> &str {
    address.match_indices('/').nth(2).map_or("", |(at, _)| &address[at..])
}

fn is_document(address: &str) -> bool {
    let endpoint = endpoint(address);
    let is_well_known = |path: &str| path.starts_with("/.well-known/");
    is_well_known(address)
        || is_well_known(endpoint)
        || [path::JWKS, path::JWKS_SM2].contains(&endpoint)
}

/// Whether pages of this origin may read what the realm of an address answers. Which of its applications
/// asks is not looked at: a preflight does not say, no cookie counts here, and whoever shows a client's
/// code, token or credential could read the answer anywhere.
fn admits(app: &App, address: &str, origin: &HeaderValue) -> bool {
    let realm = address.split('/').nth(2).and_then(|id| app.realm(id));
    realm.is_some_and(|realm| origin.to_str().is_ok_and(|origin| realm.admits_origin(origin)))
}

/// For [`BY_SCRIPT`], from the origins of the realm's applications.
pub fn cross_origin(app: &App) -> CorsLayer {
    let app = app.clone();
    let is_admitted = move |origin: &HeaderValue, parts: &Parts| {
        let uri = parts.extensions.get::<OriginalUri>().map_or(&parts.uri, |uri| &uri.0);
        admits(&app, uri.path(), origin)
    };
    CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(is_admitted))
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            HeaderName::from_static("dpop"),
        ])
        .expose_headers([header::WWW_AUTHENTICATE, header::RETRY_AFTER])
        .max_age(Duration::from_mins(10))
}

/// A document, or why there is none: anybody's page may read it. A document that was made once brings what
/// else it needs.
pub fn of_document(mut answer: Response) -> Response {
    let is_made = answer.status().is_success();
    let headers = answer.headers_mut();
    let everybody = HeaderValue::from_static("*");
    headers.entry(header::ACCESS_CONTROL_ALLOW_ORIGIN).or_insert(everybody);
    if !is_made {
        expose(headers);
    }
    if !headers.contains_key(header::X_CONTENT_TYPE_OPTIONS) {
        add_security(headers);
    }
    answer
}

fn expose(headers: &mut HeaderMap) {
    let exposed = HeaderValue::from_static(EXPOSED);
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
}

/// Of an answer that was made before the router was asked: what it would have put on it. `app`: whose realms
/// are served here, if any are.
pub fn of_early(app: Option<&App>, uri: &Uri, asked: &HeaderMap, mut answer: Response) -> Response {
    let address = uri.path();
    if is_document(address) {
        return of_document(answer);
    }
    let headers = answer.headers_mut();
    add_security(headers);
    let origin = asked.get(header::ORIGIN).filter(|_| BY_SCRIPT.contains(&endpoint(address)));
    let admitted = |origin: &&HeaderValue| app.is_some_and(|app| admits(app, address, origin));
    if let Some(origin) = origin.filter(admitted) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        headers.insert(header::VARY, HeaderValue::from_static("origin"));
        expose(headers);
    }
    answer
}
