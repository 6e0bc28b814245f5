//! What the registry and the business systems tell (outside-parts 5.3): people, enterprises,
//! relations, engagements, cross-region records and what halls collect, one line each. A line is known by the key of
//! its source and has a version; a newer version replaces what the older said.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::domain::cross_region::RecordKind;
use crate::domain::enterprise::EnterpriseKind;
use crate::domain::number::document::DocumentType;
use crate::domain::profile::EnterpriseProfile;

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PersonLine {
    pub name: String,
    /// `resident_id_card`, `foreign_passport`, …
    #[serde(default = "resident_id_card")]
    pub document_type: String,
    pub document: String,
    /// ISO 3166-1 alpha-3; absent: `CHN`.
    pub nationality: Option<String>,
    pub phone: Option<String>,
    /// When the person last did something that a code to this phone verified, a day or RFC 3339: of
    /// several people with one number it is that of whoever used it last (PC-15).
    pub phone_used_at: Option<String>,
    pub email: Option<String>,
    /// 1 to 5; absent: 3 of somebody who is told of for the first time, else as it was.
    #[serde(default, deserialize_with = "optional_loose")]
    #[schemars(with = "Option<u8>")]
    pub real_name_level: Option<u8>,
    /// The last day of the document, `long_term`: without end; absent: as it was.
    pub document_valid_to: Option<String>,
    /// The authority reports the document void: the level falls to 2 (L-12), and it leads nowhere until this
    /// says that it is not.
    #[serde(default, deserialize_with = "optional_loose")]
    #[schemars(with = "Option<bool>")]
    pub document_void: Option<bool>,
}

pub fn resident_id_card() -> String {
    DocumentType::ResidentIdCard.name().to_owned()
}

/// The level of somebody of whom nothing else is told.
pub fn verified() -> u8 {
    3
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EnterpriseLine {
    /// 20 digits: the true key.
    pub registration_no: String,
    pub uscc: Option<String>,
    /// The number taxes are paid under; absent: the credit code.
    pub tin: Option<String>,
    /// Older numbers it still answers to.
    #[serde(default, deserialize_with = "list")]
    #[schemars(with = "Vec<String>")]
    pub former_numbers: Vec<String>,
    pub name: String,
    #[serde(default = "ordinary")]
    pub kind: EnterpriseKind,
    #[serde(default, deserialize_with = "loose")]
    #[schemars(with = "bool")]
    pub pays_social_insurance: bool,
    /// Under which it pays that: 4 to 20 letters and digits; absent: as it was.
    pub unit_number: Option<String>,
    /// Whose certificates it has been given, by their ids in the realm's `certificates.toml`; absent: as
    /// it was.
    #[serde(default, deserialize_with = "optional_list")]
    #[schemars(with = "Option<Vec<String>>")]
    pub certificate_authorities: Option<Vec<String>>,
    /// Two digits.
    pub status: String,
    pub tax_authority: String,
    /// Six digits; absent: the realm's own.
    pub province: Option<String>,
    /// Addresses, key persons, basic tax information, investors; absent: as they were.
    #[serde(default)]
    pub profile: Option<EnterpriseProfile>,
}

fn ordinary() -> EnterpriseKind {
    EnterpriseKind::Ordinary
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AuthorisationLine {
    pub enterprise: String,
    /// The person's document number; where several people have the same digits on documents of
    /// different kinds, with the kind in front: `taiwan_travel_permit:12345678`.
    pub person: String,
    pub identity_type: String,
    #[serde(default, deserialize_with = "list")]
    #[schemars(with = "Vec<String>")]
    pub permissions: Vec<String>,
    pub valid_from: String,
    pub valid_to: Option<String>,
    /// `active`, `pending_by_person`, …
    #[serde(default = "active")]
    pub state: String,
    /// The document number of the manager who asked.
    pub invited_by: Option<String>,
}

fn active() -> String {
    "active".to_owned()
}

/// An agency, a client enterprise, and who of the staff may act for it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EngagementLine {
    pub agency: String,
    pub client: String,
    pub valid_from: String,
    pub valid_to: Option<String>,
    /// Document numbers.
    #[serde(default, deserialize_with = "list")]
    #[schemars(with = "Vec<String>")]
    pub staff: Vec<String>,
    #[serde(default, deserialize_with = "list")]
    #[schemars(with = "Vec<String>")]
    pub permissions: Vec<String>,
    #[serde(default, deserialize_with = "loose")]
    #[schemars(with = "bool")]
    pub is_ended: bool,
}

/// A cross-region inspection or tax-source registration.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordLine {
    pub enterprise: String,
    pub record_kind: RecordKind,
    pub record_no: String,
    pub project_name: String,
    /// Six digits.
    pub division: String,
    pub tax_authority: String,
    /// Document numbers of those whom the document names.
    #[serde(default, deserialize_with = "list")]
    #[schemars(with = "Vec<String>")]
    pub handlers: Vec<String>,
    /// What these handlers may do.
    #[serde(default, deserialize_with = "list")]
    #[schemars(with = "Vec<String>")]
    pub permissions: Vec<String>,
    pub valid_from: String,
    pub valid_to: Option<String>,
    #[serde(default, deserialize_with = "loose")]
    #[schemars(with = "bool")]
    pub is_closed: bool,
}

/// What the tax service hall has collected of a person who came there with a document.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HallRecordLine {
    pub name: String,
    /// Any of the eleven.
    #[serde(default = "resident_id_card")]
    pub document_type: String,
    pub document: String,
    /// The last day of the document, `long_term`: without end.
    pub document_valid_to: Option<String>,
    /// `male` or `female`; absent: as the number says.
    pub sex: Option<String>,
    /// ISO 3166-1 alpha-3; absent: as the document says.
    pub nationality: Option<String>,
    pub phone: Option<String>,
    /// The officer has compared face and document by sight.
    #[serde(default, deserialize_with = "loose")]
    #[schemars(with = "bool")]
    pub verified_by_sight: bool,
    /// SHA-256 of the portrait that was taken, 64 hexadecimal digits; the picture stays where it is.
    pub portrait: Option<String>,
    /// The day.
    pub collected_on: String,
    /// Who collected it: a name or number of the hall's own.
    pub collected_by: String,
}

#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum Line {
    Person(PersonLine),
    Enterprise(EnterpriseLine),
    Authorisation(AuthorisationLine),
    Engagement(EngagementLine),
    Record(RecordLine),
    HallRecord(HallRecordLine),
}

/// One line with what tells it from others.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The line's key where it comes from.
    pub source_key: String,
    /// Grows with every change there.
    pub version: i64,
    pub line: Line,
}

/// Why a line was not taken, with its field where one is to blame.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Wrong {
    pub field: Option<String>,
    pub reason: String,
}

impl Wrong {
    pub fn field(field: &str, reason: impl ToString) -> Self {
        Self { field: Some(field.to_owned()), reason: reason.to_string() }
    }

    pub fn line(reason: impl ToString) -> Self {
        Self { field: None, reason: reason.to_string() }
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.field {
            Some(field) => write!(f, "{field}: {}", self.reason),
            None => f.write_str(&self.reason),
        }
    }
}

impl Line {
    pub const KINDS: [&'static str; 6] =
        ["person", "enterprise", "authorisation", "engagement", "record", "hall_record"];

    pub fn kind(&self) -> &'static str {
        match self {
            Self::Person(_) => "person",
            Self::Enterprise(_) => "enterprise",
            Self::Authorisation(_) => "authorisation",
            Self::Engagement(_) => "engagement",
            Self::Record(_) => "record",
            Self::HallRecord(_) => "hall_record",
        }
    }

    /// Refuses, in whatever field of whatever kind, a text that nobody could keep or read.
    pub fn check_texts(&self) -> Result<(), Wrong> {
        check_texts("", &serde_json::to_value(self).map_err(Wrong::line)?)
    }
}

/// No name, number or address is longer.
const LONGEST_TEXT: usize = 200;

fn check_texts(field: &str, value: &Value) -> Result<(), Wrong> {
    match value {
        Value::String(text) => check_text(field, text),
        Value::Array(list) => (0..)
            .zip(list)
            .try_for_each(|(at, value)| check_texts(&format!("{field}[{at}]"), value)),
        Value::Object(members) => members.iter().try_for_each(|(name, value)| match field {
            "" => check_texts(name, value),
            outer => check_texts(&format!("{outer}.{name}"), value),
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

fn check_text(field: &str, text: &str) -> Result<(), Wrong> {
    // Line and paragraph separators are no control characters to Unicode, and break lines all the same.
    if text.contains(|c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')) {
        return Err(Wrong::field(field, "control characters and line breaks are not taken"));
    }
    if text.trim().is_empty() {
        return Err(Wrong::field(field, "is empty"));
    }
    match text.chars().count() {
        ..=LONGEST_TEXT => Ok(()),
        _ => Err(Wrong::field(field, format!("more than {LONGEST_TEXT} characters"))),
    }
}

impl Entry {
    /// `kind`: of every line of a file whose lines do not say it themselves in `feed`.
    pub fn parse(kind: Option<&str>, mut fields: Map<String, Value>) -> Result<Self, Wrong> {
        fields.retain(|_, value| !value.is_null() && value.as_str() != Some(""));
        let own = fields.remove("feed");
        let kind = own.as_ref().and_then(Value::as_str).or(kind);
        let kind = kind.ok_or_else(|| Wrong::field("feed", "the kind of the line is missing"))?;
        let source_key = match fields.remove("source_key") {
            Some(Value::String(text)) => text,
            Some(Value::Number(number)) => number.to_string(),
            _ => return Err(Wrong::field("source_key", "1 to 200 characters are needed")),
        };
        check_text("source_key", &source_key)?;
        let version = match fields.remove("version") {
            Some(Value::Number(number)) => number.as_i64(),
            Some(Value::String(text)) => text.trim().parse().ok(),
            _ => None,
        };
        let version = version.ok_or_else(|| Wrong::field("version", "an integer is needed"))?;
        let fields = Value::Object(fields);
        let line = match kind {
            "person" => Line::Person(of(fields)?),
            "enterprise" => Line::Enterprise(of(fields)?),
            "authorisation" => Line::Authorisation(of(fields)?),
            "engagement" => Line::Engagement(of(fields)?),
            "record" => Line::Record(of(fields)?),
            "hall_record" => Line::HallRecord(of(fields)?),
            // What stands there may be somebody's number, in a file whose columns have moved.
            _ => {
                let known = Line::KINDS.join(", ");
                return Err(Wrong::field("feed", format!("it is none of {known}")));
            }
        };
        Ok(Self { source_key, version, line })
    }
}

fn of<T: DeserializeOwned>(fields: Value) -> Result<T, Wrong> {
    serde_json::from_value(fields).map_err(|error| shapeless(&error))
}

/// Why a line has not the shape of its kind; a value may be somebody's number, and is left out.
fn shapeless(error: &serde_json::Error) -> Wrong {
    let text = error.to_string();
    let starts = ["invalid type", "invalid value", "unknown variant"];
    let shows_value = starts.iter().any(|start| text.starts_with(start));
    match text.rsplit_once(", expected ").filter(|_| shows_value) {
        Some((_, expected)) => Wrong::line(format!("a value is not what it should be: {expected}")),
        None => Wrong::line(text),
    }
}

/// Several words in one cell of a table, or a list.
fn list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        List(Vec<String>),
        Words(String),
    }
    Ok(match Either::deserialize(deserializer)? {
        Either::List(list) => list,
        Either::Words(words) => words.split_whitespace().map(str::to_owned).collect(),
    })
}

/// The same where nothing is told.
fn optional_list<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Vec<String>>, D::Error> {
    list(deserializer).map(Some)
}

/// A number or a yes, also as text: tables hold nothing else.
fn loose<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr + Deserialize<'de>,
    T::Err: fmt::Display,
{
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either<T> {
        Value(T),
        Text(String),
    }
    match Either::deserialize(deserializer)? {
        Either::Value(value) => Ok(value),
        Either::Text(text) => text.trim().parse().map_err(serde::de::Error::custom),
    }
}

/// The same where nothing is told.
fn optional_loose<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr + Deserialize<'de>,
    T::Err: fmt::Display,
{
    loose(deserializer).map(Some)
}
