//! SM2 signatures (GB/T 32918.2 with SM3 and the default signer's id of GM/T 0009): of our own keys. Chains
//! of certificates are `certificate`'s.

use sm2::dsa::signature::{Signer, Verifier};
use sm2::dsa::{Signature, SigningKey, VerifyingKey};
use sm2::pkcs8::{DecodePublicKey, EncodePublicKey, LineEnding};
use sm2::{PublicKey, SecretKey};

use crate::base::random::Random;
use crate::base::secret::keyed_hash;

/// GM/T 0009-2012 clause 10.
const SIGNER: &str = "1234567812345678";

/// What is no key.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("no SM2 key")]
pub struct NotSm2;

/// A private key with its public half.
#[derive(Clone)]
pub struct Sm2Key(SigningKey);

impl Sm2Key {
    pub fn random(random: &Random) -> Self {
        Self::from_seed(&random.bytes())
    }

    /// The same seed gives the same key.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        let tries = (0_u8..=u8::MAX).map(|n| keyed_hash(seed, &[b"sm2", &[n]]));
        let mut fitting = tries.filter_map(|bytes| Self::from_bytes(&bytes).ok());
        // All but one of 2³² candidates are below the curve's order.
        fitting.next().unwrap_or_else(|| unreachable!("256 candidates above the curve's order"))
    }

    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, NotSm2> {
        let secret = SecretKey::from_slice(bytes).map_err(|_| NotSm2)?;
        Ok(Self(SigningKey::new(SIGNER, &secret).map_err(|_| NotSm2)?))
    }

    pub fn to_bytes(&self) -> [u8; 32] {
        self.0.to_bytes().into()
    }

    /// r and s, 32 bytes each.
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        let signature: Signature = self.0.sign(message);
        signature.to_bytes().into()
    }

    pub fn public(&self) -> Sm2Public {
        Sm2Public(self.0.verifying_key().clone())
    }
}

/// A public key.
#[derive(Clone, Debug)]
pub struct Sm2Public(VerifyingKey);

impl Sm2Public {
    /// From the point's coordinates.
    pub fn from_point(x: &[u8; 32], y: &[u8; 32]) -> Result<Self, NotSm2> {
        Self::from_sec1(&[&[4][..], x, y].concat())
    }

    /// From the point as certificates have it (SEC 1 §2.3.3).
    pub fn from_sec1(bytes: &[u8]) -> Result<Self, NotSm2> {
        Ok(Self(VerifyingKey::from_sec1_bytes(SIGNER, bytes).map_err(|_| NotSm2)?))
    }

    /// From a `PUBLIC KEY` in PEM.
    pub fn from_pem(text: &str) -> Result<Self, NotSm2> {
        let key = PublicKey::from_public_key_pem(text).map_err(|_| NotSm2)?;
        Ok(Self(VerifyingKey::new(SIGNER, key).map_err(|_| NotSm2)?))
    }

    pub fn to_pem(&self) -> Result<String, NotSm2> {
        let key = PublicKey::from_affine(*self.0.as_affine()).map_err(|_| NotSm2)?;
        key.to_public_key_pem(LineEnding::LF).map_err(|_| NotSm2)
    }

    pub fn point(&self) -> ([u8; 32], [u8; 32]) {
        let bytes = self.0.to_sec1_bytes();
        let (mut x, mut y) = ([0; 32], [0; 32]);
        x.copy_from_slice(&bytes[1..33]);
        y.copy_from_slice(&bytes[33..65]);
        (x, y)
    }

    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let signature = Signature::from_slice(signature);
        signature.is_ok_and(|signature| self.0.verify(message, &signature).is_ok())
    }
}
