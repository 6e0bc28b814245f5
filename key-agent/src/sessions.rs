//! The sessions of pages: bound to their origin, ten minutes long, eight at most. A session holds no
//! token and no PIN; it is what keeps a page apart from its neighbours and counts its wrong PINs.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::tries::MOST_WRONG;

pub const LIFETIME: i64 = 600;
pub const MOST: usize = 8;

#[derive(Default)]
pub struct Sessions {
    /// Oldest first.
    open: Vec<Session>,
}

struct Session {
    /// Of its name, so that how long a comparison takes tells nothing about names.
    digest: [u8; 32],
    origin: String,
    ends: i64,
    wrong_pins: u32,
}

impl Sessions {
    /// The ninth takes the place of the oldest: a page that is loaded again forgets its session, and
    /// its person must not wait ten minutes for that.
    pub fn open(&mut self, origin: &str, chance: [u8; 32], now: i64) -> String {
        self.open.retain(|session| session.ends > now);
        if self.open.len() == MOST {
            self.open.remove(0);
        }
        let name = URL_SAFE_NO_PAD.encode(chance);
        let ends = now + LIFETIME;
        let digest = digest(&name);
        self.open.push(Session { digest, origin: origin.to_owned(), ends, wrong_pins: 0 });
        name
    }

    pub fn is_open(&self, name: &str, origin: &str, now: i64) -> bool {
        self.open.iter().any(|session| session.is(name, origin) && session.ends > now)
    }

    pub fn close(&mut self, name: &str, origin: &str) {
        self.open.retain(|session| !session.is(name, origin));
    }

    /// Five in a row end the session, whatever the token counts.
    pub fn count_wrong_pin(&mut self, name: &str, origin: &str) {
        if let Some(session) = self.open.iter_mut().find(|session| session.is(name, origin)) {
            session.wrong_pins += 1;
            if session.wrong_pins >= MOST_WRONG {
                self.close(name, origin);
            }
        }
    }

    pub fn forget_wrong_pins(&mut self, name: &str, origin: &str) {
        if let Some(session) = self.open.iter_mut().find(|session| session.is(name, origin)) {
            session.wrong_pins = 0;
        }
    }
}

impl Session {
    fn is(&self, name: &str, origin: &str) -> bool {
        self.digest == digest(name) && self.origin == origin
    }
}

fn digest(name: &str) -> [u8; 32] {
    Sha256::digest(name.as_bytes()).into()
}
