//! Chance as a value that is handed in: the system's generator, or a seeded one whose results a
//! test can repeat.

use std::sync::{Mutex, PoisonError};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};

use crate::base::secret::Secret;

/// A cryptographically secure source of randomness.
pub enum Random {
    System,
    Seeded(Box<Mutex<StdRng>>),
}

impl Random {
    /// For tests only: the same seed gives the same tokens.
    pub fn seeded(seed: u64) -> Self {
        Self::Seeded(Box::new(Mutex::new(StdRng::seed_from_u64(seed))))
    }

    pub fn fill(&self, bytes: &mut [u8]) {
        match self {
            Self::System => rand::rng().fill_bytes(bytes),
            Self::Seeded(rng) => {
                rng.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(bytes);
            }
        }
    }

    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }

    /// 256 random bits, base64url: session ids, codes, tokens.
    pub fn token(&self) -> Secret {
        Secret::new(BASE64_URL_SAFE_NO_PAD.encode(self.bytes::<32>()))
    }

    /// 128 random bits, base64url: identifiers that are not secrets by themselves.
    pub fn short_token(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.bytes::<16>())
    }

    /// A decimal code of `length` digits, leading zeros kept.
    pub fn digits(&self, length: usize) -> Secret {
        Secret::new((0..length).map(|_| char::from(b'0' + self.below(10))).collect())
    }

    /// Evenly distributed in `0..limit`.
    pub fn below(&self, limit: u8) -> u8 {
        match self {
            Self::System => rand::rng().random_range(0..limit),
            Self::Seeded(rng) => {
                rng.lock().unwrap_or_else(PoisonError::into_inner).random_range(0..limit)
            }
        }
    }
}
