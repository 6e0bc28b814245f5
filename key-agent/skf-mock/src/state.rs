//! What the token remembers: its PIN, how often a wrong one may still be tried, who is logged in.

use std::path::PathBuf;
use std::sync::{LazyLock, Mutex, MutexGuard, OnceLock, PoisonError};

use crate::{FIRST_PIN, OK, PIN_INCORRECT, PIN_LEN_RANGE, PIN_LOCKED};

pub const MOST_TRIES: u32 = 6;
const LENGTHS: std::ops::RangeInclusive<usize> = 6..=16;
/// GB/T 32918.5, annex A.
const EXAMPLE_KEY: [u8; 32] = [
    0x39, 0x45, 0x20, 0x8F, 0x7B, 0x21, 0x44, 0xB1, 0x3F, 0x36, 0xE3, 0x8A, 0xC6, 0xD3, 0x9F, 0x95,
    0x88, 0x93, 0x93, 0x69, 0x28, 0x60, 0xB5, 0x1A, 0x42, 0xFB, 0x81, 0xEF, 0x4D, 0xF7, 0xC5, 0xB8,
];

pub struct State {
    pub pin: Vec<u8>,
    pub tries_left: u32,
    pub logged_in: bool,
}

static STATE: LazyLock<Mutex<State>> = LazyLock::new(|| {
    Mutex::new(State { pin: FIRST_PIN.into(), tries_left: MOST_TRIES, logged_in: false })
});

impl State {
    pub fn now() -> MutexGuard<'static, Self> {
        STATE.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn verify(&mut self, pin: &[u8]) -> u32 {
        if self.tries_left == 0 {
            return PIN_LOCKED;
        }
        if self.pin != pin {
            self.tries_left -= 1;
            return if self.tries_left == 0 { PIN_LOCKED } else { PIN_INCORRECT };
        }
        self.tries_left = MOST_TRIES;
        self.logged_in = true;
        OK
    }

    pub fn change(&mut self, old: &[u8], new: &[u8]) -> u32 {
        if !LENGTHS.contains(&new.len()) {
            return PIN_LEN_RANGE;
        }
        let answer = self.verify(old);
        if answer == OK {
            self.pin = new.to_vec();
        }
        answer
    }
}

/// What does not change.
pub struct Token {
    pub certificate: Vec<u8>,
    /// Tokens hold a second one, which signs nothing.
    pub encryption: Option<Vec<u8>>,
    pub key: Vec<u8>,
}

fn folder() -> Option<PathBuf> {
    std::env::var_os("SKF_MOCK_TOKEN").map(PathBuf::from)
}

/// The example's token is always there.
pub fn is_plugged_in() -> bool {
    folder().is_none_or(|folder| folder.join("certificate.der").is_file())
}

pub fn token() -> &'static Token {
    static TOKEN: OnceLock<Token> = OnceLock::new();
    TOKEN.get_or_init(|| {
        let example = || Token {
            certificate: include_bytes!("certificate.der").to_vec(),
            encryption: None,
            key: EXAMPLE_KEY.to_vec(),
        };
        let given = || {
            let folder = folder()?;
            let certificate = std::fs::read(folder.join("certificate.der")).ok()?;
            let encryption = std::fs::read(folder.join("encryption.der")).ok();
            Some(Token { certificate, encryption, key: std::fs::read(folder.join("key")).ok()? })
        };
        given().unwrap_or_else(example)
    })
}
