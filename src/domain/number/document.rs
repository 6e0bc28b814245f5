//! The eleven identity documents (R-17, D-01..D-03) and the rules of their numbers.

use std::hash::{Hash, Hasher};

use serde::{Deserialize, Serialize};

use crate::base::clock::Day;

use super::check::{mod_10_731, mod_11_2};
use super::country::{self, CHINA};
use super::division::is_province;
use super::resident::{ResidentNumber, Sex, birth_date, from_first_generation};
use super::{NumberError, normalise};

/// A kind of document; the text is its name in files and the database.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DocumentType {
    ResidentIdCard,
    TaiwanResidencePermit,
    HkMacaoResidencePermit,
    TaiwanTravelPermit,
    HkMacaoTravelPermit,
    ChinesePassport,
    ForeignPermanentResidentId,
    ForeignPassport,
    ForeignWorkPermitA,
    ForeignWorkPermitB,
    ForeignWorkPermitC,
}

impl DocumentType {
    pub const ALL: [Self; 11] = [
        Self::ResidentIdCard,
        Self::TaiwanResidencePermit,
        Self::HkMacaoResidencePermit,
        Self::TaiwanTravelPermit,
        Self::HkMacaoTravelPermit,
        Self::ChinesePassport,
        Self::ForeignPermanentResidentId,
        Self::ForeignPassport,
        Self::ForeignWorkPermitA,
        Self::ForeignWorkPermitB,
        Self::ForeignWorkPermitC,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::ResidentIdCard => "resident_id_card",
            Self::TaiwanResidencePermit => "taiwan_residence_permit",
            Self::HkMacaoResidencePermit => "hk_macao_residence_permit",
            Self::TaiwanTravelPermit => "taiwan_travel_permit",
            Self::HkMacaoTravelPermit => "hk_macao_travel_permit",
            Self::ChinesePassport => "chinese_passport",
            Self::ForeignPermanentResidentId => "foreign_permanent_resident_id",
            Self::ForeignPassport => "foreign_passport",
            Self::ForeignWorkPermitA => "foreign_work_permit_a",
            Self::ForeignWorkPermitB => "foreign_work_permit_b",
            Self::ForeignWorkPermitC => "foreign_work_permit_c",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// What two cards of the same person share of a number as it is kept.
    pub fn comparable(self, number: &str) -> &str {
        let kept = match self {
            Self::HkMacaoTravelPermit => 9,
            Self::TaiwanTravelPermit => 8,
            _ => number.len(),
        };
        number.get(..kept).unwrap_or(number)
    }

    /// The tax core's code for this document.
    pub fn national_code(self) -> &'static str {
        match self {
            Self::ResidentIdCard => "201",
            Self::TaiwanResidencePermit => "238",
            Self::HkMacaoResidencePermit => "237",
            Self::TaiwanTravelPermit => "213",
            Self::HkMacaoTravelPermit => "210",
            Self::ChinesePassport => "227",
            Self::ForeignPermanentResidentId => "233",
            Self::ForeignPassport => "208",
            Self::ForeignWorkPermitA => "239",
            Self::ForeignWorkPermitB => "240",
            Self::ForeignWorkPermitC => "241",
        }
    }

    /// Passports and travel permits are never for ever.
    pub fn always_ends(self) -> bool {
        matches!(
            self,
            Self::TaiwanTravelPermit
                | Self::HkMacaoTravelPermit
                | Self::ChinesePassport
                | Self::ForeignPassport
        )
    }

    /// Whether it may be added online; the others are collected in the hall (D-03).
    pub fn is_online(self) -> bool {
        !matches!(
            self,
            Self::ForeignPassport
                | Self::ForeignWorkPermitA
                | Self::ForeignWorkPermitB
                | Self::ForeignWorkPermitC
        )
    }
}

/// A number that fits its document, and what it carries. Two are equal when they are of one
/// kind and one person's: renewal counts do not matter, equal digits of two kinds do not meet.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DocumentNumber {
    pub kind: DocumentType,
    text: String,
    pub sex: Option<Sex>,
    pub birth_date: Option<Day>,
    /// The rule for this old form is not official: accepted, to be looked at.
    pub is_doubtful: bool,
}

impl DocumentNumber {
    pub fn parse(kind: DocumentType, text: &str, today: Day) -> Result<Self, NumberError> {
        let text = normalise(text);
        match kind {
            DocumentType::ResidentIdCard
                if ["81", "82", "83"].iter().any(|p| text.starts_with(p)) =>
            {
                Err(NumberError::Kind)
            }
            DocumentType::ResidentIdCard => {
                ResidentNumber::parse(&text, today).map(|number| Self::resident(kind, &number))
            }
            DocumentType::HkMacaoResidencePermit => {
                ResidentNumber::parse_permit(&text, &["810000", "820000"], today)
                    .map(|number| Self::resident(kind, &number))
            }
            DocumentType::TaiwanResidencePermit => {
                ResidentNumber::parse_permit(&text, &["830000"], today)
                    .map(|number| Self::resident(kind, &number))
            }
            DocumentType::ForeignPermanentResidentId => permanent_resident(kind, &text, today),
            DocumentType::TaiwanTravelPermit => {
                Self::shaped(kind, without_issue_letter(&text), is_taiwan_travel)
            }
            DocumentType::HkMacaoTravelPermit => Self::shaped(kind, &text, is_hk_macao_travel),
            DocumentType::ChinesePassport => Self::shaped(kind, &text, is_chinese_passport),
            DocumentType::ForeignPassport => {
                Self::shaped(kind, &text, |text| is_alphanumeric(text, 5..=20))
            }
            DocumentType::ForeignWorkPermitA
            | DocumentType::ForeignWorkPermitB
            | DocumentType::ForeignWorkPermitC => {
                Self::shaped(kind, &text, |text| is_alphanumeric(text, 6..=20))
            }
        }
    }

    fn resident(kind: DocumentType, number: &ResidentNumber) -> Self {
        Self {
            kind,
            text: number.as_str().to_owned(),
            sex: Some(number.sex),
            birth_date: Some(number.birth_date),
            is_doubtful: false,
        }
    }

    fn shaped(
        kind: DocumentType,
        text: &str,
        fits: impl Fn(&str) -> bool,
    ) -> Result<Self, NumberError> {
        if !fits(text) {
            return Err(NumberError::Character);
        }
        Ok(Self { kind, text: text.to_owned(), sex: None, birth_date: None, is_doubtful: false })
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// ISO 3166-1 alpha-3, where the document says it: residents and travel permits are Chinese, a
    /// permanent resident's number names the country.
    pub fn nationality(&self) -> Option<&'static str> {
        match self.kind {
            DocumentType::ResidentIdCard
            | DocumentType::TaiwanResidencePermit
            | DocumentType::HkMacaoResidencePermit
            | DocumentType::TaiwanTravelPermit
            | DocumentType::HkMacaoTravelPermit
            | DocumentType::ChinesePassport => Some(CHINA),
            DocumentType::ForeignPermanentResidentId => {
                let found = match self.text.len() {
                    18 => self.text.get(3..6).and_then(country::by_numeric),
                    _ => self.text.get(..3).and_then(country::by_alpha),
                };
                found.map(|country| country.alpha)
            }
            DocumentType::ForeignPassport
            | DocumentType::ForeignWorkPermitA
            | DocumentType::ForeignWorkPermitB
            | DocumentType::ForeignWorkPermitC => None,
        }
    }

    /// What two cards of the same person share: renewal counts of travel permits are left out.
    /// Means something beside the kind alone.
    pub fn comparable(&self) -> &str {
        self.kind.comparable(&self.text)
    }

    /// Everything that a number without a kind can be (E-04). A resident number of the first
    /// generation is read as the one that it became: good for finding people, never for adding them.
    pub fn candidates(text: &str, today: Day) -> Vec<Self> {
        let converted = from_first_generation(text);
        let resident = converted
            .and_then(|number| Self::parse(DocumentType::ResidentIdCard, &number, today).ok());
        let kinds = DocumentType::ALL.into_iter();
        kinds.filter_map(|kind| Self::parse(kind, text, today).ok()).chain(resident).collect()
    }

    /// The same, with its kind in front where the digits alone would be several people's:
    /// `taiwan_travel_permit:12345678`.
    pub fn referred_to(text: &str, today: Day) -> Vec<Self> {
        let kind = text.split_once(':').map(|(kind, number)| (DocumentType::parse(kind), number));
        match kind {
            Some((Some(kind), number)) => Self::parse(kind, number, today).into_iter().collect(),
            _ => Self::candidates(text, today),
        }
    }
}

impl PartialEq for DocumentNumber {
    fn eq(&self, other: &Self) -> bool {
        (self.kind, self.comparable()) == (other.kind, other.comparable())
    }
}

impl Eq for DocumentNumber {}

impl Hash for DocumentNumber {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.kind, self.comparable()).hash(state);
    }
}

/// The password of an imported account that never set one (DEC-2): the last six characters.
pub fn initial_password(number: &str) -> &str {
    let start = number.char_indices().rev().nth(5).map_or(0, |(at, _)| at);
    number.get(start..).unwrap_or(number)
}

/// Whether a text could be one of the documents; usernames must not (DEC-20).
pub fn looks_like_a_document(text: &str, today: Day) -> bool {
    DocumentType::ALL
        .into_iter()
        .filter(|kind| kind.is_online())
        .any(|kind| DocumentNumber::parse(kind, text, today).is_ok())
}

fn permanent_resident(
    kind: DocumentType,
    text: &str,
    today: Day,
) -> Result<DocumentNumber, NumberError> {
    match text.len() {
        18 => new_permanent_resident(kind, text, today),
        15 => old_permanent_resident(kind, text),
        _ => Err(NumberError::Length),
    }
}

/// Since 2023: `9`, province, nationality (ISO 3166-1 numeric), birth date, sequence, check.
fn new_permanent_resident(
    kind: DocumentType,
    text: &str,
    today: Day,
) -> Result<DocumentNumber, NumberError> {
    let (body, check) = text.split_at_checked(17).ok_or(NumberError::Character)?;
    let expected = mod_11_2(body.as_bytes()).ok_or(NumberError::Character)?;
    if !body.starts_with('9') || !is_province(&body[1..3]) {
        return Err(NumberError::Division);
    }
    let birth_date = birth_date(&body[6..14], today)?;
    if !check.starts_with(expected) {
        return Err(NumberError::Check);
    }
    let odd = body.ends_with(['1', '3', '5', '7', '9']);
    Ok(DocumentNumber {
        kind,
        text: text.to_owned(),
        sex: Some(if odd { Sex::Male } else { Sex::Female }),
        birth_date: Some(birth_date),
        is_doubtful: false,
    })
}

/// Before: nationality (alpha-3), division, birth date, sequence, check. The check rule is not
/// official, so a wrong check makes the number doubtful, not refused.
fn old_permanent_resident(kind: DocumentType, text: &str) -> Result<DocumentNumber, NumberError> {
    let (body, check) = text.split_at_checked(14).ok_or(NumberError::Character)?;
    let letters = body.chars().take(3).all(|c| c.is_ascii_uppercase());
    let digits = body.chars().skip(3).all(|c| c.is_ascii_digit());
    let check = check.parse::<u32>().map_err(|_| NumberError::Character)?;
    if !letters || !digits {
        return Err(NumberError::Character);
    }
    let is_doubtful = mod_10_731(body) != Some(check);
    Ok(DocumentNumber { kind, text: text.to_owned(), sex: None, birth_date: None, is_doubtful })
}

fn is_alphanumeric(text: &str, lengths: std::ops::RangeInclusive<usize>) -> bool {
    lengths.contains(&text.len()) && text.chars().all(|c| c.is_ascii_alphanumeric())
}

fn digits(text: &str, count: usize) -> bool {
    text.len() == count && text.chars().all(|c| c.is_ascii_digit())
}

/// Older cards print `(A)` behind the issue count; people type it or leave it out.
fn without_issue_letter(text: &str) -> &str {
    match text.as_bytes() {
        [number @ .., b'(', b'A'..=b'Z', b')'] => text.get(..number.len()).unwrap_or(text),
        _ => text,
    }
}

/// R2, and R3 with an issue count.
fn is_taiwan_travel(text: &str) -> bool {
    digits(text, 8) || digits(text, 10)
}

/// R1, and the newer cards with a letter in second place.
fn is_hk_macao_travel(text: &str) -> bool {
    let Some(rest) = text.strip_prefix(['H', 'M']) else { return false };
    let lettered = rest.starts_with(|c: char| c.is_ascii_uppercase() && !matches!(c, 'I' | 'O'));
    digits(rest, 8)
        || digits(rest, 10)
        || (lettered && rest.get(1..).is_some_and(|rest| digits(rest, 7)))
}

/// R4: ordinary, diplomatic, service, public-affairs passports and those of the two regions.
fn is_chinese_passport(text: &str) -> bool {
    let after = |prefix: &str| text.strip_prefix(prefix);
    let letter_and_seven = |rest: &str| {
        rest.starts_with(|c: char| c.is_ascii_uppercase() && !matches!(c, 'I' | 'O'))
            && rest.get(1..).is_some_and(|rest| digits(rest, 7))
    };
    let official = |rest: &str| digits(rest.strip_prefix(['E', '.']).unwrap_or(rest), 7);
    after("E").is_some_and(|rest| digits(rest, 8) || letter_and_seven(rest))
        || after("G").is_some_and(|rest| digits(rest, 8))
        || ["14", "15"].iter().any(|prefix| after(prefix).is_some_and(|rest| digits(rest, 7)))
        || ["D", "S", "P"].iter().any(|prefix| after(prefix).is_some_and(official))
        || ["S", "P"].iter().any(|prefix| after(prefix).is_some_and(|rest| digits(rest, 8)))
        || after("K").is_some_and(|rest| {
            rest.len() == 8
                && rest.starts_with(|c: char| c.is_ascii_alphanumeric())
                && rest.get(1..).is_some_and(|rest| digits(rest, 7))
        })
        || after("H").is_some_and(|rest| digits(rest, 8))
        || after("MA").is_some_and(|rest| digits(rest, 7))
}
