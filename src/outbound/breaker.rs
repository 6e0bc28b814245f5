//! Gateways that keep failing are left alone for a while.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::base::clock::Timestamp;

/// After so many failures in a row a gateway is left alone for a while.
const FAILURES: u32 = 3;

const LEFT_ALONE_SECONDS: i64 = 30;

/// Which gateways have been failing, by what whoever asks takes for one: an address alone is that of everybody's
/// carrier.
#[derive(Default)]
pub struct Breakers(Mutex<HashMap<String, (u32, Timestamp)>>);

impl Breakers {
    pub(super) fn is_open(&self, known_by: &str, now: Timestamp) -> bool {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.get(known_by).is_some_and(|(failures, until)| *failures >= FAILURES && now < *until)
    }

    pub(super) fn note(&self, known_by: &str, failed: bool, now: Timestamp) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if failed {
            let entry = held.entry(known_by.to_owned()).or_insert((0, now));
            *entry = (entry.0 + 1, now.plus(LEFT_ALONE_SECONDS));
        } else {
            held.remove(known_by);
        }
    }
}
