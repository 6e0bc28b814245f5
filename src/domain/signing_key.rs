//! When a signing key is known, signs, and verifies: all of it follows from three moments, so that
//! every node says the same of a key without asking another.

use crate::base::clock::Timestamp;

/// A key without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyTimes {
    pub kid: String,
    /// As JOSE names it, `ES256`.
    pub algorithm: String,
    /// Published from here on.
    pub created_at: Timestamp,
    /// Signs from here on, until a younger one does. In between it is announced: applications and
    /// other nodes keep what was published for a while.
    pub active_at: Timestamp,
    /// Verifies and is published until here.
    pub retires_at: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    Announced,
    Active,
    /// Verifies what it has signed.
    Superseded,
    Retired,
}

impl KeyState {
    pub fn name(self) -> &'static str {
        match self {
            Self::Announced => "announced",
            Self::Active => "active",
            Self::Superseded => "superseded",
            Self::Retired => "retired",
        }
    }
}

impl KeyTimes {
    pub fn is_retired(&self, now: Timestamp) -> bool {
        self.retires_at.is_some_and(|at| at <= now)
    }

    fn is_announced(&self, now: Timestamp) -> bool {
        self.active_at > now
    }
}

/// The one of `keys`, all of a realm, that signs with an algorithm: the youngest whose time has come.
pub fn active<'k>(
    keys: impl IntoIterator<Item = &'k KeyTimes>,
    algorithm: &str,
    now: Timestamp,
) -> Option<&'k KeyTimes> {
    let may_sign = |key: &&KeyTimes| {
        key.algorithm == algorithm && !key.is_retired(now) && !key.is_announced(now)
    };
    keys.into_iter().filter(may_sign).max_by_key(|key| (key.active_at, key.kid.as_str()))
}

/// What `key`, one of `keys`, is now.
pub fn state_of(key: &KeyTimes, keys: &[KeyTimes], now: Timestamp) -> KeyState {
    if key.is_retired(now) {
        KeyState::Retired
    } else if key.is_announced(now) {
        KeyState::Announced
    } else if active(keys, &key.algorithm, now).is_some_and(|signs| signs.kid == key.kid) {
        KeyState::Active
    } else {
        KeyState::Superseded
    }
}
