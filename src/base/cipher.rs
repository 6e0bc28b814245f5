//! Encryption at rest: one master key outside the database, from which every purpose
//! derives its own. AES-256-GCM for values, HMAC-SHA-256 for look-ups.

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use crate::base::random::Random;
use crate::base::secret::keyed_hash;

const NONCE_BYTES: usize = 12;

/// A stored value could not be opened: another key, another purpose, or changed bytes.
#[derive(Clone, Debug, thiserror::Error)]
#[error("a value at rest does not open with the master key")]
pub struct SealError;

/// 256 bits from the key file; never in the database, never in a log.
pub struct MasterKey(Zeroizing<[u8; 32]>);

impl MasterKey {
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// A key for one purpose; knowing it tells nothing about the others.
    pub fn derive(&self, purpose: &str) -> [u8; 32] {
        keyed_hash(&self.0, &[b"hufu", purpose.as_bytes()])
    }

    pub fn cipher(&self, purpose: &str) -> Cipher {
        Cipher {
            seal: Aes256Gcm::new((&self.derive(&format!("{purpose}/seal"))).into()),
            index: Zeroizing::new(self.derive(&format!("{purpose}/index"))),
        }
    }
}

/// Seals values and computes their look-up hashes for one purpose.
pub struct Cipher {
    seal: Aes256Gcm,
    index: Zeroizing<[u8; 32]>,
}

impl Cipher {
    /// Nonce and ciphertext. `place` (table, column, row) is authenticated, so a value cannot be
    /// moved to another place.
    pub fn seal(&self, random: &Random, place: &str, plain: &[u8]) -> Vec<u8> {
        let nonce = random.bytes::<NONCE_BYTES>();
        let payload = Payload { msg: plain, aad: place.as_bytes() };
        let sealed = self.seal.encrypt(&Nonce::from(nonce), payload).unwrap_or_default();
        [nonce.as_slice(), &sealed].concat()
    }

    pub fn open(&self, place: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let (nonce, sealed) = sealed.split_at_checked(NONCE_BYTES).ok_or(SealError)?;
        let nonce: [u8; NONCE_BYTES] = nonce.try_into().map_err(|_| SealError)?;
        let payload = Payload { msg: sealed, aad: place.as_bytes() };
        self.seal.decrypt(&Nonce::from(nonce), payload).map(Zeroizing::new).map_err(|_| SealError)
    }

    pub fn open_text(&self, place: &str, sealed: &[u8]) -> Result<String, SealError> {
        String::from_utf8(self.open(place, sealed)?.to_vec()).map_err(|_| SealError)
    }

    /// The keyed hash that finds a sealed value again.
    pub fn index(&self, kind: &str, value: &str) -> Vec<u8> {
        keyed_hash(&self.index, &[kind.as_bytes(), value.as_bytes()]).to_vec()
    }

    /// Sealed and base64url, for cookies and other text places.
    pub fn seal_text(&self, random: &Random, place: &str, plain: &str) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.seal(random, place, plain.as_bytes()))
    }

    pub fn open_sealed_text(&self, place: &str, sealed: &str) -> Result<String, SealError> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(sealed).map_err(|_| SealError)?;
        self.open_text(place, &bytes)
    }
}
