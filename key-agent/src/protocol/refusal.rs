//! What is answered instead: a stable code, which the page turns into words. A detail is for whoever
//! helps the person; it never holds what was typed.

use serde::Serialize;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Code {
    OriginNotAllowed,
    /// Not a request of this protocol.
    RequestInvalid,
    SessionExpired,
    NoDriver,
    NoToken,
    NoCertificate,
    KeyNotFound,
    /// No PIN came, or the last try is left and nobody has confirmed it (`tries_left` is 1).
    PinRequired,
    PinIncorrect,
    /// By the token, or for `retry_in` seconds by this agent.
    PinLocked,
    PinLength,
    PinUnchanged,
    UserCancelled,
    ChallengeInvalid,
    /// The token or its driver failed.
    Backend,
}

impl Code {
    pub fn status(self) -> u16 {
        match self {
            Self::RequestInvalid
            | Self::PinRequired
            | Self::PinLength
            | Self::PinUnchanged
            | Self::ChallengeInvalid => 400,
            Self::SessionExpired => 401,
            Self::OriginNotAllowed | Self::PinIncorrect | Self::PinLocked => 403,
            Self::NoDriver | Self::NoToken | Self::NoCertificate | Self::KeyNotFound => 404,
            Self::UserCancelled => 409,
            Self::Backend => 502,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refusal {
    pub code: Code,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tries_left: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_in: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

impl Refusal {
    pub fn new(code: Code) -> Self {
        Self { code, tries_left: None, retry_in: None, detail: None }
    }

    #[must_use]
    pub fn because(self, why: impl Into<String>) -> Self {
        Self { detail: Some(why.into()), ..self }
    }

    #[must_use]
    pub fn left(self, tries: Option<u32>) -> Self {
        Self { tries_left: tries, ..self }
    }

    #[must_use]
    pub fn retry_in(self, seconds: i64) -> Self {
        Self { retry_in: Some(seconds), ..self }
    }
}

impl From<Code> for Refusal {
    fn from(code: Code) -> Self {
        Self::new(code)
    }
}
