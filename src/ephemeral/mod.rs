//! What expires by itself: sign-in transactions, codes, slider proofs, replay marks, counters.
//! Nothing here may be missed after a crash. One node keeps it in memory.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::base::clock::Clock;

/// What a value is; keys of different kinds never meet.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Kind {
    Login,
    Slider,
    Otp,
    Replay,
    Rate,
}

#[derive(Clone)]
struct Held {
    value: String,
    expires_at_millis: i64,
}

/// The short-lived store.
pub struct Ephemeral {
    clock: Clock,
    held: Mutex<HashMap<(Kind, String), Held>>,
}

/// A value that cannot be written or read as JSON.
#[derive(Debug, thiserror::Error)]
#[error("a short-lived value is malformed: {0}")]
pub struct EphemeralError(#[from] serde_json::Error);

impl Ephemeral {
    pub fn in_memory(clock: Clock) -> Self {
        Self { clock, held: Mutex::default() }
    }

    fn held(&self) -> MutexGuard<'_, HashMap<(Kind, String), Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn deadline(&self, seconds: i64) -> i64 {
        self.clock.millis().saturating_add(seconds.saturating_mul(1000))
    }

    pub async fn put<T: Serialize>(
        &self,
        kind: Kind,
        key: &str,
        value: &T,
        seconds: i64,
    ) -> Result<(), EphemeralError> {
        let value = serde_json::to_string(value)?;
        let held = Held { value, expires_at_millis: self.deadline(seconds) };
        self.held().insert((kind, key.to_owned()), held);
        Ok(())
    }

    pub async fn get<T: DeserializeOwned>(
        &self,
        kind: Kind,
        key: &str,
    ) -> Result<Option<T>, EphemeralError> {
        let now = self.clock.millis();
        let found = self.held().get(&(kind, key.to_owned())).cloned();
        match found.filter(|held| held.expires_at_millis > now) {
            Some(held) => Ok(Some(serde_json::from_str(&held.value)?)),
            None => Ok(None),
        }
    }

    /// Reads and removes in one act: of two takers, one gets it.
    pub async fn take<T: DeserializeOwned>(
        &self,
        kind: Kind,
        key: &str,
    ) -> Result<Option<T>, EphemeralError> {
        let now = self.clock.millis();
        let found = self.held().remove(&(kind, key.to_owned()));
        match found.filter(|held| held.expires_at_millis > now) {
            Some(held) => Ok(Some(serde_json::from_str(&held.value)?)),
            None => Ok(None),
        }
    }

    /// Replaces `from` by `to`, keeping the deadline; `false` when it is no longer `from`.
    pub async fn swap<T: Serialize>(
        &self,
        kind: Kind,
        key: &str,
        from: &T,
        to: &T,
    ) -> Result<bool, EphemeralError> {
        let (from, to) = (serde_json::to_string(from)?, serde_json::to_string(to)?);
        let now = self.clock.millis();
        let mut all = self.held();
        let held = all.get_mut(&(kind, key.to_owned()));
        let held = held.filter(|held| held.expires_at_millis > now && held.value == from);
        Ok(held.map(|held| held.value = to).is_some())
    }

    /// Marks a key as seen; `false` when it was seen before.
    pub async fn mark(&self, kind: Kind, key: &str, seconds: i64) -> bool {
        let (now, deadline) = (self.clock.millis(), self.deadline(seconds));
        let mut all = self.held();
        let entry = (kind, key.to_owned());
        if all.get(&entry).is_some_and(|held| held.expires_at_millis > now) {
            return false;
        }
        all.insert(entry, Held { value: String::new(), expires_at_millis: deadline });
        true
    }

    /// Counts in a window that begins with the first count. Returns the count and the seconds
    /// until the window ends.
    pub async fn count(&self, kind: Kind, key: &str, seconds: i64) -> (u32, i64) {
        let (now, deadline) = (self.clock.millis(), self.deadline(seconds));
        let mut all = self.held();
        let held = all
            .entry((kind, key.to_owned()))
            .or_insert_with(|| Held { value: "0".to_owned(), expires_at_millis: deadline });
        if held.expires_at_millis <= now {
            *held = Held { value: "0".to_owned(), expires_at_millis: deadline };
        }
        let count = held.value.parse::<u32>().unwrap_or_default().saturating_add(1);
        held.value = count.to_string();
        (count, (held.expires_at_millis - now).div_euclid(1000) + 1)
    }

    pub async fn forget(&self, kind: Kind, key: &str) {
        self.held().remove(&(kind, key.to_owned()));
    }

    /// Drops what has expired; a job calls it now and then.
    pub fn sweep(&self) {
        let now = self.clock.millis();
        self.held().retain(|_, held| held.expires_at_millis > now);
    }
}
