//! Numbers of inspections and tax-source registrations: no public rule is known, so they are opaque
//! texts (docs/formats.md), kept as the document has them.

use std::hash::{Hash, Hasher};

use super::{NumberError, normalise};

/// 1 to 60 characters; brackets of every shape are one (`〔2026〕` is `[2026]`).
#[derive(Clone, Debug)]
pub struct RecordNumber {
    text: String,
    form: String,
}

impl RecordNumber {
    pub fn parse(text: &str) -> Result<Self, NumberError> {
        if text.contains(char::is_control) {
            return Err(NumberError::Character);
        }
        let number = Self::kept(text);
        let is_right = (1..=60).contains(&number.form.chars().count());
        is_right.then_some(number).ok_or(NumberError::Length)
    }

    /// A number that was taken before.
    pub fn kept(text: &str) -> Self {
        let form =
            normalise(text).replace(['〔', '【', '「'], "[").replace(['〕', '】', '」'], "]");
        Self { text: text.trim().to_owned(), form }
    }

    /// As the document has it.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The form in which two numbers are the same.
    pub fn comparable(&self) -> &str {
        &self.form
    }
}

impl PartialEq for RecordNumber {
    fn eq(&self, other: &Self) -> bool {
        self.form == other.form
    }
}

impl Eq for RecordNumber {}

impl Hash for RecordNumber {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.form.hash(state);
    }
}
