//! PINs: what is typed, wiped when it is done with, and the window that asks for it.

mod assuan;
mod window;

use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

pub use window::{Question, Window};

use crate::protocol::{Code, Refusal};

/// Longer than any token's, shorter than what could harm one.
const LONGEST: usize = 64;

/// Not `Debug`, not `Display`, not `Serialize`: it can reach a token and nothing else.
pub struct Pin(Zeroizing<String>);

impl Pin {
    pub fn new(typed: Zeroizing<String>) -> Result<Self, Refusal> {
        let is_one = (1..=LONGEST).contains(&typed.len()) && !typed.chars().any(char::is_control);
        if is_one { Ok(Self(typed)) } else { Err(Refusal::new(Code::PinLength)) }
    }

    /// For the token.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    pub fn is_same(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<'de> Deserialize<'de> for Pin {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let typed = Zeroizing::new(String::deserialize(deserializer)?);
        Self::new(typed).map_err(|_| serde::de::Error::custom("not a PIN"))
    }
}
