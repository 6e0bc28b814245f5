//! The three kinds of signatures. Which one it is follows from the certificate's key, never from
//! what a page asks for.

use serde::Serialize;
use sha2::{Digest, Sha256};
use sm3::Sm3;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Algorithm {
    #[serde(rename = "sm2-sm3")]
    Sm2Sm3,
    #[serde(rename = "rsa-sha256")]
    RsaSha256,
    #[serde(rename = "ecdsa-sha256")]
    EcdsaSha256,
}

impl Algorithm {
    pub fn is_national(self) -> bool {
        self == Self::Sm2Sm3
    }

    /// In small hexadecimal letters: what stands for the challenge in the bytes that are signed.
    pub fn digest_hex(self, bytes: &[u8]) -> String {
        let digest: [u8; 32] = match self {
            Self::Sm2Sm3 => Sm3::digest(bytes).into(),
            Self::RsaSha256 | Self::EcdsaSha256 => Sha256::digest(bytes).into(),
        };
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}
