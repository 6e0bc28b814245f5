//! One-time codes as people type them: copied with blanks from a message, in full-width digits, in
//! groups. A text that is no code is told before it costs a try.

use super::{NumberError, normalise};
use crate::base::secret::Secret;

/// Six digits, sent or shown by an authenticator app.
#[derive(Clone, Debug)]
pub struct OneTimeCode(Secret);

impl OneTimeCode {
    pub fn parse(text: &str) -> Result<Self, NumberError> {
        let text = normalise(text);
        if text.len() != 6 {
            return Err(NumberError::Length);
        }
        let is_right = text.chars().all(|c| c.is_ascii_digit());
        is_right.then(|| Self(Secret::new(text))).ok_or(NumberError::Character)
    }

    pub fn secret(&self) -> &Secret {
        &self.0
    }
}

/// Ten letters and digits in two groups, given out beside an authenticator app.
#[derive(Clone, Debug)]
pub struct RecoveryCode(Secret);

impl RecoveryCode {
    pub fn parse(text: &str) -> Result<Self, NumberError> {
        let text = normalise(text);
        if text.len() != 10 || !text.chars().all(|c| c.is_ascii_alphanumeric()) {
            return Err(NumberError::Character);
        }
        let (first, second) = text.split_at(5);
        Ok(Self(Secret::new(format!("{first}-{second}"))))
    }

    pub fn secret(&self) -> &Secret {
        &self.0
    }
}
