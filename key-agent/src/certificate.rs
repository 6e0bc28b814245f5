//! What this agent reads of a certificate: which kind of signature its key makes, whether it is for
//! signatures at all (tokens hold a second one for encryption), and who issued it. Whether it is
//! good for anything, the bureau's server decides.

use x509_cert::Certificate;
use x509_cert::der::oid::ObjectIdentifier;
use x509_cert::der::{Decode, Encode};
use x509_cert::ext::pkix::KeyUsage;
use x509_cert::name::Name;

use crate::protocol::Algorithm;

const EC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const RSA_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const SM2_CURVE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.156.10197.1.301");
const P256_CURVE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
/// More issuers than this are nobody's hierarchy.
const LONGEST_CHAIN: usize = 5;

/// A certificate whose key can sign what we ask for.
#[derive(Clone)]
pub struct Read {
    pub der: Vec<u8>,
    pub algorithm: Algorithm,
    /// As the certificate has it; for elliptic curves a point.
    pub public_key: Vec<u8>,
    pub common_name: Option<String>,
}

/// None where it is no certificate, not for signatures, or of an algorithm that we do not speak.
pub fn read(der: &[u8]) -> Option<Read> {
    let certificate = Certificate::from_der(der).ok()?;
    let inner = certificate.tbs_certificate();
    if let Some((_, usage)) = inner.get_extension::<KeyUsage>().ok()?
        && !usage.digital_signature()
    {
        return None;
    }
    let key = inner.subject_public_key_info();
    let curve = || key.algorithm.parameters.as_ref()?.decode_as::<ObjectIdentifier>().ok();
    let algorithm = match key.algorithm.oid {
        RSA_KEY => Algorithm::RsaSha256,
        EC_KEY if curve() == Some(SM2_CURVE) => Algorithm::Sm2Sm3,
        EC_KEY if curve() == Some(P256_CURVE) => Algorithm::EcdsaSha256,
        _ => return None,
    };
    let public_key = key.subject_public_key.as_bytes()?.to_vec();
    let common_name = inner.subject().common_name().ok().flatten();
    let common_name = common_name.map(|name| name.value().into_owned());
    Some(Read { der: der.to_vec(), algorithm, public_key, common_name })
}

/// The issuers of a certificate among what lies beside it, nearest first. A server that knows the
/// authority needs none of them.
pub fn chain(leaf: &[u8], beside: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let mut chain: Vec<Vec<u8>> = Vec::new();
    let Some((_, mut wanted)) = names(leaf) else { return chain };
    while chain.len() < LONGEST_CHAIN {
        let next = beside.iter().find(|der| {
            let is_new = *der != leaf && !chain.contains(der);
            is_new && names(der).is_some_and(|(subject, _)| subject == wanted)
        });
        let Some(next) = next else { break };
        let Some((subject, issuer)) = names(next) else { break };
        chain.push(next.clone());
        if subject == issuer {
            break;
        }
        wanted = issuer;
    }
    chain
}

fn names(der: &[u8]) -> Option<(Name, Name)> {
    let certificate = Certificate::from_der(der).ok()?;
    let inner = certificate.tbs_certificate();
    Some((inner.subject().clone(), inner.issuer().clone()))
}

/// Each certificate of a PEM file, as DER.
pub fn from_pem(text: &[u8]) -> Option<Vec<Vec<u8>>> {
    let certificates = Certificate::load_pem_chain(text).ok()?;
    certificates.iter().map(|certificate| certificate.to_der().ok()).collect()
}
