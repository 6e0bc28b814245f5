//! Resident identity numbers (GB 11643-1999) and the permits that share their form.

use serde::{Deserialize, Serialize};

use crate::base::clock::Day;

use super::check::mod_11_2;
use super::division::is_province;
use super::{NumberError, normalise};

/// What a resident number itself tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sex {
    Female,
    Male,
}

impl Sex {
    pub fn name(self) -> &'static str {
        match self {
            Self::Female => "female",
            Self::Male => "male",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        [Self::Female, Self::Male].into_iter().find(|sex| sex.name() == name)
    }
}

/// A valid number of 18 characters and what it carries.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ResidentNumber {
    text: String,
    pub sex: Sex,
    pub birth_date: Day,
}

impl ResidentNumber {
    /// `today` bounds the date of birth.
    pub fn parse(text: &str, today: Day) -> Result<Self, NumberError> {
        let number = Self::parse_with(text, today, is_province)?;
        Ok(number)
    }

    /// A residence permit: `810000`, `820000` (Hong Kong, Macao) or `830000` (Taiwan).
    pub fn parse_permit(text: &str, prefixes: &[&str], today: Day) -> Result<Self, NumberError> {
        let text = normalise(text);
        if !prefixes.iter().any(|prefix| text.starts_with(prefix)) {
            return Err(NumberError::Division);
        }
        Self::parse_with(&text, today, |_| true)
    }

    fn parse_with(
        text: &str,
        today: Day,
        division: impl Fn(&str) -> bool,
    ) -> Result<Self, NumberError> {
        let text = normalise(text);
        if text.len() != 18 {
            return Err(NumberError::Length);
        }
        let (body, check) = text.split_at_checked(17).ok_or(NumberError::Character)?;
        let expected = mod_11_2(body.as_bytes()).ok_or(NumberError::Character)?;
        if !division(&body[..2]) {
            return Err(NumberError::Division);
        }
        let birth_date = birth_date(&body[6..14], today)?;
        if !check.starts_with(expected) {
            return Err(NumberError::Check);
        }
        let odd = body.ends_with(['1', '3', '5', '7', '9']);
        let sex = if odd { Sex::Male } else { Sex::Female };
        Ok(Self { text, sex, birth_date })
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// `YYYYMMDD`, a real day, not before 1900 and not after `today`.
pub(super) fn birth_date(digits: &str, today: Day) -> Result<Day, NumberError> {
    let part =
        |range: std::ops::Range<usize>| digits.get(range).and_then(|d| d.parse::<u32>().ok());
    let (year, month, day) = (part(0..4), part(4..6), part(6..8));
    let (Some(year), Some(month), Some(day)) = (year, month, day) else {
        return Err(NumberError::Character);
    };
    let date = i32::try_from(year).ok().and_then(|year| Day::from_ymd(year, month, day));
    date.filter(|date| year >= 1900 && *date <= today).ok_or(NumberError::Date)
}

/// First-generation numbers of 15 digits became 18: accepted for imported data only.
pub fn from_first_generation(text: &str) -> Option<String> {
    let text = normalise(text);
    if text.len() != 15 || !text.chars().all(|c| c.is_ascii_digit()) {
        return None;
    }
    let body = format!("{}19{}", text.get(..6)?, text.get(6..)?);
    let check = mod_11_2(body.as_bytes())?;
    Some(format!("{body}{check}"))
}
