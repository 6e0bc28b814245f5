//! Names of enterprises as their people write them, kept as given and compared by one form.

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

use super::name::is_han;
use super::{NumberError, is_invisible};

/// Characters at most; a text of more bytes than so many can have is not looked at.
const LONGEST: usize = 200;

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EnterpriseName(String);

impl EnterpriseName {
    /// In Chinese: 2 to 200 characters, one of them Han.
    pub fn chinese(text: &str) -> Result<Self, NumberError> {
        let name = Self::parse(text)?;
        name.0.contains(is_han).then_some(name).ok_or(NumberError::Character)
    }

    /// As it is at home: 2 to 200 characters with a letter of any script.
    pub fn foreign(text: &str) -> Result<Self, NumberError> {
        Self::parse(text)
    }

    fn parse(text: &str) -> Result<Self, NumberError> {
        if text.len() > 4 * LONGEST {
            return Err(NumberError::Length);
        }
        if text.contains(char::is_control) {
            return Err(NumberError::Character);
        }
        let text: String = text.nfc().filter(|c| !is_invisible(*c)).collect();
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if !(2..=LONGEST).contains(&text.chars().count()) {
            return Err(NumberError::Length);
        }
        text.contains(char::is_alphabetic).then_some(Self(text)).ok_or(NumberError::Character)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form in which two names are the same.
    pub fn comparable(&self) -> String {
        compared(&self.0)
    }
}

/// Letters and digits alone, upper case, without marks: `Acmé Co., Ltd.` is `ACME CO LTD`.
pub fn compared(name: &str) -> String {
    let folded = name.nfkc().flat_map(char::to_uppercase).nfkd();
    folded.filter(|c| c.is_alphanumeric()).nfc().collect()
}
