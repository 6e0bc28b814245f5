//! Messages that were not sent to anybody: what the demo's desk and the tests read.

use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;

/// A message as the desk and the tests see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SentMessage {
    /// A phone, or an e-mail address.
    pub to: String,
    pub template: String,
    pub code: String,
    pub at: i64,
}

/// Messages that were not sent to anybody: the demo's inbox.
#[derive(Clone, Default)]
pub struct Inbox(Arc<Mutex<Vec<SentMessage>>>);

impl Inbox {
    /// Newest first.
    pub fn messages(&self) -> Vec<SentMessage> {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.iter().rev().cloned().collect()
    }

    pub(super) fn add(&self, message: SentMessage) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.push(message);
        let excess = held.len().saturating_sub(200);
        held.drain(..excess);
    }
}
