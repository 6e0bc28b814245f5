//! The agent's parts, and each call of `kagent/1` after the guards have let it through.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use x509_cert::der::DateTime;

use crate::config::{Config, PinMode};
use crate::pin::{Pin, Question, Window};
use crate::protocol::challenge::Challenge;
use crate::protocol::{
    CertificateShown, Certificates, ChangePin, Code, Env, EnvItem, Hello, OpenSession, PROTOCOL,
    PinChanged, Refusal, SessionOpened, Sign, Signed,
};
use crate::sessions::{LIFETIME, Sessions};
use crate::token_thread::TokenThread;
use crate::tokens::{Held, Tokens, Trying};

/// Clock and chance, which tests hand in.
#[derive(Clone)]
pub struct World {
    /// Seconds since 1970.
    pub now: Arc<dyn Fn() -> i64 + Send + Sync>,
    pub chance: fn(&mut [u8]) -> Result<(), getrandom::Error>,
}

pub struct Agent {
    pub origins: Vec<String>,
    pin_mode: PinMode,
    window: Window,
    sessions: Mutex<Sessions>,
    tokens: TokenThread,
    instance: String,
    world: World,
}

/// Whose call it is.
pub struct Caller<'a> {
    pub origin: &'a str,
    pub session: &'a str,
}

impl Agent {
    pub fn new(
        config: Config,
        tokens: TokenThread,
        world: World,
    ) -> Result<Self, getrandom::Error> {
        let program = config.pin.find_program();
        let mut chance = [0; 16];
        (world.chance)(&mut chance)?;
        Ok(Self {
            origins: config.origins,
            pin_mode: config.pin.mode,
            window: Window::new(program, config.pin.language),
            sessions: Mutex::default(),
            tokens,
            instance: uuid(chance),
            world,
        })
    }

    pub fn hello(&self) -> Hello<'_> {
        Hello {
            agent: "key-agent",
            version: env!("CARGO_PKG_VERSION"),
            protocol: PROTOCOL,
            instance: &self.instance,
            pin_mode: self.pin_mode.as_str(),
        }
    }

    pub fn open_session(
        &self,
        origin: &str,
        asked: &OpenSession,
    ) -> Result<SessionOpened, Refusal> {
        let nonce = URL_SAFE_NO_PAD.decode(&asked.page_nonce);
        if nonce.map_or(0, |nonce| nonce.len()) != 32 {
            let why = "page_nonce must be 32 bytes as base64url";
            return Err(Refusal::new(Code::RequestInvalid).because(why));
        }
        let mut chance = [0; 32];
        let failed = |_| Refusal::new(Code::Backend).because("this computer gives no chance");
        (self.world.chance)(&mut chance).map_err(failed)?;
        let session = self.sessions().open(origin, chance, self.now());
        Ok(SessionOpened { session, expires_in: LIFETIME })
    }

    /// The sixth guard.
    pub fn admits(&self, caller: &Caller) -> Result<(), Refusal> {
        let open = self.sessions().is_open(caller.session, caller.origin, self.now());
        if open { Ok(()) } else { Err(Code::SessionExpired.into()) }
    }

    pub async fn env(&self) -> Env {
        let mut items = match self.tokens.call(Tokens::env).await {
            Ok(items) => items,
            Err(refusal) => vec![EnvItem::new("token", false, refusal.detail)],
        };
        if self.pin_mode == PinMode::Native {
            let program = self.window.program();
            let detail = program.map_or("pinentry is not installed".into(), |program| {
                program.file_name().unwrap_or_default().to_string_lossy().into_owned()
            });
            items.push(EnvItem::new("pin_window", program.is_some(), Some(detail)));
        }
        items.push(EnvItem::clock(date_time(self.now())));
        Env { items }
    }

    pub async fn certificates(&self) -> Result<Certificates, Refusal> {
        let held = self.tokens.call(Tokens::certificates).await??;
        Ok(Certificates { certificates: held.into_iter().map(show).collect() })
    }

    pub async fn sign(&self, caller: &Caller<'_>, asked: Sign) -> Result<Signed, Refusal> {
        let challenge = Challenge::check(&asked.challenge, caller.origin, self.now())?;
        let held = self.find(&asked.key_id).await?;
        let (pin, last_try) = match self.pin_mode {
            PinMode::Page => (asked.pin.ok_or(Code::PinRequired)?, asked.last_try),
            PinMode::Native => {
                no_pins(&[&asked.pin])?;
                let pin = self.window.ask(&question(caller, &held)).await?;
                // Minutes may have gone by in front of the window.
                self.admits(caller)?;
                (pin, true)
            }
        };
        let algorithm = held.found.read.algorithm;
        let message = challenge.bytes_signed(algorithm);
        let trying = Trying { last_try, now: self.now() };
        let key_id = asked.key_id;
        let signed = {
            let message = message.clone();
            self.tokens
                .call(move |tokens| tokens.sign(&key_id, &pin, &message, trying))
                .await
                .flatten()
        };
        self.count(caller, signed.as_ref().map(|_| ()));
        let signature = signed?;
        tracing::info!(
            origin = caller.origin,
            purpose = challenge.purpose().as_str(),
            "signed with {}",
            held.found.label
        );
        Ok(Signed {
            signature: STANDARD.encode(signature),
            algorithm,
            signed: STANDARD.encode(message),
            certificate: STANDARD.encode(&held.found.read.der),
            chain: held.found.chain.iter().map(|der| STANDARD.encode(der)).collect(),
        })
    }

    pub async fn change_pin(
        &self,
        caller: &Caller<'_>,
        asked: ChangePin,
    ) -> Result<PinChanged, Refusal> {
        let held = self.find(&asked.token_of).await?;
        let (old, new, last_try) = match self.pin_mode {
            PinMode::Page => {
                let old = asked.old.ok_or(Code::PinRequired)?;
                (old, asked.new.ok_or(Code::PinRequired)?, asked.last_try)
            }
            PinMode::Native => {
                no_pins(&[&asked.old, &asked.new])?;
                let (old, new) = self.window.ask_change(&question(caller, &held)).await?;
                self.admits(caller)?;
                (old, new, true)
            }
        };
        let trying = Trying { last_try, now: self.now() };
        let key_id = asked.token_of;
        let changed = self
            .tokens
            .call(move |tokens| tokens.change_pin(&key_id, &old, &new, trying))
            .await
            .flatten();
        self.count(caller, changed.as_ref().map(|_| ()));
        let tries_left = changed?;
        tracing::info!(origin = caller.origin, "changed the PIN of {}", held.found.label);
        Ok(PinChanged { changed: true, tries_left })
    }

    /// No token stays logged in after a call, so there is nothing else to end.
    pub fn close(&self, caller: &Caller) {
        self.sessions().close(caller.session, caller.origin);
    }

    async fn find(&self, key_id: &str) -> Result<Held, Refusal> {
        let key_id = key_id.to_owned();
        self.tokens.call(move |tokens| tokens.find(&key_id)).await?
    }

    fn count(&self, caller: &Caller, tried: Result<(), &Refusal>) {
        let mut sessions = self.sessions();
        match tried {
            Ok(()) => sessions.forget_wrong_pins(caller.session, caller.origin),
            Err(refusal) if refusal.code == Code::PinIncorrect => {
                sessions.count_wrong_pin(caller.session, caller.origin);
            }
            Err(_) => {}
        }
    }

    fn now(&self) -> i64 {
        (self.world.now)()
    }

    /// A list of names is whole after any panic.
    fn sessions(&self) -> MutexGuard<'_, Sessions> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where a window asks, a page has no business with PINs.
fn no_pins(pins: &[&Option<Pin>]) -> Result<(), Refusal> {
    if pins.iter().all(|pin| pin.is_none()) {
        return Ok(());
    }
    Err(Refusal::new(Code::RequestInvalid).because("the PIN is asked for in a window"))
}

fn question<'a>(caller: &Caller<'a>, held: &'a Held) -> Question<'a> {
    let found = &held.found;
    Question { origin: caller.origin, token: &found.label, tries_left: found.pin.tries_left }
}

fn show(held: Held) -> CertificateShown {
    CertificateShown {
        key_id: held.found.key_id,
        backend: held.backend,
        algorithm: held.found.read.algorithm,
        der: STANDARD.encode(held.found.read.der),
        chain: held.found.chain.iter().map(|der| STANDARD.encode(der)).collect(),
        label: held.found.label,
        token: held.found.token,
        pin: held.found.pin,
    }
}

fn date_time(seconds: i64) -> String {
    let since = std::time::Duration::from_secs(u64::try_from(seconds).unwrap_or_default());
    DateTime::from_unix_duration(since).map(|time| time.to_string()).unwrap_or_default()
}

/// Version 4, of RFC 9562.
fn uuid(mut chance: [u8; 16]) -> String {
    chance[6] = chance[6] & 0x0f | 0x40;
    chance[8] = chance[8] & 0x3f | 0x80;
    let hex: String = chance.iter().map(|byte| format!("{byte:02x}")).collect();
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
}
