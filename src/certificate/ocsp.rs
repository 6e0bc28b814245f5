//! OCSP (RFC 6960): the question about one certificate, and whether an answer may be relied on. The
//! flows carry both.

#![expect(clippy::unnested_or_patterns, reason = "what `der` writes for a choice")]

use der::asn1::{GeneralizedTime, Int, Null, ObjectIdentifier, OctetString};
use der::{Choice, Decode, Encode, Enumerated, Sequence};
use openssl::hash::{MessageDigest, hash};
use x509_cert::AlgorithmIdentifier;
use x509_cert::ext::{Extension, Extensions};
use x509_cert::name::Name;

use super::distrust::{Distrust, Doubt};
use super::extension::OCSP_SIGNING;
use super::name;
use super::parsed::{Certificate, Signed};
use super::path::may_be_issuer;
use crate::base::clock::Timestamp;

/// In bytes: an answer carries at most a few certificates.
pub const LONGEST: usize = 64 * 1024;
/// How far a responder's clock may be ahead of ours, in seconds.
const CLOCK_DIFFERENCE: i64 = 300;
/// For how long an answer without an end counts, in seconds.
const WITHOUT_END: i64 = 3600;

const SHA1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.14.3.2.26");
const BASIC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1.1");
const NONCE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1.2");

/// The hash names a certificate and protects nothing; SHA-1 is what every responder knows.
#[derive(Clone, PartialEq, Eq, Sequence)]
struct CertId {
    hash_algorithm: AlgorithmIdentifier,
    issuer_name_hash: OctetString,
    issuer_key_hash: OctetString,
    serial_number: Int,
}

#[derive(Sequence)]
struct SingleRequest {
    cert: CertId,
}

#[derive(Sequence)]
struct TbsRequest {
    list: Vec<SingleRequest>,
    #[asn1(context_specific = "2", tag_mode = "EXPLICIT", optional = "true")]
    extensions: Option<Extensions>,
}

#[derive(Sequence)]
struct OcspRequest {
    tbs: TbsRequest,
}

#[derive(Clone, Copy, PartialEq, Eq, Enumerated)]
#[repr(u8)]
enum Status {
    Successful = 0,
    MalformedRequest = 1,
    InternalError = 2,
    TryLater = 3,
    SigRequired = 5,
    Unauthorized = 6,
}

#[derive(Sequence)]
struct OcspResponse {
    status: Status,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    bytes: Option<ResponseBytes>,
}

#[derive(Sequence)]
struct ResponseBytes {
    kind: ObjectIdentifier,
    response: OctetString,
}

#[derive(Choice)]
enum Responder {
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", constructed = "true")]
    ByName(Name),
    #[asn1(context_specific = "2", tag_mode = "EXPLICIT", constructed = "true")]
    ByKey(OctetString),
}

#[derive(Sequence)]
struct ResponseData {
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", default = "Default::default")]
    version: u8,
    responder: Responder,
    produced_at: GeneralizedTime,
    responses: Vec<SingleResponse>,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    extensions: Option<Extensions>,
}

#[derive(Sequence)]
struct SingleResponse {
    cert: CertId,
    status: CertStatus,
    this_update: GeneralizedTime,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    next_update: Option<GeneralizedTime>,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    extensions: Option<Extensions>,
}

#[derive(Choice)]
enum CertStatus {
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT")]
    Good(Null),
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", constructed = "true")]
    Revoked(RevokedInfo),
    #[asn1(context_specific = "2", tag_mode = "IMPLICIT")]
    Unknown(Null),
}

#[derive(Sequence)]
struct RevokedInfo {
    since: GeneralizedTime,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    reason: Option<x509_cert::ext::pkix::CrlReason>,
}

/// What is asked, DER of `OCSPRequest`. `nonce` is fresh chance of 16 to 32 bytes.
pub fn question(certificate: &Certificate, issuer: &Certificate, nonce: &[u8]) -> Option<Vec<u8>> {
    let nonce = Extension {
        extn_id: NONCE,
        critical: false,
        extn_value: OctetString::new(OctetString::new(nonce).ok()?.to_der().ok()?).ok()?,
    };
    let list = vec![SingleRequest { cert: cert_id(certificate, issuer)? }];
    OcspRequest { tbs: TbsRequest { list, extensions: Some(vec![nonce]) } }.to_der().ok()
}

/// Whether the answer says that the certificate is good now.
pub fn judge(
    answer: &[u8],
    certificate: &Certificate,
    issuer: &Certificate,
    nonce: &[u8],
    now: Timestamp,
) -> Result<(), Distrust> {
    if answer.len() > LONGEST {
        return Err(Doubt::Malformed("the answer is too long").into());
    }
    let malformed = Doubt::Malformed("the answer cannot be read");
    let response = OcspResponse::from_der(answer).map_err(|_| malformed)?;
    if response.status != Status::Successful {
        return Err(Doubt::Unanswered.into());
    }
    let bytes = response.bytes.filter(|bytes| bytes.kind == BASIC).ok_or(malformed)?;
    let signed = Signed::read(bytes.response.as_bytes()).ok_or(malformed)?;
    let data = ResponseData::from_der(&signed.bytes).map_err(|_| malformed)?;
    if data.version != 0 {
        return Err(malformed.into());
    }
    is_by_whom_it_says(&signed, &data.responder, issuer, now)?;
    is_to_this_question(&data, nonce)?;
    let wanted = cert_id(certificate, issuer).ok_or(malformed)?;
    let single = data.responses.iter().find(|one| names_the_same(&one.cert, &wanted));
    status(single.ok_or(Doubt::Foreign)?, now)
}

fn status(single: &SingleResponse, now: Timestamp) -> Result<(), Distrust> {
    if single.extensions.iter().flatten().any(|extension| extension.critical) {
        return Err(Doubt::Partial.into());
    }
    let from = at(single.this_update);
    let to = single.next_update.map_or(from.plus(WITHOUT_END), at);
    if from > now.plus(CLOCK_DIFFERENCE) || to < now {
        return Err(Doubt::Stale.into());
    }
    match &single.status {
        CertStatus::Good(_) => Ok(()),
        CertStatus::Revoked(info) => Err(Distrust::Revoked { since: at(info.since) }),
        CertStatus::Unknown(_) => Err(Doubt::Unanswered.into()),
    }
}

/// The issuer itself, or somebody whom it named for this directly (RFC 6960 §4.2.2.2).
fn is_by_whom_it_says(
    signed: &Signed,
    responder: &Responder,
    issuer: &Certificate,
    now: Timestamp,
) -> Result<(), Doubt> {
    if is_responder(responder, issuer) && issuer.key().is_some_and(|key| signed.is_by(key)) {
        return Ok(());
    }
    let delegates = sent_certificates(&signed.rest)?;
    let named = delegates.iter().find(|one| {
        is_responder(responder, one) && may_be_issuer(issuer, one) && one.is_signed_by(issuer)
    });
    let named = named.ok_or(Doubt::Signature)?;
    let extensions = named.extensions();
    let is_meant = extensions.uses.as_ref().is_some_and(|uses| uses.contains(&OCSP_SIGNING));
    let may =
        extensions.key_usage.as_ref().is_none_or(x509_cert::ext::pkix::KeyUsage::digital_signature);
    let is_clear = extensions.unknown.is_empty() && named.is_valid_at(now);
    if is_meant && may && is_clear && named.key().is_some_and(|key| signed.is_by(key)) {
        return Ok(());
    }
    Err(Doubt::Signature)
}

/// `certs [0] EXPLICIT SEQUENCE OF Certificate OPTIONAL`, each with its own bytes.
fn sent_certificates(rest: &[u8]) -> Result<Vec<Certificate>, Doubt> {
    use der::TagMode;
    use der::asn1::{Any, ContextSpecific};
    let malformed = Doubt::Malformed("the responder's certificates cannot be read");
    if rest.is_empty() {
        return Ok(Vec::new());
    }
    let list = ContextSpecific::<Vec<Any>>::from_der(rest).map_err(|_| malformed)?;
    if list.tag_number.value() != 0 || list.tag_mode != TagMode::Explicit || list.value.len() > 4 {
        return Err(malformed);
    }
    let read = list.value.iter().map(|one| {
        let der = one.to_der().map_err(|_| malformed)?;
        Certificate::parse(&der).map_err(|_| malformed)
    });
    read.collect()
}

fn is_responder(responder: &Responder, certificate: &Certificate) -> bool {
    match responder {
        Responder::ByName(named) => name::same(named, certificate.subject()),
        Responder::ByKey(digest) => {
            sha1(certificate.key_bytes()).is_some_and(|key| digest.as_bytes() == key)
        }
    }
}

/// Responders that answer from a store leave the nonce out; one that differs belongs to another
/// question.
fn is_to_this_question(data: &ResponseData, nonce: &[u8]) -> Result<(), Doubt> {
    let extensions: Vec<&Extension> = data.extensions.iter().flatten().collect();
    if extensions.iter().any(|extension| extension.critical && extension.extn_id != NONCE) {
        return Err(Doubt::Partial);
    }
    let mut nonces = extensions.iter().filter(|extension| extension.extn_id == NONCE);
    let same = nonces.all(|extension| {
        let value = OctetString::from_der(extension.extn_value.as_bytes());
        value.is_ok_and(|value| value.as_bytes() == nonce)
    });
    if same { Ok(()) } else { Err(Doubt::Foreign) }
}

fn cert_id(certificate: &Certificate, issuer: &Certificate) -> Option<CertId> {
    let name = issuer.subject().to_der().ok()?;
    Some(CertId {
        hash_algorithm: AlgorithmIdentifier { oid: SHA1, parameters: None },
        issuer_name_hash: OctetString::new(sha1(&name)?).ok()?,
        issuer_key_hash: OctetString::new(sha1(issuer.key_bytes())?).ok()?,
        serial_number: Int::new(certificate.serial()).ok()?,
    })
}

/// Responders may write the algorithm's parameters as NULL or leave them out.
fn names_the_same(one: &CertId, wanted: &CertId) -> bool {
    one.hash_algorithm.oid == wanted.hash_algorithm.oid
        && one.issuer_name_hash == wanted.issuer_name_hash
        && one.issuer_key_hash == wanted.issuer_key_hash
        && one.serial_number == wanted.serial_number
}

fn sha1(bytes: &[u8]) -> Option<Vec<u8>> {
    hash(MessageDigest::sha1(), bytes).ok().map(|digest| digest.to_vec())
}

fn at(time: GeneralizedTime) -> Timestamp {
    Timestamp(i64::try_from(time.to_unix_duration().as_secs()).unwrap_or(i64::MAX))
}
