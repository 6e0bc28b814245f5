//! What the server has acknowledged, and what contradicts it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Trouble;
use super::honest::{Client, Identity};

/// Something that has been answered with success and must hold from then on.
#[derive(Clone, Debug)]
pub enum Fact {
    /// An access token that nobody has ended.
    Active(String),
    /// One whose grant or session was ended.
    Ended(String),
    /// The newest refresh token of a chain.
    Works(String),
    SpentRefresh(String),
    SpentCode(String),
    /// The cookies of a session, and whom it acts as.
    SignedIn(String, Identity),
    SignedOut(String),
}

impl Fact {
    /// A token that is used again ends its family, so what is alive is asked for first.
    fn turn(&self) -> u8 {
        match self {
            Self::Active(_) | Self::SignedIn(..) => 0,
            Self::Works(_) => 1,
            Self::Ended(_) | Self::SignedOut(_) => 2,
            Self::SpentRefresh(_) => 3,
            Self::SpentCode(_) => 4,
        }
    }
}

/// An answer that is a fault: 5xx, or 502 for no answer at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Failed {
    pub status: u16,
    /// `Retry-After`.
    pub says_when: bool,
}

pub struct Ledger {
    trouble: Trouble,
    inner: Mutex<Entries>,
}

#[derive(Default)]
struct Entries {
    acknowledged: BTreeMap<&'static str, u64>,
    facts: Vec<Fact>,
    broken: Vec<String>,
    faults: BTreeMap<Failed, u64>,
}

impl Ledger {
    pub fn new(trouble: Trouble) -> Self {
        Self { trouble, inner: Mutex::default() }
    }

    pub fn trouble(&self) -> Trouble {
        self.trouble
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn acknowledged(&self, what: &'static str, facts: impl IntoIterator<Item = Fact>) {
        let mut entries = self.entries();
        *entries.acknowledged.entry(what).or_default() += 1;
        entries.facts.extend(facts);
    }

    pub fn fault(&self, failed: Failed) {
        *self.entries().faults.entry(failed).or_default() += 1;
    }

    pub fn broken(&self, what: String) {
        self.entries().broken.push(what);
    }

    /// Honest clients see no other faults than the trouble explains.
    pub fn holds(&self) -> bool {
        let entries = self.entries();
        entries.broken.is_empty() && entries.faults.keys().all(|one| self.trouble.explains(*one))
    }

    /// How many were answered with success.
    pub fn n_acknowledged(&self) -> u64 {
        self.entries().acknowledged.values().sum()
    }

    /// What is alive at the same time as what has ended is asked for first.
    pub async fn ask_again(&self, client: &Client) {
        let mut facts = self.entries().facts.clone();
        facts.sort_by_key(Fact::turn);
        for fact in facts {
            if !client.still(&fact).await {
                self.broken(format!("no longer so: {fact:?}"));
            }
        }
    }
}

impl fmt::Display for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entries = self.entries();
        let (facts, broken) = (entries.facts.len(), entries.broken.len());
        write!(f, "acknowledged {:?}, {facts} facts, ", entries.acknowledged)?;
        write!(f, "{broken} broken, faults {:?}", entries.faults)?;
        for one in entries.broken.iter().take(10) {
            write!(f, "\n  {one}")?;
        }
        Ok(())
    }
}
