//! Phone numbers, kept as E.164.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{NumberError, normalise};

/// `+8613800138000`
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Phone(String);

/// Ranges of machines: nobody reads a text message there.
const DATA_ONLY: [&str; 5] = ["140", "141", "1440", "146", "148"];

impl Phone {
    /// A mainland mobile number with or without `+86`, or any E.164 number with its `+`; one that
    /// somebody may have from now on.
    pub fn parse(text: &str) -> Result<Self, NumberError> {
        let phone = Self::asked(text)?;
        let is_data_only = phone.is_mainland()
            && DATA_ONLY.iter().any(|range| phone.national().starts_with(range));
        if is_data_only { Err(NumberError::Kind) } else { Ok(phone) }
    }

    /// The same to look for what is bound: whoever gave a number that is refused by now still has it.
    pub fn asked(text: &str) -> Result<Self, NumberError> {
        let text = normalise(text);
        if let Some(national) = text.strip_prefix("+86") {
            return Self::mainland(national);
        }
        match text.strip_prefix('+') {
            Some(rest) => {
                let digits = (7..=15).contains(&rest.len())
                    && rest.chars().all(|c| c.is_ascii_digit())
                    && !rest.starts_with('0');
                digits.then(|| Self(text.clone())).ok_or(NumberError::Character)
            }
            None => Self::mainland(&text),
        }
    }

    /// `^1[3-9]\d{9}$`; the operators' ranges change too often to list.
    fn mainland(text: &str) -> Result<Self, NumberError> {
        if text.len() != 11 {
            return Err(NumberError::Length);
        }
        let mut characters = text.chars();
        let first = characters.next() == Some('1');
        let second = characters.next().is_some_and(|c| ('3'..='9').contains(&c));
        if !first || !second || !characters.all(|c| c.is_ascii_digit()) {
            return Err(NumberError::Character);
        }
        Ok(Self(format!("+86{text}")))
    }

    /// One that was kept: it stays what it is, whatever is refused by now.
    pub fn kept(text: &str) -> Result<Self, NumberError> {
        let digits = text.strip_prefix('+').ok_or(NumberError::Character)?;
        let is_number =
            (7..=15).contains(&digits.len()) && digits.bytes().all(|c| c.is_ascii_digit());
        is_number.then(|| Self(text.to_owned())).ok_or(NumberError::Character)
    }

    /// Of the mainland, whose people give no other.
    pub fn is_mainland(&self) -> bool {
        self.0.starts_with("+86")
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Without `+86` for mainland numbers: what people type and read.
    pub fn national(&self) -> &str {
        self.0.strip_prefix("+86").unwrap_or(&self.0)
    }
}

impl fmt::Display for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
