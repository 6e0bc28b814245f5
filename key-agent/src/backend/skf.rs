//! Tokens of the national interface SKF (GM/T 0016, GB/T 35291), by `skf-rs`: SM2 with SM3. Their
//! RSA containers are left alone; a token of that kind has a PKCS#11 library.

use std::path::{Path, PathBuf};

use skf_rs::{
    DeviceManager, Engine, Error, LibLoader, PIN_TYPE_USER, SkfApp, SkfContainer, SkfDevice,
};

use super::{Found, Listed, TokenBackend, key_id};
use crate::certificate;
use crate::pin::Pin;
use crate::protocol::{Code, PinState, Refusal, TokenName};
use crate::signature;

// Of GM/T 0016, annex A.
const DEVICE_REMOVED: u32 = 0x0A00_0023;
const PIN_INCORRECT: u32 = 0x0A00_0024;
const PIN_LOCKED: u32 = 0x0A00_0025;
const PIN_INVALID: u32 = 0x0A00_0026;
const PIN_LEN_RANGE: u32 = 0x0A00_0027;

pub struct SkfBackend {
    library: PathBuf,
    /// Loaded when it is first needed, and tried again while it is missing.
    loaded: Option<Box<dyn DeviceManager + Send + Sync>>,
}

/// Where a key is: by names, as handles do not outlive a plug that is pulled.
struct Place {
    device: String,
    app: String,
    container: String,
}

impl SkfBackend {
    pub fn new(library: &Path) -> Self {
        Self { library: library.to_owned(), loaded: None }
    }

    fn driver(&mut self) -> Result<&dyn DeviceManager, Refusal> {
        if self.loaded.is_none() {
            let missing = |error: &Error| {
                let why = format!("{} cannot be loaded: {error}", self.library.display());
                Refusal::new(Code::NoDriver).because(why)
            };
            let library = LibLoader::of_library_file(self.library.to_string_lossy())
                .map_err(|error| missing(&error))?;
            let manager = Engine::new(library).device_manager().map_err(|error| missing(&error))?;
            self.loaded = Some(manager);
        }
        match &self.loaded {
            Some(manager) => Ok(manager.as_ref()),
            None => Err(Code::NoDriver.into()),
        }
    }

    fn look(&mut self) -> Result<(usize, Vec<(Found, Place)>), Refusal> {
        let driver = self.driver()?;
        let names = driver.enumerate_device_name(true).map_err(|e| failed(&e))?;
        let mut found = Vec::new();
        for name in &names {
            // One that is pulled out meanwhile is not there.
            found.extend(look_at(driver, name).unwrap_or_default());
        }
        Ok((names.len(), found))
    }

    fn find(&mut self, wanted: &str) -> Result<(Found, Place), Refusal> {
        let (_, found) = self.look()?;
        let mut found = found.into_iter();
        found.find(|(found, _)| found.key_id == wanted).ok_or_else(|| Code::KeyNotFound.into())
    }
}

impl TokenBackend for SkfBackend {
    fn name(&self) -> &'static str {
        "skf"
    }

    fn env(&mut self) -> Result<String, Refusal> {
        self.driver()?;
        Ok(self.library.file_name().unwrap_or_default().to_string_lossy().into_owned())
    }

    fn certificates(&mut self) -> Result<Listed, Refusal> {
        let (tokens, found) = self.look()?;
        Ok(Listed { tokens, certificates: found.into_iter().map(|(found, _)| found).collect() })
    }

    fn sign(&mut self, key_id: &str, pin: &Pin, message: &[u8]) -> Result<Vec<u8>, Refusal> {
        let (found, place) = self.find(key_id)?;
        let unfit = || Refusal::new(Code::Backend).because("the certificate's key is none of SM2");
        let digest = signature::sm2_digest(&found.read.public_key, message).ok_or_else(unfit)?;
        let device = self.driver()?.connect(&place.device).map_err(|e| failed(&e))?;
        let app = device.open_app(&place.app).map_err(|e| failed(&e))?;
        app.verify_pin(PIN_TYPE_USER, pin.reveal()).map_err(|e| wrong_pin(&e))?;
        let signed = open(app.as_ref(), &place.container).and_then(|key| key.ecc_sign(&digest));
        // Whatever came of it: the next signature asks for the PIN again.
        let _ = app.clear_secure_state();
        let signed = signed.map_err(|e| failed(&e))?;
        let unclear = || Refusal::new(Code::Backend).because("the token's signature is none");
        signature::to_der(&{ signed.r }, &{ signed.s }).ok_or_else(unclear)
    }

    fn change_pin(&mut self, key_id: &str, old: &Pin, new: &Pin) -> Result<(), Refusal> {
        let (_, place) = self.find(key_id)?;
        let device = self.driver()?.connect(&place.device).map_err(|e| failed(&e))?;
        let app = device.open_app(&place.app).map_err(|e| failed(&e))?;
        let changed = app.change_pin(PIN_TYPE_USER, old.reveal(), new.reveal());
        let _ = app.clear_secure_state();
        changed.map_err(|e| failed(&e))
    }
}

fn look_at(driver: &dyn DeviceManager, name: &str) -> Result<Vec<(Found, Place)>, Error> {
    let device = driver.connect(name)?;
    let info = device.info()?;
    let serial = info.serial_number.trim().to_owned();
    let mut found = Vec::new();
    for app_name in device.enumerate_app_name()? {
        // Another application of the same token may be none of ours.
        let Ok(inside) = look_into(device.as_ref(), &app_name) else { continue };
        for (container, read, pin) in inside {
            let token = TokenName { label: info.label.trim().to_owned(), serial: serial.clone() };
            let place = format!("{app_name}/{container}");
            let key_id = key_id("skf", &token, place.as_bytes(), &read.der);
            let label = read.common_name.clone().unwrap_or_else(|| container.clone());
            let found_one = Found { key_id, read, chain: Vec::new(), label, token, pin };
            let (device, app) = (name.to_owned(), app_name.clone());
            found.push((found_one, Place { device, app, container }));
        }
    }
    Ok(found)
}

type Inside = Vec<(String, certificate::Read, PinState)>;

fn look_into(device: &dyn SkfDevice, app: &str) -> Result<Inside, Error> {
    let app = device.open_app(app)?;
    let pin = pin_state(app.as_ref())?;
    let mut found = Vec::new();
    for name in app.enumerate_container_name()? {
        // The one for signatures; an empty container has none.
        let Ok(der) = open(app.as_ref(), &name).and_then(|it| it.export_certificate(true)) else {
            continue;
        };
        match certificate::read(&der) {
            Some(read) if read.algorithm.is_national() => found.push((name, read, pin)),
            _ => {}
        }
    }
    Ok(found)
}

fn open(app: &dyn SkfApp, container: &str) -> Result<Box<dyn SkfContainer>, Error> {
    app.open_container(container)
}

fn pin_state(app: &dyn SkfApp) -> Result<PinState, Error> {
    let info = app.pin_info(PIN_TYPE_USER)?;
    let left = info.remain_retry_count;
    Ok(PinState { tries_left: Some(left), locked: left == 0, default: Some(info.default_pin) })
}

/// Of a wrong length is as wrong as any other, where nobody sets a new one.
fn wrong_pin(error: &Error) -> Refusal {
    match error {
        Error::Skf(error) if [PIN_LEN_RANGE, PIN_INVALID].contains(&error.code) => {
            Code::PinIncorrect.into()
        }
        error => failed(error),
    }
}

/// The number alone: other texts of a library may hold what it was given.
fn failed(error: &Error) -> Refusal {
    match error {
        Error::PinVerifyFail(wrong) => {
            Refusal::new(Code::PinIncorrect).left(Some(wrong.remaining_retry_count))
        }
        Error::Skf(error) => match error.code {
            PIN_INCORRECT => Code::PinIncorrect.into(),
            PIN_LOCKED => Refusal::new(Code::PinLocked).left(Some(0)),
            PIN_LEN_RANGE | PIN_INVALID => Code::PinLength.into(),
            DEVICE_REMOVED => Code::NoToken.into(),
            code => Refusal::new(Code::Backend).because(format!("the token answers {code:#010x}")),
        },
        _ => Refusal::new(Code::Backend).because("the driver failed"),
    }
}
