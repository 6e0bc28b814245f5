//! Public keys and signatures. SM2 is computed by `base::sm2`: OpenSSL 3.0 cannot be told whose
//! signature it is where lists and requests are concerned. RSA and ECDSA are OpenSSL's.

use der::asn1::UintRef;
use der::oid::ObjectIdentifier;
use der::{Decode, Encode, Sequence};
use openssl::ec::EcKey;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Public};
use openssl::rsa::Rsa;
use openssl::sign::Verifier;
use x509_cert::AlgorithmIdentifier;
use x509_cert::spki::SubjectPublicKeyInfoOwned;

use crate::base::sm2::Sm2Public;

const RSA_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const EC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const SM2_CURVE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.156.10197.1.301");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");

const SM2_WITH_SM3: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.156.10197.1.501");
const RSA_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11");
const RSA_SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.12");
const ECDSA_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");
const ECDSA_SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.3");

/// In bits. What is longer only costs time.
const RSA_LENGTHS: std::ops::RangeInclusive<i32> = 2048..=8192;
const LONGEST_EXPONENT: i32 = 32;

/// What kind of certificate it is, by its key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Sm2,
    Rsa,
    Ecdsa,
}

impl Kind {
    /// 国密 or not (C-06).
    pub fn is_national(self) -> bool {
        self == Self::Sm2
    }

    /// What the signature under a challenge is called in `kagent/1`.
    pub fn algorithm(self) -> &'static str {
        match self {
            Self::Sm2 => "sm2-sm3",
            Self::Rsa => "rsa-sha256",
            Self::Ecdsa => "ecdsa-sha256",
        }
    }
}

/// A key of a length and curve that is accepted.
#[derive(Clone, Debug)]
pub enum PublicKey {
    Sm2(Box<Sm2Public>),
    Rsa(PKey<Public>),
    Ecdsa(PKey<Public>),
}

impl PublicKey {
    /// None where the key is of a kind, a curve or a length that is not accepted.
    pub fn read(info: &SubjectPublicKeyInfoOwned) -> Option<Self> {
        let bytes = info.subject_public_key.as_bytes()?;
        let curve = || info.algorithm.parameters.as_ref()?.decode_as::<ObjectIdentifier>().ok();
        match info.algorithm.oid {
            RSA_KEY => Self::rsa(bytes),
            EC_KEY if curve() == Some(SM2_CURVE) => {
                Some(Self::Sm2(Box::new(Sm2Public::from_sec1(bytes).ok()?)))
            }
            EC_KEY if curve() == Some(P256) || curve() == Some(P384) => Self::ecdsa(info),
            _ => None,
        }
    }

    fn rsa(bytes: &[u8]) -> Option<Self> {
        let key = Rsa::public_key_from_der_pkcs1(bytes).ok()?;
        let exponent = key.e();
        let is_odd = exponent.is_bit_set(0);
        let is_sound = is_odd && (2..=LONGEST_EXPONENT).contains(&exponent.num_bits());
        if !is_sound || !RSA_LENGTHS.contains(&key.n().num_bits()) {
            return None;
        }
        Some(Self::Rsa(PKey::from_rsa(key).ok()?))
    }

    fn ecdsa(info: &SubjectPublicKeyInfoOwned) -> Option<Self> {
        let key = EcKey::public_key_from_der(&info.to_der().ok()?).ok()?;
        key.check_key().ok()?;
        let named = key.group().curve_name();
        if named != Some(Nid::X9_62_PRIME256V1) && named != Some(Nid::SECP384R1) {
            return None;
        }
        Some(Self::Ecdsa(PKey::from_ec_key(key).ok()?))
    }

    pub fn kind(&self) -> Kind {
        match self {
            Self::Sm2(_) => Kind::Sm2,
            Self::Rsa(_) => Kind::Rsa,
            Self::Ecdsa(_) => Kind::Ecdsa,
        }
    }

    /// The signature of a certificate, list or answer.
    pub fn verifies(
        &self,
        algorithm: &AlgorithmIdentifier,
        message: &[u8],
        signature: &[u8],
    ) -> bool {
        let Some(scheme) = Scheme::read(algorithm) else { return false };
        self.verifies_as(scheme, message, signature)
    }

    /// The signature of this kind of key in `kagent/1`.
    pub fn verifies_challenge(&self, message: &[u8], signature: &[u8]) -> bool {
        let scheme = match self {
            Self::Sm2(_) => Scheme::Sm2,
            Self::Rsa(_) => Scheme::Rsa(MessageDigest::sha256()),
            Self::Ecdsa(_) => Scheme::Ecdsa(MessageDigest::sha256()),
        };
        self.verifies_as(scheme, message, signature)
    }

    fn verifies_as(&self, scheme: Scheme, message: &[u8], signature: &[u8]) -> bool {
        match (self, scheme) {
            (Self::Sm2(key), Scheme::Sm2) => {
                let signature = sm2_signature(signature);
                signature.is_some_and(|signature| key.verifies(message, &signature))
            }
            (Self::Rsa(key), Scheme::Rsa(digest)) | (Self::Ecdsa(key), Scheme::Ecdsa(digest)) => {
                let verified = Verifier::new(digest, key)
                    .and_then(|mut verifier| verifier.verify_oneshot(signature, message));
                verified.unwrap_or(false)
            }
            _ => false,
        }
    }
}

/// Which signature an algorithm identifier means.
#[derive(Clone, Copy)]
pub enum Scheme {
    Sm2,
    Rsa(MessageDigest),
    Ecdsa(MessageDigest),
}

impl Scheme {
    /// None for SHA-1, MD5 and whatever else is not accepted. Parameters are absent or NULL in all.
    pub fn read(algorithm: &AlgorithmIdentifier) -> Option<Self> {
        if algorithm.parameters.as_ref().is_some_and(|any| !any.is_null()) {
            return None;
        }
        match algorithm.oid {
            SM2_WITH_SM3 => Some(Self::Sm2),
            RSA_SHA256 => Some(Self::Rsa(MessageDigest::sha256())),
            RSA_SHA384 => Some(Self::Rsa(MessageDigest::sha384())),
            ECDSA_SHA256 => Some(Self::Ecdsa(MessageDigest::sha256())),
            ECDSA_SHA384 => Some(Self::Ecdsa(MessageDigest::sha384())),
            _ => None,
        }
    }
}

#[derive(Sequence)]
struct Numbers<'a> {
    r: UintRef<'a>,
    s: UintRef<'a>,
}

/// `SEQUENCE { r INTEGER, s INTEGER }`, each of the shortest form.
fn sm2_signature(der: &[u8]) -> Option<[u8; 64]> {
    let numbers = Numbers::from_der(der).ok()?;
    let mut bare = [0; 64];
    for (number, place) in [numbers.r, numbers.s].into_iter().zip(bare.chunks_mut(32)) {
        let bytes = number.as_bytes();
        let from = place.len().checked_sub(bytes.len())?;
        place.get_mut(from..)?.copy_from_slice(bytes);
    }
    Some(bare)
}
