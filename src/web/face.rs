//! The realm's own face: what of it stands on every page, its logo and colours as files.

use std::collections::BTreeMap;

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::base::clock::Day;
use crate::base::secret::{Hashed, sha256};
use crate::realm::Realm;
use crate::realm::look::Look;
use crate::views::assets::Asset;
use crate::views::face::Face;

/// The face in a language, as it is on a day.
pub fn of(realm: &Realm, language: &str, today: Day) -> Face {
    let look = &realm.look;
    let organiser = look.organiser.as_ref().map(|name| name.in_language(language).to_owned());
    let numbers = [&look.icp, &look.police, &look.site_code].map(Option::clone);
    let announced = look.announcements.iter().filter(|one| one.is_on(today));
    let maintenance = look.maintenance.as_ref().filter(|one| one.is_on(today));
    Face {
        logo: look.logo.as_ref().map_or("tiger.svg", |logo| logo.name).to_owned(),
        is_coloured: look.colours.is_some(),
        support: look.support.clone(),
        lines: organiser.into_iter().chain(numbers.into_iter().flatten()).collect(),
        has_statement: look.accessibility.is_some(),
        announcements: announced.map(|one| one.text.in_language(language).to_owned()).collect(),
        maintenance: maintenance.map(|one| one.text.in_language(language).to_owned()),
    }
}

/// The realm's own words in a language.
pub fn texts(realm: &Realm, language: &str) -> BTreeMap<String, String> {
    let own = realm.look.texts.iter();
    own.map(|(key, text)| (key.clone(), text.in_language(language).to_owned())).collect()
}

/// What the realm has of its own under this name.
pub fn asset(look: &Look, name: &str) -> Option<Asset> {
    match (&look.logo, &look.colours) {
        (Some(logo), _) if logo.name == name => {
            Some(Asset::of(logo.bytes.clone(), logo.media_type))
        }
        (_, Some(colours)) if name == "face.css" => {
            Some(Asset::of(colours.style_sheet().into_bytes(), "text/css; charset=utf-8"))
        }
        _ => None,
    }
}

/// A file that may be kept for an hour and asked about after that (RFC 9110 §13.1.2), packed for whoever
/// takes it so.
pub fn file(found: Asset, asked: &HeaderMap) -> Response {
    let takes = asked.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok());
    let packed = found.packed.filter(|_| takes.is_some_and(|takes| takes.contains("gzip")));
    let is_packed = packed.is_some();
    let bytes = packed.unwrap_or(found.bytes);
    // Of the bytes as they are sent: packed they are another representation.
    let tag = format!("\"{}\"", Hashed(sha256(&bytes)).to_text());
    let has = asked.get(header::IF_NONE_MATCH).map(HeaderValue::as_bytes);
    let mut response = match has == Some(tag.as_bytes()) {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => ([(header::CONTENT_TYPE, found.media_type)], bytes).into_response(),
    };
    let headers = response.headers_mut();
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(header::ETAG, tag);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=3600"));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if is_packed {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}
