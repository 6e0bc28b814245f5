//! Keys, signatures and their verification. Signers are made once and shared; foreign claims are
//! parsed with our own structs, never with the library's (its dates can panic).

pub mod jwt;
pub mod keys;
mod national;
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
    /// SM2 with SM3 (GM/T 0125): signed for who asks for it by name, never advertised, never accepted
    /// from others.
    #[serde(rename = "SGD_SM3_SM2")]
    Sm2,
}

impl Algorithm {
    /// Those that every library has: advertised, and accepted from others.
    pub const COMMON: [Self; 4] = [Self::ES256, Self::RS256, Self::PS256, Self::EdDSA];

    pub fn is_common(self) -> bool {
        Self::COMMON.contains(&self)
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::ES256 => "ES256",
            Self::RS256 => "RS256",
            Self::PS256 => "PS256",
            Self::EdDSA => "EdDSA",
            Self::Sm2 => "SGD_SM3_SM2",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        let mut known = Self::COMMON.into_iter().chain([Self::Sm2]);
        known.find(|algorithm| algorithm.name() == name)
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
