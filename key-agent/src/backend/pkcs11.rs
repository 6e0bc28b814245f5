//! Tokens with a PKCS#11 library, by `cryptoki`: RSA and ECDSA. The national algorithms have no
//! mechanism there; their tokens speak SKF.

use std::path::{Path, PathBuf};

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, AttributeType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::{Slot, TokenInfo};
use cryptoki::types::AuthPin;
use sha2::{Digest, Sha256};

use super::{Found, Listed, TokenBackend, key_id};
use crate::certificate;
use crate::pin::Pin;
use crate::protocol::{Algorithm, Code, PinState, Refusal, TokenName};
use crate::signature;

pub struct Pkcs11Backend {
    library: PathBuf,
    /// Loaded when it is first needed, and tried again while it is missing: a driver may be installed
    /// while we run.
    loaded: Option<Pkcs11>,
}

/// Where a key is. Handles die with the session, so it is found again by its id.
struct Place {
    slot: Slot,
    id: Vec<u8>,
}

impl Pkcs11Backend {
    pub fn new(library: &Path) -> Self {
        Self { library: library.to_owned(), loaded: None }
    }

    fn driver(&mut self) -> Result<&Pkcs11, Refusal> {
        if self.loaded.is_none() {
            let driver = Pkcs11::new(&self.library).map_err(|_| {
                let why = format!("{} cannot be loaded", self.library.display());
                Refusal::new(Code::NoDriver).because(why)
            })?;
            match driver.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
                // Another library of the same maker may have done it for the process.
                Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {}
                Err(error) => return Err(failed(&error).because("the driver does not start")),
            }
            self.loaded = Some(driver);
        }
        self.loaded.as_ref().ok_or_else(|| Code::NoDriver.into())
    }

    fn look(&mut self) -> Result<(usize, Vec<(Found, Place)>), Refusal> {
        let driver = self.driver()?;
        let slots = driver.get_slots_with_initialized_token().map_err(|e| failed(&e))?;
        let mut found = Vec::new();
        for slot in &slots {
            // One that is pulled out meanwhile is not there.
            found.extend(look_at(driver, *slot).unwrap_or_default());
        }
        Ok((slots.len(), found))
    }

    fn find(&mut self, wanted: &str) -> Result<(Found, Place), Refusal> {
        let (_, found) = self.look()?;
        let mut found = found.into_iter();
        found.find(|(found, _)| found.key_id == wanted).ok_or_else(|| Code::KeyNotFound.into())
    }
}

impl TokenBackend for Pkcs11Backend {
    fn name(&self) -> &'static str {
        "pkcs11"
    }

    fn env(&mut self) -> Result<String, Refusal> {
        let info = self.driver()?.get_library_info().map_err(|e| failed(&e))?;
        Ok(info.library_description().trim().to_owned())
    }

    fn certificates(&mut self) -> Result<Listed, Refusal> {
        let (tokens, found) = self.look()?;
        Ok(Listed { tokens, certificates: found.into_iter().map(|(found, _)| found).collect() })
    }

    fn sign(&mut self, key_id: &str, pin: &Pin, message: &[u8]) -> Result<Vec<u8>, Refusal> {
        let (found, place) = self.find(key_id)?;
        let session = self.driver()?.open_ro_session(place.slot).map_err(|e| failed(&e))?;
        log_in(&session, pin)?;
        let signature = sign_with(&session, &place.id, found.read.algorithm, message);
        // Whatever came of it: the next signature asks for the PIN again.
        let _ = session.logout();
        signature
    }

    fn change_pin(&mut self, key_id: &str, old: &Pin, new: &Pin) -> Result<(), Refusal> {
        let (_, place) = self.find(key_id)?;
        let driver = self.driver()?;
        let info = driver.get_token_info(place.slot).map_err(|e| failed(&e))?;
        if !allows(&info, new) {
            return Err(Code::PinLength.into());
        }
        let session = driver.open_rw_session(place.slot).map_err(|e| failed(&e))?;
        // Some libraries change the PIN only of whoever is logged in.
        log_in(&session, old)?;
        let changed = session.set_pin(&auth(old), &auth(new)).map_err(|e| failed(&e));
        let _ = session.logout();
        changed
    }
}

fn look_at(driver: &Pkcs11, slot: Slot) -> Result<Vec<(Found, Place)>, Error> {
    let info = driver.get_token_info(slot)?;
    let token = TokenName {
        label: info.label().trim().to_owned(),
        serial: info.serial_number().trim().to_owned(),
    };
    let pin = pin_state(&info);
    let session = driver.open_ro_session(slot)?;
    let mut all = Vec::new();
    for handle in session.find_objects(&[Attribute::Class(ObjectClass::CERTIFICATE)])? {
        all.push(attributes(&session, handle)?);
    }
    let beside: Vec<Vec<u8>> = all.iter().map(|(der, _, _)| der.clone()).collect();
    let mut found = Vec::new();
    for (der, id, label) in all {
        let Some(read) = certificate::read(&der) else { continue };
        // An authority's certificate lies here without an id; national keys cannot sign here.
        if id.is_empty() || read.algorithm.is_national() || is_issuer(&der, &beside) {
            continue;
        }
        let key_id = key_id("pkcs11", &token, &id, &der);
        let label = read.common_name.clone().unwrap_or(label);
        let chain = certificate::chain(&der, &beside);
        found.push((
            Found { key_id, read, chain, label, token: token.clone(), pin },
            Place { slot, id },
        ));
    }
    Ok(found)
}

fn is_issuer(der: &[u8], beside: &[Vec<u8>]) -> bool {
    let others = beside.iter().filter(|other| *other != der);
    others.into_iter().any(|other| certificate::chain(other, beside).iter().any(|one| one == der))
}

fn attributes(
    session: &Session,
    handle: ObjectHandle,
) -> Result<(Vec<u8>, Vec<u8>, String), Error> {
    let wanted = [AttributeType::Value, AttributeType::Id, AttributeType::Label];
    let (mut der, mut id, mut label) = (Vec::new(), Vec::new(), String::new());
    for attribute in session.get_attributes(handle, &wanted)? {
        match attribute {
            Attribute::Value(value) => der = value,
            Attribute::Id(value) => id = value,
            Attribute::Label(value) => label = String::from_utf8_lossy(&value).into_owned(),
            _ => {}
        }
    }
    Ok((der, id, label))
}

/// PKCS#11 tells three things in place of a number.
fn pin_state(info: &TokenInfo) -> PinState {
    let locked = info.user_pin_locked();
    let tries_left = match (locked, info.user_pin_final_try()) {
        (true, _) => Some(0),
        (false, true) => Some(1),
        (false, false) => None,
    };
    let default = info.user_pin_to_be_changed().then_some(true);
    PinState { tries_left, locked, default }
}

fn allows(info: &TokenInfo, new: &Pin) -> bool {
    (info.min_pin_length()..=info.max_pin_length()).contains(&new.reveal().len())
}

fn auth(pin: &Pin) -> AuthPin {
    AuthPin::new(pin.reveal().into())
}

fn log_in(session: &Session, pin: &Pin) -> Result<(), Refusal> {
    match session.login(UserType::User, Some(&auth(pin))) {
        // Too short or too long for this token is as wrong as any other.
        Err(Error::Pkcs11(RvError::PinLenRange | RvError::PinInvalid, _)) => {
            Err(Code::PinIncorrect.into())
        }
        result => result.map_err(|e| failed(&e)),
    }
}

fn sign_with(
    session: &Session,
    id: &[u8],
    algorithm: Algorithm,
    message: &[u8],
) -> Result<Vec<u8>, Refusal> {
    let wanted = [Attribute::Class(ObjectClass::PRIVATE_KEY), Attribute::Id(id.to_vec())];
    let keys = session.find_objects(&wanted).map_err(|e| failed(&e))?;
    let key = keys.first().copied().ok_or(Code::KeyNotFound)?;
    if algorithm == Algorithm::RsaSha256 {
        return session.sign(&Mechanism::Sha256RsaPkcs, key, message).map_err(|e| failed(&e));
    }
    // Every token that knows ECDSA signs a digest; not every one hashes.
    let digest = Sha256::digest(message);
    let bare = session.sign(&Mechanism::Ecdsa, key, &digest).map_err(|e| failed(&e))?;
    let (r, s) = bare.split_at(bare.len() / 2);
    let der = if r.len() == s.len() { signature::to_der(r, s) } else { None };
    der.ok_or_else(|| Refusal::new(Code::Backend).because("the token's signature is none"))
}

fn failed(error: &Error) -> Refusal {
    match error {
        Error::Pkcs11(RvError::PinIncorrect, _) => Code::PinIncorrect.into(),
        Error::Pkcs11(RvError::PinLocked, _) => Refusal::new(Code::PinLocked).left(Some(0)),
        Error::Pkcs11(RvError::PinLenRange | RvError::PinInvalid | RvError::PinTooWeak, _) => {
            Code::PinLength.into()
        }
        Error::Pkcs11(
            RvError::TokenNotPresent | RvError::DeviceRemoved | RvError::TokenNotRecognized,
            _,
        ) => Code::NoToken.into(),
        Error::Pkcs11(RvError::FunctionCanceled, _) => Code::UserCancelled.into(),
        // The number and the function, never an argument.
        Error::Pkcs11(code, function) => {
            Refusal::new(Code::Backend).because(format!("{function:?}: {code:?}"))
        }
        _ => Refusal::new(Code::Backend).because("the driver failed"),
    }
}
