//! The authorities of the demo: each knows documents of some kinds and says yes to every name on them,
//! unless the script says otherwise.

use std::sync::{Arc, Mutex, PoisonError};

use crate::outbound::asked::{NameAnswer, NameAsked};
use crate::outbound::error::SendError;

/// Whose card has a chip.
pub const WITH_CHIPS: [&str; 4] = [
    "resident_id_card",
    "taiwan_residence_permit",
    "hk_macao_residence_permit",
    "foreign_permanent_resident_id",
];

/// By what the social insurance knows people.
pub const INSURED: [&str; 6] = [
    WITH_CHIPS[0],
    WITH_CHIPS[1],
    WITH_CHIPS[2],
    WITH_CHIPS[3],
    "foreign_passport",
    "hk_macao_travel_permit",
];

/// One authority; says yes to every name on a document of a kind that it knows.
#[derive(Clone)]
pub struct Sandbox {
    script: Arc<Mutex<Script>>,
    kinds: &'static [&'static str],
}

#[derive(Default)]
struct Script {
    is_down: bool,
    next: Option<NameAnswer>,
}

impl Sandbox {
    pub(in crate::outbound) fn knowing(kinds: &'static [&'static str]) -> Self {
        Self { script: Arc::default(), kinds }
    }

    fn with<T>(&self, work: impl FnOnce(&mut Script) -> T) -> T {
        work(&mut self.script.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// As if the authority were away.
    pub fn set_down(&self, is_down: bool) {
        self.with(|script| script.is_down = is_down);
    }

    pub fn is_down(&self) -> bool {
        self.with(|script| script.is_down)
    }

    /// What the next question is answered with.
    pub fn script(&self, answer: NameAnswer) {
        self.with(|script| script.next = Some(answer));
    }

    pub(in crate::outbound) fn answer(
        &self,
        asked: &NameAsked<'_>,
    ) -> Result<NameAnswer, SendError> {
        self.with(|script| match (script.is_down, script.next.take()) {
            (true, _) => Err(SendError::away("the sandbox plays dead")),
            (false, Some(answer)) => Ok(answer),
            (false, None) if self.kinds.contains(&asked.document_type) => Ok(NameAnswer::Match),
            (false, None) => Ok(NameAnswer::Unsupported),
        })
    }
}
