//! The bytes that a key agent signs for a challenge (`kagent/1`): its word, the challenge's digest,
//! the origin and the purpose. Computed from our own challenge and origin, never from what a page
//! says was signed.

use openssl::sha::sha256;

use crate::base::suite::sm3;

use super::key::Kind;
use super::parsed::Certificate;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Purpose {
    Login,
    /// The trial of the environment check, which opens no door.
    Check,
}

impl Purpose {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Check => "check",
        }
    }
}

/// Whether the certificate's key signed this challenge (DER; RSA by PKCS #1 v1.5) for this page and
/// purpose.
pub fn is_signed(
    certificate: &Certificate,
    challenge: &[u8],
    origin: &str,
    purpose: Purpose,
    signature: &[u8],
) -> bool {
    let Some(key) = certificate.key() else { return false };
    let message = message(key.kind(), challenge, origin, purpose);
    key.verifies_challenge(&message, signature)
}

fn message(kind: Kind, challenge: &[u8], origin: &str, purpose: Purpose) -> Vec<u8> {
    let digest: [u8; 32] = match kind {
        Kind::Sm2 => sm3(challenge),
        Kind::Rsa | Kind::Ecdsa => sha256(challenge),
    };
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("kagent-v1\n{hex}\n{origin}\n{}\n", purpose.as_str()).into_bytes()
}
