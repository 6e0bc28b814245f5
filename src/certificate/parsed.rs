//! One certificate, read whole, with the very bytes that its issuer signed.

use der::asn1::BitString;
use der::oid::ObjectIdentifier;
use der::{Decode, Header, Reader, SliceReader, Tag};
use x509_cert::name::Name;
use x509_cert::time::Time;
use x509_cert::{AlgorithmIdentifier, TbsCertificate, Version};

use super::distrust::Distrust;
use super::extension::Extensions;
use super::key::{Kind, PublicKey, Scheme};
use super::name;
use crate::base::clock::Timestamp;

/// Longer ones are nobody's: those of tokens have two kilobytes.
pub const LONGEST: usize = 16 * 1024;

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

#[derive(Clone, Debug)]
pub struct Certificate {
    der: Vec<u8>,
    signed: Signed,
    inner: TbsCertificate,
    extensions: Extensions,
    key: Option<PublicKey>,
}

/// `SEQUENCE { what is signed, algorithm, signature }`, the frame of certificates, lists and answers.
#[derive(Clone, Debug)]
pub struct Signed {
    /// As it came: whoever encodes it again may sign something else than the issuer did.
    pub bytes: Vec<u8>,
    pub algorithm: AlgorithmIdentifier,
    pub signature: Vec<u8>,
    /// What stands after the signature, an OCSP answer's certificates.
    pub rest: Vec<u8>,
}

impl Signed {
    pub fn read(der: &[u8]) -> Option<Self> {
        let mut reader = SliceReader::new(der).ok()?;
        let header = Header::decode(&mut reader).ok()?;
        if header.tag() != Tag::Sequence {
            return None;
        }
        let inside = reader.read_slice(header.length()).ok()?;
        reader.finish().ok()?;
        let mut reader = SliceReader::new(inside).ok()?;
        let bytes = reader.tlv_bytes().ok()?.to_vec();
        let algorithm = AlgorithmIdentifier::decode(&mut reader).ok()?;
        let signature = BitString::decode(&mut reader).ok()?;
        let signature = signature.as_bytes()?.to_vec();
        let rest = reader.read_slice(reader.remaining_len()).ok()?.to_vec();
        Some(Self { bytes, algorithm, signature, rest })
    }

    pub fn is_by(&self, key: &PublicKey) -> bool {
        key.verifies(&self.algorithm, &self.bytes, &self.signature)
    }
}

impl Certificate {
    /// From DER. What is malformed is refused as a whole; what is merely not acceptable (a short key,
    /// an unknown algorithm) is read, and refused by the path.
    pub fn parse(der: &[u8]) -> Result<Self, Distrust> {
        let malformed = Distrust::Malformed;
        if der.len() > LONGEST {
            return Err(malformed("the certificate is too long"));
        }
        let signed = Signed::read(der).ok_or(malformed("this is no certificate"))?;
        if !signed.rest.is_empty() {
            return Err(malformed("something stands after the signature"));
        }
        let inner = TbsCertificate::from_der(&signed.bytes)
            .map_err(|_| malformed("the certificate cannot be read"))?;
        if *inner.signature() != signed.algorithm {
            return Err(malformed("the two signature algorithms differ"));
        }
        let listed = inner.extensions().map_or(&[][..], Vec::as_slice);
        if inner.version() != Version::V3 && !listed.is_empty() {
            return Err(malformed("extensions need version 3"));
        }
        let extensions = Extensions::read(listed).map_err(malformed)?;
        let key = PublicKey::read(inner.subject_public_key_info());
        Ok(Self { der: der.to_vec(), signed, inner, extensions, key })
    }

    /// Each certificate of a PEM file; what stands between them is for people.
    pub fn parse_pem(text: &str) -> Result<Vec<Self>, Distrust> {
        let malformed = Distrust::Malformed("this is no PEM file with certificates");
        let mut found = Vec::new();
        for part in text.split(BEGIN).skip(1) {
            let (body, _) = part.split_once(END).ok_or(malformed)?;
            let (_, der) = der::pem::decode_vec(format!("{BEGIN}{body}{END}\n").as_bytes())
                .map_err(|_| malformed)?;
            found.push(Self::parse(&der)?);
        }
        if found.is_empty() { Err(malformed) } else { Ok(found) }
    }

    pub fn der(&self) -> &[u8] {
        &self.der
    }

    pub(super) fn issuer(&self) -> &Name {
        self.inner.issuer()
    }

    pub(super) fn subject(&self) -> &Name {
        self.inner.subject()
    }

    pub(super) fn extensions(&self) -> &Extensions {
        &self.extensions
    }

    pub(super) fn key(&self) -> Option<&PublicKey> {
        self.key.as_ref()
    }

    pub(super) fn key_bytes(&self) -> &[u8] {
        self.inner.subject_public_key_info().subject_public_key.as_bytes().unwrap_or_default()
    }

    /// The same authority, also by a renewed certificate: by name and key.
    pub(super) fn is_same_authority(&self, other: &Self) -> bool {
        name::same(self.subject(), other.subject()) && self.key_bytes() == other.key_bytes()
    }

    pub(super) fn serial(&self) -> &[u8] {
        self.inner.serial_number().as_bytes()
    }

    pub(super) fn has_known_algorithm(&self) -> bool {
        Scheme::read(&self.signed.algorithm).is_some()
    }

    pub(super) fn is_signed_by(&self, issuer: &Self) -> bool {
        issuer.key.as_ref().is_some_and(|key| self.signed.is_by(key))
    }

    pub(super) fn is_self_issued(&self) -> bool {
        name::same(self.issuer(), self.subject())
    }

    /// The bytes of an extension's value.
    pub(super) fn extension(&self, oid: ObjectIdentifier) -> Option<&[u8]> {
        let list = self.inner.extensions()?;
        list.iter().find(|one| one.extn_id == oid).map(|one| one.extn_value.as_bytes())
    }

    /// None where the key is none that is accepted.
    pub fn kind(&self) -> Option<Kind> {
        self.key.as_ref().map(PublicKey::kind)
    }

    pub fn subject_shown(&self) -> String {
        name::shown(self.subject())
    }

    pub fn issuer_shown(&self) -> String {
        name::shown(self.issuer())
    }

    /// In hexadecimal, as authorities print it.
    pub fn serial_shown(&self) -> String {
        self.serial().iter().map(|byte| format!("{byte:02X}")).collect()
    }

    pub fn not_before(&self) -> Timestamp {
        seconds(&self.inner.validity().not_before)
    }

    pub fn not_after(&self) -> Timestamp {
        seconds(&self.inner.validity().not_after)
    }

    pub fn is_valid_at(&self, now: Timestamp) -> bool {
        self.not_before() <= now && now <= self.not_after()
    }
}

pub fn seconds(time: &Time) -> Timestamp {
    Timestamp(i64::try_from(time.to_unix_duration().as_secs()).unwrap_or(i64::MAX))
}
