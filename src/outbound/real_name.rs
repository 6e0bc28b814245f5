//! Real-name verification: an authority says whether a name and a document number belong together
//! (level 3, L-04). The sandbox plays it where there is none: in the demo and in tests.

use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Outbound, SendError};
use crate::base::clock::Clock;
use crate::base::random::Random;
use crate::base::secret::Secret;

/// Whose name and number.
pub struct NameAsked<'a> {
    pub name: &'a str,
    pub document_type: &'a str,
    pub number: &'a str,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NameAnswer {
    Match,
    Mismatch,
    NotFound,
    /// This authority does not know documents of this kind.
    Unsupported,
}

impl Outbound {
    /// Whether anybody could be asked.
    pub fn knows_names(&self, provider: Option<(&str, &Secret)>) -> bool {
        provider.is_some() || self.has_sandboxes
    }

    /// `POST {url}` with name, `document_type` and number; the answer is `{"result": "match"}`.
    pub async fn check_name(
        &self,
        provider: Option<(&str, &Secret)>,
        asked: &NameAsked<'_>,
        handed_in: (&Clock, &Random),
    ) -> Result<NameAnswer, SendError> {
        #[derive(Deserialize)]
        struct Answer {
            result: NameAnswer,
        }
        let Some(provider) = provider else {
            return self.played(|| self.registry_of_names.answer(asked));
        };
        let body = json!({
            "name": asked.name, "document_type": asked.document_type, "number": asked.number,
        });
        let answer: Answer = self.ask_signed(provider, &body, handed_in).await?;
        Ok(answer.result)
    }
}

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

    fn answer(&self, asked: &NameAsked<'_>) -> Result<NameAnswer, SendError> {
        self.with(|script| match (script.is_down, script.next.take()) {
            (true, _) => Err(SendError::away("the sandbox plays dead")),
            (false, Some(answer)) => Ok(answer),
            (false, None) if asked.document_type == "resident_id_card" => Ok(NameAnswer::Match),
            (false, None) => Ok(NameAnswer::Unsupported),
        })
    }
}
