//! Unified social credit codes (GB 32100-2015) and the organisation codes inside them (GB 11714).

use std::fmt;

use super::{NumberError, normalise};

const ALPHABET: &str = "0123456789ABCDEFGHJKLMNPQRTUWXY";
const WEIGHTS: [usize; 17] = [1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28];

/// A valid code of 18 characters.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Uscc(String);

impl Uscc {
    pub fn parse(text: &str) -> Result<Self, NumberError> {
        let text = normalise(text);
        if text.chars().count() != 18 {
            return Err(NumberError::Length);
        }
        if !text.chars().skip(2).take(6).all(|c| c.is_ascii_digit()) {
            return Err(NumberError::Character);
        }
        let check = check_character(&text)?;
        if !text.ends_with(check) {
            return Err(NumberError::Check);
        }
        Ok(Self(text))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The nine characters of the organisation code.
    pub fn organisation_code(&self) -> &str {
        self.0.get(8..17).unwrap_or_default()
    }

    /// Old data hold codes whose inner check is wrong; the registry decides, we only warn.
    pub fn inner_check_is_right(&self) -> bool {
        is_organisation_code(self.organisation_code())
    }
}

impl fmt::Display for Uscc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The 18th character for the first 17 (the outer `mod 31` turns remainder 0 into `0`).
pub fn check_character(text: &str) -> Result<char, NumberError> {
    let mut sum = 0;
    for (position, c) in text.chars().enumerate() {
        let value = ALPHABET.find(c).ok_or(NumberError::Character)?;
        sum += WEIGHTS.get(position).map_or(0, |weight| value * weight);
    }
    ALPHABET.chars().nth((31 - sum % 31) % 31).ok_or(NumberError::Check)
}

/// GB 11714: eight characters and a check, `X` for 10.
pub fn is_organisation_code(text: &str) -> bool {
    const WEIGHTS: [u32; 8] = [3, 7, 9, 10, 5, 8, 4, 2];
    let mut characters = text.chars();
    let mut sum = 0;
    for weight in WEIGHTS {
        let Some(value) = characters.next().and_then(|c| c.to_digit(36)) else { return false };
        sum += value * weight;
    }
    let check = match 11 - sum % 11 {
        10 => 'X',
        11 => '0',
        digit => char::from_digit(digit, 10).unwrap_or('?'),
    };
    characters.next() == Some(check) && characters.next().is_none()
}
