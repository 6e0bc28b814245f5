//! Usernames: a space of their own beside documents and phones (DEC-20).

use std::hash::{Hash, Hasher};

use unicode_normalization::UnicodeNormalization;

use super::document::looks_like_a_document;
use super::{NumberError, is_invisible};
use crate::base::clock::Day;

/// A letter, then 3 to 29 letters, digits, `_`, `.` or `-`; kept as typed, compared in lower case.
#[derive(Clone, Debug)]
pub struct Username(String);

impl Username {
    pub fn parse(text: &str) -> Result<Self, NumberError> {
        let text: String = text.nfkc().filter(|c| !is_invisible(*c)).collect();
        let text = text.trim();
        if !(4..=30).contains(&text.chars().count()) {
            return Err(NumberError::Length);
        }
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
        if !text.starts_with(|c: char| c.is_ascii_alphabetic()) || !text.chars().all(allowed) {
            return Err(NumberError::Character);
        }
        Ok(Self(text.to_owned()))
    }

    /// A name that somebody takes for themself: not one that could be a document's number.
    pub fn choose(text: &str, today: Day) -> Result<Self, NumberError> {
        let name = Self::parse(text)?;
        match looks_like_a_document(&name.0, today) {
            true => Err(NumberError::Kind),
            false => Ok(name),
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form in which two usernames are the same.
    pub fn folded(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

impl PartialEq for Username {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for Username {}

impl Hash for Username {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.folded().hash(state);
    }
}
