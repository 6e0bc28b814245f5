//! The contract on a map and the clock, for one node.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

#[derive(Clone)]
struct Held {
    value: String,
    expires_at: i64,
}

/// Instants are milliseconds, always handed in.
#[derive(Default)]
pub(super) struct Memory(Mutex<HashMap<String, Held>>);

impl Memory {
    fn held(&self) -> MutexGuard<'_, HashMap<String, Held>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn put(&self, key: String, value: String, expires_at: i64) {
        self.held().insert(key, Held { value, expires_at });
    }

    pub(super) fn get(&self, key: &str, now: i64) -> Option<String> {
        let found = self.held().get(key).cloned();
        found.filter(|held| held.expires_at > now).map(|held| held.value)
    }

    pub(super) fn take(&self, key: &str, now: i64) -> Option<String> {
        let found = self.held().remove(key);
        found.filter(|held| held.expires_at > now).map(|held| held.value)
    }

    pub(super) fn swap(&self, key: &str, from: &str, to: String, now: i64) -> bool {
        let mut all = self.held();
        let held = all.get_mut(key).filter(|held| held.expires_at > now && held.value == from);
        held.map(|held| held.value = to).is_some()
    }

    pub(super) fn replace(
        &self,
        key: String,
        from: Option<&str>,
        to: String,
        now: i64,
        expires_at: i64,
    ) -> bool {
        let mut all = self.held();
        let held = all.get(&key).filter(|held| held.expires_at > now);
        let is_from = held.map(|held| held.value.as_str()) == from;
        if is_from {
            all.insert(key, Held { value: to, expires_at });
        }
        is_from
    }

    pub(super) fn mark(&self, key: String, now: i64, expires_at: i64) -> bool {
        let mut all = self.held();
        if all.get(&key).is_some_and(|held| held.expires_at > now) {
            return false;
        }
        all.insert(key, Held { value: "1".to_owned(), expires_at });
        true
    }

    pub(super) fn count(&self, key: String, now: i64, expires_at: i64) -> (u32, i64) {
        let mut all = self.held();
        let fresh = || Held { value: "0".to_owned(), expires_at };
        let held = all.entry(key).or_insert_with(fresh);
        if held.expires_at <= now {
            *held = fresh();
        }
        let count = held.value.parse::<u32>().unwrap_or_default().saturating_add(1);
        held.value = count.to_string();
        (count, held.expires_at)
    }

    pub(super) fn uncount(&self, key: &str) {
        if let Some(held) = self.held().get_mut(key) {
            let count = held.value.parse::<u32>().unwrap_or_default().saturating_sub(1);
            held.value = count.to_string();
        }
    }

    pub(super) fn forget(&self, key: &str) {
        self.held().remove(key);
    }

    pub(super) fn sweep(&self, now: i64) {
        self.held().retain(|_, held| held.expires_at > now);
    }
}
