//! Taxpayer identification numbers in all their historic forms. The form only gives early hints:
//! the registry look-up decides, so an odd old number that is registered still works.

use serde::{Deserialize, Serialize};

use super::uscc::{self, Uscc};
use super::{NumberError, normalise};

/// What the form of a number says about it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TaxpayerNumberKind {
    /// With a unified social credit code, that code is the number (STA 2015 no. 66).
    Uscc,
    /// Six digits of division and an organisation code.
    OldOrganisation,
    /// A document number and a two-digit sequence.
    SelfEmployed,
    /// `L` before a code or document number.
    Temporary,
    /// Begins with `F`: a non-resident enterprise's identity code.
    NonResident,
    /// A length and characters that occur, no more is known.
    Other,
}

/// A number that an enterprise answers to, normalised: index and look-up know this form alone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct TaxpayerNumber(String);

impl TaxpayerNumber {
    /// What a person types into an enterprise-number field: mistakes are found before the registry
    /// is asked.
    pub fn parse(text: &str) -> Result<Self, NumberError> {
        let Self(text) = Self::registered(text)?;
        let lenient = text.starts_with('F') && (10..=20).contains(&text.len());
        if !lenient && ![15, 17, 18, 19, 20].contains(&text.len()) {
            return Err(NumberError::Length);
        }
        // Eighteen characters in the shape of a credit code must be one: a typing mistake is
        // found before the registry is asked. Others are left to the registry.
        if text.len() == 18 && text.starts_with('9') {
            match Uscc::parse(&text) {
                Err(NumberError::Check) => return Err(NumberError::Check),
                Err(NumberError::Character) => return Err(NumberError::Character),
                _ => {}
            }
        }
        Ok(Self(text))
    }

    /// What the registry or an application says: 1 to 30 letters and digits, for historic numbers
    /// have every form.
    pub fn registered(text: &str) -> Result<Self, NumberError> {
        let text = normalise(text);
        if !text.chars().all(|c| c.is_ascii_alphanumeric()) {
            return Err(NumberError::Character);
        }
        (1..=30).contains(&text.len()).then_some(Self(text)).ok_or(NumberError::Length)
    }

    /// What somebody asks for, or was taken before: a text of no such form is a number that nobody
    /// answers to.
    pub fn asked(text: &str) -> Self {
        Self(normalise(text))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn kind(&self) -> TaxpayerNumberKind {
        let text = self.0.as_str();
        if text.starts_with('F') {
            TaxpayerNumberKind::NonResident
        } else if text.starts_with('L') {
            TaxpayerNumberKind::Temporary
        } else if Uscc::parse(text).is_ok() {
            TaxpayerNumberKind::Uscc
        } else if text.len() == 15 && text.get(6..).is_some_and(uscc::is_organisation_code) {
            TaxpayerNumberKind::OldOrganisation
        } else if text.len() == 20 || text.len() == 17 {
            TaxpayerNumberKind::SelfEmployed
        } else {
            TaxpayerNumberKind::Other
        }
    }
}

impl From<String> for TaxpayerNumber {
    fn from(text: String) -> Self {
        Self::asked(&text)
    }
}

impl From<TaxpayerNumber> for String {
    fn from(number: TaxpayerNumber) -> Self {
        number.0
    }
}

/// Our own non-resident codes: `FJ`, division, country (ISO 3166-1 numeric), sequence, check.
pub fn non_resident_code(
    division: u32,
    country: u32,
    sequence: u32,
) -> Result<String, NumberError> {
    if division > 999_999 || country > 999 || sequence > 999_999 {
        return Err(NumberError::Length);
    }
    let body = format!("FJ{division:06}{country:03}{sequence:06}");
    let check = uscc::check_character(&body)?;
    Ok(format!("{body}{check}"))
}
