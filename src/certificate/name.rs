//! When two names are one (RFC 5280 §7.1): authorities write their own name as `PrintableString` in one
//! certificate and as `UTF8String` in the next.

use std::borrow::Cow;

use der::asn1::Any;
use der::oid::ObjectIdentifier;
use der::{Tag, Tagged};
use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::name::Name;

pub const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
pub const SERIAL_NUMBER: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.5");
pub const ORGANISATION: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.10");
pub const UNIT: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.11");

pub fn same(one: &Name, other: &Name) -> bool {
    one.len() == other.len()
        && one.iter_rdn().zip(other.iter_rdn()).all(|(one, other)| {
            one.len() == other.len()
                && one.iter().zip(other.iter()).all(|(one, other)| same_part(one, other))
        })
}

fn same_part(one: &AttributeTypeAndValue, other: &AttributeTypeAndValue) -> bool {
    if one.oid != other.oid {
        return false;
    }
    if one.value == other.value {
        return true;
    }
    match (text(&one.value), text(&other.value)) {
        (Some(one), Some(other)) => folded(&one) == folded(&other),
        _ => false,
    }
}

fn folded(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").to_lowercase()
}

/// The text of a string of any of the kinds that stand in names. None for what is none.
pub fn text(value: &Any) -> Option<Cow<'_, str>> {
    let bytes = value.value();
    match value.tag() {
        Tag::Utf8String | Tag::PrintableString | Tag::Ia5String => {
            std::str::from_utf8(bytes).ok().map(Cow::Borrowed)
        }
        // Latin-1 in practice; anything beyond ASCII is not guessed at.
        Tag::TeletexString if bytes.is_ascii() => {
            std::str::from_utf8(bytes).ok().map(Cow::Borrowed)
        }
        Tag::BmpString if bytes.len().is_multiple_of(2) => {
            let units: Vec<u16> =
                bytes.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
            String::from_utf16(&units).ok().map(Cow::Owned)
        }
        _ => None,
    }
}

/// What somebody recognises the name by: the common name, else the organisation.
pub fn shown(name: &Name) -> String {
    let find = |oid| name.iter().find(|part| part.oid == oid).and_then(|part| text(&part.value));
    find(COMMON_NAME).or_else(|| find(ORGANISATION)).map(Cow::into_owned).unwrap_or_default()
}
