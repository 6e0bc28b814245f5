//! The algorithms that seal values at rest and find them again: the international ones, and those that
//! GB/T 39786 asks for where a site is graded. Which one, and with which key, `cipher` decides.

use aes_gcm::aead::consts::U12;
use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, AesGcm, Nonce};
use hmac::{Hmac, Mac};
use serde::{Deserialize, Serialize};
use sm3::{Digest, Sm3};
use sm4::Sm4;
use zeroize::Zeroizing;

use crate::base::secret::{hmac_sha256, length_prefixed};

/// Bytes of a nonce in front of every sealed value.
pub const NONCE_BYTES: usize = 12;

/// Which algorithms.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Suite {
    /// AES-256-GCM and HMAC-SHA-256.
    #[default]
    International,
    /// SM4-GCM (GB/T 32907, RFC 8998 §2.1) and HMAC-SM3 (GB/T 32905, GB/T 15852.2).
    National,
}

impl Suite {
    pub fn name(self) -> &'static str {
        match self {
            Self::International => "international",
            Self::National => "national",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        [Self::International, Self::National].into_iter().find(|one| one.name() == name)
    }

    /// A keyed hash over length-prefixed parts, so that ("ab","c") and ("a","bc") differ.
    pub fn keyed_hash(self, key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
        let message = length_prefixed(parts);
        match self {
            Self::International => hmac_sha256(key, &message),
            Self::National => hmac_sm3(key, &message),
        }
    }

    pub fn sealer(self, key: &[u8; 32]) -> Sealer {
        match self {
            Self::International => Sealer::Aes(Box::new(Aes256Gcm::new(key.into()))),
            Self::National => {
                let mut half = Zeroizing::new([0; 16]);
                half.copy_from_slice(&key[..16]);
                Sealer::Sm4(Box::new(Sm4Gcm::new((&*half).into())))
            }
        }
    }
}

/// GB/T 32905.
pub fn sm3(bytes: &[u8]) -> [u8; 32] {
    Sm3::digest(bytes).into()
}

/// Plain HMAC-SM3 with a key of any length.
pub fn hmac_sm3(key: &[u8], message: &[u8]) -> [u8; 32] {
    // HMAC takes keys of every length; the error type exists for other MACs.
    let Ok(mut mac) = <Hmac<Sm3> as KeyInit>::new_from_slice(key) else { return [0; 32] };
    mac.update(message);
    mac.finalize().into_bytes().into()
}

type Sm4Gcm = AesGcm<Sm4, U12>;

/// Seals under one key.
pub enum Sealer {
    Aes(Box<Aes256Gcm>),
    Sm4(Box<Sm4Gcm>),
}

impl Sealer {
    /// Nonce, ciphertext and tag. `place` is authenticated.
    pub fn seal(&self, nonce: [u8; NONCE_BYTES], place: &[u8], plain: &[u8]) -> Vec<u8> {
        let payload = Payload { msg: plain, aad: place };
        let sealed = match self {
            Self::Aes(cipher) => cipher.encrypt(&Nonce::from(nonce), payload),
            Self::Sm4(cipher) => cipher.encrypt(&Nonce::from(nonce), payload),
        };
        [nonce.as_slice(), &sealed.unwrap_or_default()].concat()
    }

    /// `None`: another key, another place, or changed bytes.
    pub fn open(&self, place: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, sealed) = sealed.split_at_checked(NONCE_BYTES)?;
        let nonce: [u8; NONCE_BYTES] = nonce.try_into().ok()?;
        let payload = Payload { msg: sealed, aad: place };
        let plain = match self {
            Self::Aes(cipher) => cipher.decrypt(&Nonce::from(nonce), payload),
            Self::Sm4(cipher) => cipher.decrypt(&Nonce::from(nonce), payload),
        };
        plain.ok().map(Zeroizing::new)
    }
}
