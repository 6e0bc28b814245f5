//! The authority of the demo: knows resident identity cards and says yes to every name, unless the
//! script says otherwise.

use std::sync::{Arc, Mutex, PoisonError};

use crate::outbound::asked::{NameAnswer, NameAsked};
use crate::outbound::error::SendError;

/// The authority of the demo: knows resident identity cards and says yes to every name, unless the
/// script says otherwise.
#[derive(Clone, Default)]
pub struct Sandbox(Arc<Mutex<Script>>);

#[derive(Default)]
struct Script {
    is_down: bool,
    next: Option<NameAnswer>,
}

impl Sandbox {
    fn with<T>(&self, work: impl FnOnce(&mut Script) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
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
            (false, None) if asked.document_type == "resident_id_card" => Ok(NameAnswer::Match),
            (false, None) => Ok(NameAnswer::Unsupported),
        })
    }
}
