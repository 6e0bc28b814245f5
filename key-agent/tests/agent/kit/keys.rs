//! Keys and certificates of one small authority, made by OpenSSL.

use std::path::Path;

use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkcs12::Pkcs12;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::sign::Verifier;
use openssl::symm::Cipher;
use openssl::x509::extension::KeyUsage;
use openssl::x509::{X509, X509NameBuilder};
use sm2::dsa::signature::Verifier as _;

pub struct Key {
    pub private: PKey<Private>,
    pub certificate: X509,
    pub issuer: X509,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Rsa,
    P256,
    Sm2,
}

impl Kind {
    pub const ALL: [Self; 3] = [Self::Rsa, Self::P256, Self::Sm2];

    pub fn algorithm(self) -> &'static str {
        match self {
            Self::Rsa => "rsa-sha256",
            Self::P256 => "ecdsa-sha256",
            Self::Sm2 => "sm2-sm3",
        }
    }

    fn private(self) -> PKey<Private> {
        let curve = |nid| {
            let group = EcGroup::from_curve_name(nid).unwrap();
            PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
        };
        match self {
            Self::Rsa => PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap(),
            Self::P256 => curve(Nid::X9_62_PRIME256V1),
            Self::Sm2 => curve(Nid::SM2),
        }
    }
}

pub fn make(kind: Kind, name: &str) -> Key {
    make_for(kind, name, KeyUsage::new().critical().digital_signature().build().unwrap())
}

pub fn make_for(kind: Kind, name: &str, usage: openssl::x509::X509Extension) -> Key {
    let authority = Kind::P256.private();
    let issuer = issue("Test CA", &authority, "Test CA", &authority, None);
    let private = kind.private();
    let certificate = issue(name, &private, "Test CA", &authority, Some(usage));
    Key { private, certificate, issuer }
}

fn issue(
    name: &str,
    key: &PKey<Private>,
    issuer: &str,
    authority: &PKey<Private>,
    usage: Option<openssl::x509::X509Extension>,
) -> X509 {
    let called = |name: &str| {
        let mut builder = X509NameBuilder::new().unwrap();
        builder.append_entry_by_text("CN", name).unwrap();
        builder.build()
    };
    let mut builder = X509::builder().unwrap();
    builder.set_version(2).unwrap();
    builder.set_serial_number(&BigNum::from_u32(7).unwrap().to_asn1_integer().unwrap()).unwrap();
    builder.set_subject_name(&called(name)).unwrap();
    builder.set_issuer_name(&called(issuer)).unwrap();
    builder.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
    builder.set_not_after(&Asn1Time::days_from_now(30).unwrap()).unwrap();
    builder.set_pubkey(key).unwrap();
    if let Some(usage) = usage {
        builder.append_extension(usage).unwrap();
    }
    builder.sign(authority, MessageDigest::sha256()).unwrap();
    builder.build()
}

impl Key {
    /// The two files of the software back end, and its lines in the configuration.
    pub fn save(&self, folder: &Path, name: &str, pin: &str, in_pem: bool) -> String {
        let certificate = folder.join(format!("{name}.pem"));
        let pem = [self.certificate.to_pem().unwrap(), self.issuer.to_pem().unwrap()].concat();
        std::fs::write(&certificate, pem).unwrap();
        let key = folder.join(format!("{name}.key"));
        let bytes = if in_pem {
            let cipher = Cipher::aes_256_cbc();
            self.private.private_key_to_pem_pkcs8_passphrase(cipher, pin.as_bytes()).unwrap()
        } else {
            let mut sealed = Pkcs12::builder();
            sealed.name(name).pkey(&self.private).cert(&self.certificate);
            sealed.build2(pin).unwrap().to_der().unwrap()
        };
        std::fs::write(&key, bytes).unwrap();
        format!("[[soft]]\ncertificate = {certificate:?}\nkey = {key:?}\n")
    }
}

/// As a server verifies: by the certificate's key over bytes of its own.
pub fn verifies(certificate: &[u8], algorithm: &str, message: &[u8], signature: &[u8]) -> bool {
    let key = X509::from_der(certificate).unwrap().public_key().unwrap();
    if algorithm != "sm2-sm3" {
        let mut verifier = Verifier::new(MessageDigest::sha256(), &key).unwrap();
        return verifier.verify_oneshot(signature, message).unwrap_or(false);
    }
    let read = key_agent::certificate::read(certificate).unwrap();
    let key = sm2::dsa::VerifyingKey::from_sec1_bytes("1234567812345678", &read.public_key);
    let signature = two_numbers(signature);
    key.unwrap().verify(message, &sm2::dsa::Signature::from_slice(&signature).unwrap()).is_ok()
}

/// DER as the two bare numbers, by OpenSSL's reader.
fn two_numbers(der: &[u8]) -> Vec<u8> {
    let read = openssl::ecdsa::EcdsaSig::from_der(der).unwrap();
    let mut bare = read.r().to_vec_padded(32).unwrap();
    bare.extend(read.s().to_vec_padded(32).unwrap());
    bare
}
