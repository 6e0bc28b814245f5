//! The face check of a provider: started for a person, done on the phone at the provider's own
//! address, and believed only when the provider is asked for the result. The sandbox plays the
//! provider where there is none: in the demo and in tests.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Outbound, SendError};
use crate::base::clock::Clock;
use crate::base::random::Random;
use crate::base::secret::Secret;

/// Whose face, and where the phone goes afterwards.
pub struct FaceRequest<'a> {
    /// Ours, unique.
    pub order: &'a str,
    pub name: &'a str,
    pub document_type: &'a str,
    pub number: &'a str,
    pub return_url: &'a str,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FaceStarted {
    /// The provider's, for asking.
    pub handle: String,
    /// Where the phone goes.
    pub url: String,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaceState {
    Pending,
    Passed,
    Failed,
}

/// A provider's address and the secret its requests are signed with.
pub type FaceProvider<'a> = Option<(&'a str, &'a Secret)>;

impl Outbound {
    pub async fn start_face(
        &self,
        provider: FaceProvider<'_>,
        asked: &FaceRequest<'_>,
        handed_in: (&Clock, &Random),
    ) -> Result<FaceStarted, SendError> {
        let Some((url, secret)) = provider else {
            return self.played(|| self.sandbox.start(asked, handed_in.1.short_token()));
        };
        let body = json!({
            "order": asked.order, "name": asked.name, "document_type": asked.document_type,
            "number": asked.number, "return_url": asked.return_url,
        });
        self.ask_signed((&format!("{url}/start"), secret), &body, handed_in).await
    }

    pub async fn face_result(
        &self,
        provider: FaceProvider<'_>,
        handle: &str,
        handed_in: (&Clock, &Random),
    ) -> Result<FaceState, SendError> {
        #[derive(Deserialize)]
        struct Answer {
            state: FaceState,
        }
        let Some((url, secret)) = provider else {
            return self.played(|| self.sandbox.result(handle));
        };
        let body = json!({"handle": handle});
        let answer: Answer =
            self.ask_signed((&format!("{url}/result"), secret), &body, handed_in).await?;
        Ok(answer.state)
    }
}

/// A check that somebody at the desk decides.
#[derive(Clone, Debug)]
pub struct SandboxCheck {
    pub name: String,
    pub return_url: String,
    pub state: FaceState,
}

/// The provider of the demo.
#[derive(Clone, Default)]
pub struct Sandbox(Arc<Mutex<SandboxState>>);

#[derive(Default)]
struct SandboxState {
    /// Where the desk shows `/face/<handle>`.
    base: String,
    is_down: bool,
    /// The address in the newest code that a page shows, for a telephone without a camera.
    newest_code: Option<String>,
    checks: HashMap<String, SandboxCheck>,
}

impl Sandbox {
    fn with<T>(&self, work: impl FnOnce(&mut SandboxState) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn set_base(&self, base: String) {
        self.with(|held| held.base = base);
    }

    /// Remembered where there is a desk to show it.
    pub fn note_code(&self, href: &str) {
        self.with(|held| {
            if !held.base.is_empty() {
                held.newest_code = Some(href.to_owned());
            }
        });
    }

    pub fn newest_code(&self) -> Option<String> {
        self.with(|held| held.newest_code.clone())
    }

    /// As if the provider were away.
    pub fn set_down(&self, is_down: bool) {
        self.with(|held| held.is_down = is_down);
    }

    pub fn is_down(&self) -> bool {
        self.with(|held| held.is_down)
    }

    fn start(&self, asked: &FaceRequest<'_>, handle: String) -> Result<FaceStarted, SendError> {
        self.with(|held| {
            if held.is_down {
                return Err(SendError::away("the sandbox plays dead"));
            }
            let check = SandboxCheck {
                name: asked.name.to_owned(),
                return_url: asked.return_url.to_owned(),
                state: FaceState::Pending,
            };
            held.checks.insert(handle.clone(), check);
            Ok(FaceStarted { url: format!("{}/face/{handle}", held.base), handle })
        })
    }

    fn result(&self, handle: &str) -> Result<FaceState, SendError> {
        self.with(|held| {
            if held.is_down {
                return Err(SendError::away("the sandbox plays dead"));
            }
            let check = held.checks.get(handle);
            check.map(|check| check.state).ok_or_else(|| SendError::away("no such check"))
        })
    }

    pub fn check(&self, handle: &str) -> Option<SandboxCheck> {
        self.with(|held| held.checks.get(handle).cloned())
    }

    /// What the tester decided; returns where the phone goes.
    pub fn decide(&self, handle: &str, state: FaceState) -> Option<String> {
        self.with(|held| {
            let check = held.checks.get_mut(handle)?;
            check.state = state;
            Some(check.return_url.clone())
        })
    }
}
