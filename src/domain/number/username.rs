//! Usernames: a space of their own beside documents and phones (DEC-20).

use crate::base::clock::Day;

use super::NumberError;
use super::document::looks_like_a_document;

/// A letter, then 3 to 29 letters, digits, `_`, `.` or `-`; kept as typed, compared in lower case.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Username(String);

impl Username {
    pub fn parse(text: &str, today: Day) -> Result<Self, NumberError> {
        let text = text.trim();
        if !(4..=30).contains(&text.chars().count()) {
            return Err(NumberError::Length);
        }
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
        if !text.starts_with(|c: char| c.is_ascii_alphabetic()) || !text.chars().all(allowed) {
            return Err(NumberError::Character);
        }
        if looks_like_a_document(text, today) {
            return Err(NumberError::Kind);
        }
        Ok(Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form in which two usernames are the same.
    pub fn folded(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}
