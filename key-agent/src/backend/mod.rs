//! The three kinds of tokens behind one trait. A back end knows its driver and nothing of pages,
//! origins, challenges or how often a PIN may be tried.

pub mod pkcs11;
pub mod skf;
#[cfg(unix)]
pub mod soft;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::certificate::Read;
use crate::pin::Pin;
use crate::protocol::{PinState, Refusal, TokenName};

pub trait TokenBackend {
    /// As a page sees it: `pkcs11`, `skf`, `soft`.
    fn name(&self) -> &'static str;

    /// Whether the driver is there, and what it says of itself.
    fn env(&mut self) -> Result<String, Refusal>;

    /// What is plugged in now. Asks for no PIN.
    fn certificates(&mut self) -> Result<Listed, Refusal>;

    /// Signs the message itself: hashing is the back end's part, as drivers differ in it. The
    /// signature is as certificates have it: DER of two numbers, or RSA's own.
    fn sign(&mut self, key_id: &str, pin: &Pin, message: &[u8]) -> Result<Vec<u8>, Refusal>;

    fn change_pin(&mut self, key_id: &str, old: &Pin, new: &Pin) -> Result<(), Refusal>;
}

#[derive(Default)]
pub struct Listed {
    pub tokens: usize,
    pub certificates: Vec<Found>,
}

#[derive(Clone)]
pub struct Found {
    pub key_id: String,
    pub read: Read,
    pub chain: Vec<Vec<u8>>,
    pub label: String,
    pub token: TokenName,
    pub pin: PinState,
}

/// A name for a key that tells a page nothing and stays the same while the token does.
fn key_id(backend: &str, token: &TokenName, place: &[u8], der: &[u8]) -> String {
    let mut hash = Sha256::new();
    for part in [backend.as_bytes(), token.serial.as_bytes(), place, der] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    URL_SAFE_NO_PAD.encode(&hash.finalize()[..18])
}
