//! Authorities, certificates, lists and OCSP answers, made here byte by byte so that each can be
//! wrong in one way.

use std::str::FromStr;

use der::asn1::{Any, BitString, GeneralizedTime, Int, Null, OctetString, UintRef, UtcTime};
use der::oid::ObjectIdentifier;
use der::{DateTime, Decode, Encode, Sequence};
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::{MessageDigest, hash};
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::sign::Signer;
use sm2::SecretKey;
use sm2::dsa::SigningKey;
use sm2::dsa::signature::Signer as _;
use x509_cert::AlgorithmIdentifier;
use x509_cert::ext::Extension;
use x509_cert::name::Name;
use x509_cert::spki::SubjectPublicKeyInfoOwned;
use x509_cert::time::Time;

use super::START;

pub const SIGNER_ID: &str = "1234567812345678";
/// Where national certificates have the enterprise's number.
pub const TAX_NUMBER: &str = "1.2.156.10260.4.1.5";
pub const YEAR: i64 = 365 * 86_400;

pub fn oid(text: &str) -> ObjectIdentifier {
    ObjectIdentifier::from_str(text).unwrap()
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sort {
    Sm2,
    Rsa(u32),
    P256,
    P384,
}

#[derive(Clone)]
pub enum Key {
    Sm2(Box<SigningKey>),
    Other(PKey<Private>, Sort),
}

impl Key {
    pub fn new(sort: Sort) -> Self {
        let curve = |nid| {
            let group = EcGroup::from_curve_name(nid).unwrap();
            PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
        };
        match sort {
            Sort::Sm2 => {
                let secret = SecretKey::from_slice(&rand::random::<[u8; 32]>()).unwrap();
                Self::Sm2(Box::new(SigningKey::new(SIGNER_ID, &secret).unwrap()))
            }
            Sort::Rsa(bits) => {
                Self::Other(PKey::from_rsa(Rsa::generate(bits).unwrap()).unwrap(), sort)
            }
            Sort::P256 => Self::Other(curve(Nid::X9_62_PRIME256V1), sort),
            Sort::P384 => Self::Other(curve(Nid::SECP384R1), sort),
        }
    }

    pub fn algorithm(&self) -> AlgorithmIdentifier {
        let (number, null) = match self {
            Self::Sm2(..) => ("1.2.156.10197.1.501", false),
            Self::Other(_, Sort::Rsa(_)) => ("1.2.840.113549.1.1.11", true),
            Self::Other(_, Sort::P384) => ("1.2.840.10045.4.3.3", false),
            Self::Other(..) => ("1.2.840.10045.4.3.2", false),
        };
        let parameters = null.then(|| Any::from(Null));
        AlgorithmIdentifier { oid: oid(number), parameters }
    }

    pub fn public(&self) -> SubjectPublicKeyInfoOwned {
        match self {
            Self::Sm2(key) => SubjectPublicKeyInfoOwned {
                algorithm: AlgorithmIdentifier {
                    oid: oid("1.2.840.10045.2.1"),
                    parameters: Some(Any::from(oid("1.2.156.10197.1.301"))),
                },
                subject_public_key: BitString::from_bytes(&key.verifying_key().to_sec1_bytes())
                    .unwrap(),
            },
            Self::Other(key, _) => {
                SubjectPublicKeyInfoOwned::from_der(&key.public_key_to_der().unwrap()).unwrap()
            }
        }
    }

    /// As it stands in certificates.
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        let digest = match self {
            Self::Other(_, Sort::P384) => MessageDigest::sha384(),
            _ => MessageDigest::sha256(),
        };
        self.sign_with(digest, message)
    }

    pub fn sign_with(&self, digest: MessageDigest, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Sm2(key) => {
                let signature = key.try_sign(message).unwrap();
                let (r, s) = (signature.r_bytes(), signature.s_bytes());
                Numbers { r: UintRef::new(&r).unwrap(), s: UintRef::new(&s).unwrap() }
                    .to_der()
                    .unwrap()
            }
            Self::Other(key, _) => {
                Signer::new(digest, key).unwrap().sign_oneshot_to_vec(message).unwrap()
            }
        }
    }

    /// What a key agent answers for a challenge (`kagent/1`), whatever it is asked.
    pub fn answer(&self, challenge: &[u8], origin: &str, purpose: &str) -> Vec<u8> {
        let digest: [u8; 32] = match self {
            Self::Sm2(..) => sm3::Digest::finalize(sm3::Digest::chain_update(
                <sm3::Sm3 as sm3::Digest>::new(),
                challenge,
            ))
            .into(),
            Self::Other(..) => openssl::sha::sha256(challenge),
        };
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let message = format!("kagent-v1\n{hex}\n{origin}\n{purpose}\n");
        self.sign_with(MessageDigest::sha256(), message.as_bytes())
    }
}

#[derive(Sequence)]
pub struct Numbers<'a> {
    pub r: UintRef<'a>,
    pub s: UintRef<'a>,
}

#[derive(Clone, Sequence)]
struct Validity {
    not_before: Time,
    not_after: Time,
}

#[derive(Clone, Sequence)]
struct Tbs {
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    version: u8,
    serial: Int,
    signature: AlgorithmIdentifier,
    issuer: Name,
    validity: Validity,
    subject: Name,
    key: SubjectPublicKeyInfoOwned,
    #[asn1(context_specific = "3", tag_mode = "EXPLICIT", optional = "true")]
    extensions: Option<Vec<Extension>>,
}

#[derive(Sequence)]
struct Frame {
    inner: Any,
    algorithm: AlgorithmIdentifier,
    signature: BitString,
}

fn frame(inner: Vec<u8>, algorithm: AlgorithmIdentifier, signature: &[u8]) -> Vec<u8> {
    let signature = BitString::from_bytes(signature).unwrap();
    Frame { inner: Any::from_der(&inner).unwrap(), algorithm, signature }.to_der().unwrap()
}

pub fn time(at: i64) -> Time {
    let at = std::time::Duration::from_secs(u64::try_from(at).unwrap());
    let at = DateTime::from_unix_duration(at).unwrap();
    let short = UtcTime::from_date_time(at).map(Time::UtcTime);
    short.unwrap_or_else(|_| Time::GeneralTime(GeneralizedTime::from_date_time(at)))
}

fn general(at: i64) -> GeneralizedTime {
    GeneralizedTime::from_unix_duration(std::time::Duration::from_secs(u64::try_from(at).unwrap()))
        .unwrap()
}

pub fn extension(number: &str, critical: bool, value: Vec<u8>) -> Extension {
    Extension { extn_id: oid(number), critical, extn_value: OctetString::new(value).unwrap() }
}

/// `cA` and `pathLenConstraint`.
pub fn constraints(depth: Option<u8>) -> Extension {
    let value = x509_cert::ext::pkix::BasicConstraints { ca: true, path_len_constraint: depth };
    extension("2.5.29.19", true, value.to_der().unwrap())
}

/// By the bits of RFC 5280 §4.2.1.3, the first is digitalSignature.
pub fn usage(bits: &[u8]) -> Extension {
    let mut bytes = [0_u8; 2];
    for bit in bits {
        bytes[usize::from(bit / 8)] |= 0x80 >> (bit % 8);
    }
    let last = bits.iter().max().unwrap();
    let whole = &bytes[..=usize::from(last / 8)];
    let value = BitString::new(7 - last % 8, whole).unwrap();
    extension("2.5.29.15", true, value.to_der().unwrap())
}

pub const SIGNS: &[u8] = &[0, 1];
pub const ENCRYPTS: &[u8] = &[2, 3, 4];
pub const ISSUES: &[u8] = &[5, 6];

pub fn uses(numbers: &[&str]) -> Extension {
    let list: Vec<ObjectIdentifier> = numbers.iter().map(|number| oid(number)).collect();
    extension("2.5.29.37", false, list.to_der().unwrap())
}

pub const CLIENT_AUTH: &str = "1.3.6.1.5.5.7.3.2";
pub const OCSP_SIGNING: &str = "1.3.6.1.5.5.7.3.9";

/// What a certificate says; every field may be changed before it is signed.
#[derive(Clone)]
pub struct Wanted {
    pub subject: String,
    pub serial: u64,
    pub not_before: i64,
    pub not_after: i64,
    pub extensions: Vec<Extension>,
    /// 2 is version 3.
    pub version: u8,
    /// Inside, where it differs from the one outside.
    pub inner: Option<AlgorithmIdentifier>,
}

impl Wanted {
    pub fn new(subject: &str, extensions: Vec<Extension>) -> Self {
        Self {
            subject: subject.to_owned(),
            serial: rand::random_range(1..u64::MAX / 2),
            not_before: START.0 - YEAR,
            not_after: START.0 + YEAR,
            extensions,
            version: 2,
            inner: None,
        }
    }

    /// An enterprise's certificate for signatures, with its number in the national extension.
    pub fn enterprise(number: &str) -> Self {
        let text = der::asn1::PrintableStringRef::new(number).unwrap();
        let number = extension(TAX_NUMBER, false, text.to_der().unwrap());
        Self::new("CN=江西示例科技有限公司,O=江西示例科技有限公司,C=CN", vec![usage(SIGNS), number])
    }

    pub fn authority(subject: &str, depth: Option<u8>) -> Self {
        Self::new(subject, vec![constraints(depth), usage(ISSUES)])
    }
}

#[derive(Clone)]
pub struct Issued {
    pub key: Key,
    pub der: Vec<u8>,
    pub name: Name,
    pub serial: u64,
}

impl Issued {
    pub fn parsed(&self) -> hufu::certificate::Certificate {
        hufu::certificate::Certificate::parse(&self.der).unwrap()
    }

    pub fn pem(&self) -> String {
        let ending = der::pem::LineEnding::LF;
        der::pem::encode_string("CERTIFICATE", ending, &self.der).unwrap()
    }

    pub fn root(sort: Sort, name: &str) -> Self {
        let key = Key::new(sort);
        let wanted = Wanted { not_after: START.0 + 20 * YEAR, ..Wanted::authority(name, None) };
        certificate(&key, None, key.clone(), &wanted)
    }

    /// A certificate for a new key of the same sort.
    pub fn issue(&self, wanted: &Wanted) -> Self {
        self.issue_for(Key::new(self.sort()), wanted)
    }

    pub fn issue_for(&self, key: Key, wanted: &Wanted) -> Self {
        certificate(&self.key, Some(&self.name), key, wanted)
    }

    pub fn sort(&self) -> Sort {
        match &self.key {
            Key::Sm2(..) => Sort::Sm2,
            Key::Other(_, sort) => *sort,
        }
    }

    pub fn list(&self, revoked: &[u64]) -> Vec<u8> {
        self.list_of(revoked, START.0 - 3600, Some(START.0 + 86_400), Vec::new())
    }

    pub fn list_of(
        &self,
        revoked: &[u64],
        from: i64,
        to: Option<i64>,
        extensions: Vec<Extension>,
    ) -> Vec<u8> {
        let entries: Vec<Entry> = revoked
            .iter()
            .map(|serial| Entry { serial: number(*serial), since: time(START.0 - 86_400) })
            .collect();
        let inner = TbsList {
            version: 1,
            signature: self.key.algorithm(),
            issuer: self.name.clone(),
            from: time(from),
            to: to.map(time),
            entries: (!entries.is_empty()).then_some(entries),
            extensions: (!extensions.is_empty()).then_some(extensions),
        };
        let inner = inner.to_der().unwrap();
        let signature = self.key.sign(&inner);
        frame(inner, self.key.algorithm(), &signature)
    }
}

#[derive(Sequence)]
struct Entry {
    serial: Int,
    since: Time,
}

#[derive(Sequence)]
struct TbsList {
    version: u8,
    signature: AlgorithmIdentifier,
    issuer: Name,
    from: Time,
    to: Option<Time>,
    entries: Option<Vec<Entry>>,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    extensions: Option<Vec<Extension>>,
}

fn number(serial: u64) -> Int {
    let bytes = serial.to_be_bytes();
    let first = bytes.iter().position(|byte| *byte != 0).unwrap();
    Int::new(&bytes[first..]).unwrap()
}

fn certificate(signer: &Key, issuer: Option<&Name>, key: Key, wanted: &Wanted) -> Issued {
    let name = Name::from_str(&wanted.subject).unwrap();
    let inner = Tbs {
        version: wanted.version,
        serial: number(wanted.serial),
        signature: wanted.inner.clone().unwrap_or_else(|| signer.algorithm()),
        issuer: issuer.unwrap_or(&name).clone(),
        validity: Validity {
            not_before: time(wanted.not_before),
            not_after: time(wanted.not_after),
        },
        subject: name.clone(),
        key: key.public(),
        extensions: (!wanted.extensions.is_empty()).then(|| wanted.extensions.clone()),
    };
    let inner = inner.to_der().unwrap();
    let signature = signer.sign(&inner);
    let der = frame(inner, signer.algorithm(), &signature);
    Issued { key, der, name, serial: wanted.serial }
}

/// What an OCSP answer says about one certificate.
#[derive(Clone)]
pub struct Answer {
    pub serial: u64,
    /// 0 good, 1 revoked, 2 unknown.
    pub status: u8,
    pub from: i64,
    pub to: Option<i64>,
    pub nonce: Option<Vec<u8>>,
}

impl Answer {
    pub fn good(serial: u64) -> Self {
        Self { serial, status: 0, from: START.0 - 60, to: Some(START.0 + 3600), nonce: None }
    }
}

#[derive(Sequence)]
struct CertId {
    algorithm: AlgorithmIdentifier,
    name: OctetString,
    key: OctetString,
    serial: Int,
}

fn sha1(bytes: &[u8]) -> OctetString {
    OctetString::new(hash(MessageDigest::sha1(), bytes).unwrap().to_vec()).unwrap()
}

fn tagged(tag: u8, inner: &[u8]) -> Vec<u8> {
    let mut der = vec![tag];
    match inner.len() {
        short @ 0..=0x7f => der.push(u8::try_from(short).unwrap()),
        middle @ 0x80..=0xff => der.extend([0x81, u8::try_from(middle).unwrap()]),
        long => {
            der.push(0x82);
            der.extend(u16::try_from(long).unwrap().to_be_bytes());
        }
    }
    der.extend(inner);
    der
}

/// What a responder signs.
pub fn ocsp_data(issuer: &Issued, responder: &Issued, answer: &Answer) -> Vec<u8> {
    let id = CertId {
        algorithm: AlgorithmIdentifier {
            oid: oid("1.3.14.3.2.26"),
            parameters: Some(Any::from(Null)),
        },
        name: sha1(&issuer.name.to_der().unwrap()),
        key: sha1(issuer.key.public().subject_public_key.as_bytes().unwrap()),
        serial: number(answer.serial),
    };
    let mut single = id.to_der().unwrap();
    single.extend(match answer.status {
        0 => vec![0x80, 0],
        1 => tagged(0xa1, &general(START.0 - 86_400).to_der().unwrap()),
        _ => vec![0x82, 0],
    });
    single.extend(general(answer.from).to_der().unwrap());
    if let Some(to) = answer.to {
        single.extend(tagged(0xa0, &general(to).to_der().unwrap()));
    }
    let mut data = tagged(0xa1, &responder.name.to_der().unwrap());
    data.extend(general(answer.from).to_der().unwrap());
    data.extend(tagged(0x30, &tagged(0x30, &single)));
    if let Some(nonce) = &answer.nonce {
        let value = OctetString::new(nonce.as_slice()).unwrap().to_der().unwrap();
        let list = vec![extension("1.3.6.1.5.5.7.48.1.2", false, value)];
        data.extend(tagged(0xa1, &list.to_der().unwrap()));
    }
    tagged(0x30, &data)
}

/// An answer about a certificate of `issuer`, signed by `responder`, which it carries if asked to.
pub fn ocsp(issuer: &Issued, responder: &Issued, answer: &Answer, carried: bool) -> Vec<u8> {
    let data = ocsp_data(issuer, responder, answer);
    let mut basic = data.clone();
    basic.extend(responder.key.algorithm().to_der().unwrap());
    basic.extend(BitString::from_bytes(&responder.key.sign(&data)).unwrap().to_der().unwrap());
    if carried {
        basic.extend(tagged(0xa0, &tagged(0x30, &responder.der)));
    }
    let basic = OctetString::new(tagged(0x30, &basic)).unwrap();
    let mut bytes = oid("1.3.6.1.5.5.7.48.1.1").to_der().unwrap();
    bytes.extend(basic.to_der().unwrap());
    let mut response = vec![0x0a, 1, 0];
    response.extend(tagged(0xa0, &tagged(0x30, &bytes)));
    tagged(0x30, &response)
}
