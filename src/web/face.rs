//! The realm's own face: what of it stands on every page, its logo and colours as files.

use std::collections::BTreeMap;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::base::clock::Day;
use crate::base::secret::{Hashed, sha256};
use crate::realm::Realm;
use crate::realm::look::Look;
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

/// What the realm has of its own under this name: bytes and media type.
pub fn asset(look: &Look, name: &str) -> Option<(Vec<u8>, &'static str)> {
    match (&look.logo, &look.colours) {
        (Some(logo), _) if logo.name == name => Some((logo.bytes.clone(), logo.media_type)),
        (_, Some(colours)) if name == "face.css" => {
            Some((colours.style_sheet().into_bytes(), "text/css; charset=utf-8"))
        }
        _ => None,
    }
}

/// A file that may be kept for an hour and asked about after that (RFC 9110 §13.1.2); `asked`: what the
/// browser has.
pub fn file(bytes: Vec<u8>, media_type: &'static str, asked: Option<&HeaderValue>) -> Response {
    let tag = format!("\"{}\"", Hashed(sha256(&bytes)).to_text());
    let is_same = asked.is_some_and(|asked| asked.as_bytes() == tag.as_bytes());
    let tag = HeaderValue::from_str(&tag).unwrap_or(HeaderValue::from_static("\"0\""));
    let kept = HeaderValue::from_static("public, max-age=3600");
    let headers = [(header::ETAG, tag), (header::CACHE_CONTROL, kept)];
    match is_same {
        true => (StatusCode::NOT_MODIFIED, headers).into_response(),
        false => (headers, [(header::CONTENT_TYPE, media_type)], bytes).into_response(),
    }
}
