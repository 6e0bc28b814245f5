//! Keys, signatures and their verification. Signers are made once and shared; foreign claims are
//! parsed with our own structs, never with the library's (its dates can panic).

pub mod jwt;
pub mod keys;
pub mod thumbprint;

use serde::{Deserialize, Serialize};

/// The algorithms we sign with and accept.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Debug,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
pub enum Algorithm {
    ES256,
    RS256,
    PS256,
    EdDSA,
}

impl Algorithm {
    pub const ALL: [Self; 4] = [Self::ES256, Self::RS256, Self::PS256, Self::EdDSA];

    pub fn name(self) -> &'static str {
        match self {
            Self::ES256 => "ES256",
            Self::RS256 => "RS256",
            Self::PS256 => "PS256",
            Self::EdDSA => "EdDSA",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }
}

/// A key or token that is not what it should be; the reason is for the log.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct JoseError(pub String);

impl JoseError {
    fn new(why: impl ToString) -> Self {
        Self(why.to_string())
    }
}
