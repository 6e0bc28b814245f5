//! The number under which an enterprise is known where it is at home: of its tax authority, or of its
//! register where the country issues no tax number. Every country has forms of its own.

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

use super::{NumberError, is_invisible, normalise};

/// Which of the two it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HomeNumberKind {
    Tax,
    /// The country issues no tax number.
    Registration,
}

impl HomeNumberKind {
    pub const ALL: [Self; 2] = [Self::Tax, Self::Registration];

    pub fn name(self) -> &'static str {
        match self {
            Self::Tax => "tax",
            Self::Registration => "registration",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HomeNumber(String);

impl HomeNumber {
    /// 2 to 40 letters, digits, blanks, and `-./`, two of them letters or digits.
    pub fn parse(text: &str) -> Result<Self, NumberError> {
        if text.len() > 200 {
            return Err(NumberError::Length);
        }
        if text.contains(char::is_control) {
            return Err(NumberError::Character);
        }
        let text: String = text.nfkc().filter(|c| !is_invisible(*c)).collect();
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if !(2..=40).contains(&text.chars().count()) {
            return Err(NumberError::Length);
        }
        let fits = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '.' | '/');
        if !text.chars().all(fits) {
            return Err(NumberError::Character);
        }
        let number = Self(text);
        (number.comparable().chars().count() >= 2).then_some(number).ok_or(NumberError::Length)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form in which two numbers of one country are the same.
    pub fn comparable(&self) -> String {
        normalise(&self.0).chars().filter(|c| c.is_alphanumeric()).collect()
    }
}
