//! A person's postal address, as they write it: one line, told apart by nobody but people.

use serde::{Deserialize, Serialize};

use super::{NumberError, is_invisible};

/// 1 to 200 characters without control characters or line breaks.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PostalAddress(String);

impl PostalAddress {
    pub fn parse(text: &str) -> Result<Self, NumberError> {
        let text: String = text.chars().filter(|c| !is_invisible(*c)).collect();
        let text = text.trim();
        if text.chars().any(char::is_control) {
            return Err(NumberError::Character);
        }
        let is_short = (1..=200).contains(&text.chars().count());
        is_short.then(|| Self(text.to_owned())).ok_or(NumberError::Length)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}
