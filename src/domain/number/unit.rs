//! The numbers under which units pay social insurance (单位编号, I-02): a space of its own beside
//! taxpayer numbers, given by each province in its own form, so that the registry decides.

use super::{NumberError, normalise};

/// 4 to 20 letters and digits, normalised.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UnitNumber(String);

impl UnitNumber {
    pub fn parse(text: &str) -> Result<Self, NumberError> {
        let text = normalise(text);
        if !text.chars().all(|c| c.is_ascii_alphanumeric()) {
            return Err(NumberError::Character);
        }
        (4..=20).contains(&text.len()).then_some(Self(text)).ok_or(NumberError::Length)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}
