//! The challenge and the bytes that are signed for it.
//!
//! A page hands over the server's challenge and can choose nothing of what is signed but that: the
//! bytes begin with a word of this protocol and hold a digest, so they are never a document, a
//! certificate request or a CMS message.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use super::{Algorithm, Code, Refusal};

/// How far the clocks of the two computers may be apart.
const CLOCK_DIFFERENCE: i64 = 300;
/// A server that means it gives 120 seconds; a challenge for days is not one of sign-in.
const LONGEST: i64 = 600;
const LONGEST_BYTES: usize = 4096;
const TYP: &str = "etax-cert-login";

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Purpose {
    Login,
    /// The trial signature of the check page, which opens no door.
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

/// What the server wrote. Members that this version does not know are the server's own; the digest
/// covers them.
#[derive(Deserialize)]
struct Written {
    v: u32,
    typ: String,
    #[serde(rename = "iss")]
    _iss: String,
    origin: String,
    nonce: String,
    #[serde(rename = "txn")]
    _txn: String,
    iat: i64,
    exp: i64,
    purpose: Purpose,
}

/// A challenge that this page may have signed now.
pub struct Challenge<'a> {
    bytes: Vec<u8>,
    origin: &'a str,
    purpose: Purpose,
}

impl<'a> Challenge<'a> {
    /// `origin` is where the request really comes from.
    pub fn check(encoded: &str, origin: &'a str, now: i64) -> Result<Self, Refusal> {
        let invalid = |why: &str| Refusal::new(Code::ChallengeInvalid).because(why);
        if encoded.len() > LONGEST_BYTES {
            return Err(invalid("the challenge is too long"));
        }
        let bytes = URL_SAFE_NO_PAD
            .decode(encoded)
            .map_err(|_| invalid("the challenge is not base64url"))?;
        let written: Written = serde_json::from_slice(&bytes)
            .map_err(|_| invalid("the challenge is not one that this agent knows"))?;
        if written.v != 1 || written.typ != TYP {
            return Err(invalid("the challenge is of another kind"));
        }
        if written.origin != origin {
            return Err(invalid("the challenge was made for another site"));
        }
        if URL_SAFE_NO_PAD.decode(&written.nonce).is_ok_and(|nonce| nonce.len() == 32) {
            written.lives(now).map_err(invalid)?;
            return Ok(Self { bytes, origin, purpose: written.purpose });
        }
        Err(invalid("the challenge has no nonce of 32 bytes"))
    }

    pub fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// What the token signs.
    pub fn bytes_signed(&self, algorithm: Algorithm) -> Vec<u8> {
        let digest = algorithm.digest_hex(&self.bytes);
        let (origin, purpose) = (self.origin, self.purpose.as_str());
        format!("kagent-v1\n{digest}\n{origin}\n{purpose}\n").into_bytes()
    }
}

impl Written {
    fn lives(&self, now: i64) -> Result<(), &'static str> {
        // Numbers come from a page: they may be anything.
        let lifetime = self.exp.checked_sub(self.iat).unwrap_or(i64::MAX);
        if !(1..=LONGEST).contains(&lifetime) {
            return Err("the challenge lives too long");
        }
        if now > self.exp.saturating_add(CLOCK_DIFFERENCE) {
            return Err("the challenge has expired, or this computer's clock is wrong");
        }
        if now < self.iat.saturating_sub(CLOCK_DIFFERENCE) {
            return Err("the challenge is of the future, or this computer's clock is wrong");
        }
        Ok(())
    }
}
