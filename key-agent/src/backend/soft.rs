//! Keys in files, opened by a password as a token is by its PIN: for tests and demonstrations, where
//! there is no token. Nobody's real certificate belongs here, as a file can be copied.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use openssl::hash::MessageDigest;
use openssl::pkcs12::Pkcs12;
use openssl::pkey::{PKey, Private};
use openssl::sign::Signer;
use openssl::symm::Cipher;
use openssl::x509::X509;
use sm2::SecretKey;
use sm2::dsa::SigningKey;
use sm2::dsa::signature::Signer as _;
use sm2::pkcs8::DecodePrivateKey;
use zeroize::Zeroizing;

use super::{Found, Listed, TokenBackend, key_id};
use crate::certificate;
use crate::config::SoftKey;
use crate::pin::Pin;
use crate::protocol::{Algorithm, Code, PinState, Refusal, TokenName};
use crate::signature::{self, SIGNER_ID};

const NEW_PIN: std::ops::RangeInclusive<usize> = 6..=32;
const ENCRYPTED_PEM: &[u8] = b"-----BEGIN ENCRYPTED PRIVATE KEY-----";

pub struct SoftBackend {
    keys: Vec<SoftKey>,
}

impl SoftBackend {
    pub fn new(keys: Vec<SoftKey>) -> Self {
        Self { keys }
    }

    fn find(&self, wanted: &str) -> Result<(&SoftKey, Found), Refusal> {
        let mut held = self.keys.iter().filter_map(|key| Some((key, look(key)?)));
        held.find(|(_, found)| found.key_id == wanted).ok_or_else(|| Code::KeyNotFound.into())
    }
}

impl TokenBackend for SoftBackend {
    fn name(&self) -> &'static str {
        "soft"
    }

    fn env(&mut self) -> Result<String, Refusal> {
        Ok(format!("{} keys in files, for demonstrations", self.keys.len()))
    }

    fn certificates(&mut self) -> Result<Listed, Refusal> {
        let certificates: Vec<Found> = self.keys.iter().filter_map(look).collect();
        Ok(Listed { tokens: certificates.len(), certificates })
    }

    fn sign(&mut self, key_id: &str, pin: &Pin, message: &[u8]) -> Result<Vec<u8>, Refusal> {
        let (key, found) = self.find(key_id)?;
        let (private, _) = open(&key.key, pin)?;
        let signature = match found.read.algorithm {
            Algorithm::Sm2Sm3 => sign_sm2(&private, message),
            Algorithm::RsaSha256 | Algorithm::EcdsaSha256 => {
                Signer::new(MessageDigest::sha256(), &private)
                    .and_then(|mut signer| signer.sign_oneshot_to_vec(message))
                    .ok()
            }
        };
        signature.ok_or_else(|| failed("the key in the file does not fit the certificate"))
    }

    fn change_pin(&mut self, key_id: &str, old: &Pin, new: &Pin) -> Result<(), Refusal> {
        let (key, found) = self.find(key_id)?;
        let (private, is_pem) = open(&key.key, old)?;
        if !NEW_PIN.contains(&new.reveal().len()) {
            return Err(Code::PinLength.into());
        }
        let sealed = if is_pem {
            let password = new.reveal().as_bytes();
            private.private_key_to_pem_pkcs8_passphrase(Cipher::aes_256_cbc(), password)
        } else {
            X509::from_der(&found.read.der).and_then(|leaf| {
                Pkcs12::builder()
                    .name(&found.label)
                    .pkey(&private)
                    .cert(&leaf)
                    .build2(new.reveal())?
                    .to_der()
            })
        };
        let sealed = sealed.map_err(|_| failed("the key cannot be sealed"))?;
        replace(&key.key, &sealed).map_err(|_| failed("the key's file cannot be written"))
    }
}

fn look(key: &SoftKey) -> Option<Found> {
    let certificates = certificate::from_pem(&std::fs::read(&key.certificate).ok()?)?;
    let read = certificate::read(certificates.first()?)?;
    let name = key.certificate.file_stem()?.to_string_lossy().into_owned();
    let path = key.key.to_string_lossy().into_owned();
    let token = TokenName { label: name.clone(), serial: path };
    let key_id = key_id("soft", &token, b"", &read.der);
    // A path tells a page who the person is.
    let token = TokenName { serial: key_id.clone(), ..token };
    let chain = certificate::chain(&read.der, &certificates);
    let label = read.common_name.clone().unwrap_or(name);
    Some(Found { key_id, read, chain, label, token, pin: PinState::default() })
}

/// The key, and whether it came from PEM. What is no such file is a fault; what a PIN does not open
/// is a wrong PIN.
fn open(path: &Path, pin: &Pin) -> Result<(PKey<Private>, bool), Refusal> {
    let bytes = std::fs::read(path).map_err(|_| failed("the key's file cannot be read"))?;
    let wrong = |_| Refusal::new(Code::PinIncorrect);
    if bytes.starts_with(ENCRYPTED_PEM) {
        let key = PKey::private_key_from_pem_passphrase(&bytes, pin.reveal().as_bytes());
        return Ok((key.map_err(wrong)?, true));
    }
    let sealed = Pkcs12::from_der(&bytes).map_err(|_| failed("the key's file is neither kind"))?;
    let key = sealed.parse2(pin.reveal()).map_err(wrong)?.pkey;
    Ok((key.ok_or_else(|| failed("the key's file holds no key"))?, false))
}

/// OpenSSL 3.0 cannot be told from Rust whose signature it is.
fn sign_sm2(key: &PKey<Private>, message: &[u8]) -> Option<Vec<u8>> {
    let bare = Zeroizing::new(key.private_key_to_pkcs8().ok()?);
    let key = SigningKey::new(SIGNER_ID, &SecretKey::from_pkcs8_der(&bare).ok()?).ok()?;
    let signed = key.try_sign(message).ok()?;
    signature::to_der(&signed.r_bytes(), &signed.s_bytes())
}

/// By renaming: a computer that is switched off here has one of the two.
fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let fresh = path.with_extension("new");
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&fresh)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(fresh, path)
}

fn failed(why: &str) -> Refusal {
    Refusal::new(Code::Backend).because(why)
}
