//! Where an authority writes the enterprise's number into its certificates. National certificates
//! have extensions for it (`1.2.156.10260.4.1.5` and its neighbours); older authorities use their
//! own, or a part of the subject. So each authority's rule is configured.

use std::borrow::Cow;
use std::str::FromStr;

use der::Decode;
use der::asn1::Any;
use der::oid::ObjectIdentifier;
use regex::Regex;

use super::name;
use super::parsed::Certificate;

/// Values longer than this are no number.
const LONGEST: usize = 200;

#[derive(Clone, Debug)]
pub struct NumberRule {
    source: Source,
    pattern: Option<Regex>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Source {
    Extension(ObjectIdentifier),
    Subject(ObjectIdentifier),
}

impl FromStr for Source {
    type Err = &'static str;

    /// `ext:<oid>` or `subject:<CN|O|OU|serialNumber|oid>`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let oid = |text: &str| ObjectIdentifier::from_str(text).map_err(|_| "is no such source");
        match text.split_once(':') {
            Some(("ext", number)) => oid(number).map(Self::Extension),
            Some(("subject", "CN")) => Ok(Self::Subject(name::COMMON_NAME)),
            Some(("subject", "O")) => Ok(Self::Subject(name::ORGANISATION)),
            Some(("subject", "OU")) => Ok(Self::Subject(name::UNIT)),
            Some(("subject", "serialNumber")) => Ok(Self::Subject(name::SERIAL_NUMBER)),
            Some(("subject", number)) => oid(number).map(Self::Subject),
            _ => Err("is no such source"),
        }
    }
}

impl NumberRule {
    /// The pattern must fit the whole value and has one group, which is the number. Without it the
    /// value is the number.
    pub fn new(source: Source, pattern: Option<&str>) -> Result<Self, String> {
        let pattern = pattern.map(|written| {
            let whole = Regex::new(&format!("^(?:{written})$")).map_err(|why| why.to_string())?;
            match whole.captures_len() {
                2 => Ok(whole),
                other => Err(format!("needs one group (…) with the number, and has {}", other - 1)),
            }
        });
        Ok(Self { source, pattern: pattern.transpose()? })
    }

    /// The extension that is read, which may be critical then.
    pub fn extension(&self) -> Option<ObjectIdentifier> {
        match self.source {
            Source::Extension(oid) => Some(oid),
            Source::Subject(_) => None,
        }
    }

    /// None where there is none, or several that differ: nobody guesses whose certificate it is.
    pub fn read(&self, certificate: &Certificate) -> Option<String> {
        let mut found: Option<String> = None;
        for value in self.values(certificate) {
            let Some(number) = self.number(&value) else { continue };
            match &found {
                Some(known) if *known != number => return None,
                _ => found = Some(number),
            }
        }
        found
    }

    fn values<'a>(&self, certificate: &'a Certificate) -> Vec<Cow<'a, str>> {
        match self.source {
            Source::Extension(oid) => {
                certificate.extension(oid).and_then(extension_text).into_iter().collect()
            }
            Source::Subject(oid) => {
                let parts = certificate.subject().iter().filter(|part| part.oid == oid);
                parts.filter_map(|part| name::text(&part.value)).collect()
            }
        }
    }

    fn number(&self, value: &str) -> Option<String> {
        let value = value.trim();
        if value.is_empty() || value.len() > LONGEST {
            return None;
        }
        match &self.pattern {
            Some(pattern) => Some(pattern.captures(value)?.get(1)?.as_str().to_owned()),
            None => Some(value.to_owned()),
        }
    }
}

/// A string of DER, or a bare one: DER's strings begin with a control character, a number does not.
fn extension_text(value: &[u8]) -> Option<Cow<'_, str>> {
    if value.iter().all(u8::is_ascii_graphic) {
        return std::str::from_utf8(value).ok().map(Cow::Borrowed);
    }
    let read = Any::from_der(value).ok()?;
    name::text(&read).map(|text| Cow::Owned(text.into_owned()))
}
