//! The provider of the face check as the demo and the tests play it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::outbound::asked::{FaceRequest, FaceStarted, FaceState};
use crate::outbound::error::SendError;

/// A check that somebody at the desk decides.
#[derive(Clone, Debug)]
pub struct SandboxCheck {
    pub name: String,
    /// The number of the document that the face is compared with.
    pub document: String,
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

    pub(in crate::outbound) fn start(
        &self,
        asked: &FaceRequest<'_>,
        handle: String,
    ) -> Result<FaceStarted, SendError> {
        self.with(|held| {
            if held.is_down {
                return Err(SendError::away("the sandbox plays dead"));
            }
            let check = SandboxCheck {
                name: asked.name.to_owned(),
                document: asked.number.to_owned(),
                return_url: asked.return_url.to_owned(),
                state: FaceState::Pending,
            };
            held.checks.insert(handle.clone(), check);
            Ok(FaceStarted { url: format!("{}/face/{handle}", held.base), handle })
        })
    }

    pub(in crate::outbound) fn result(&self, handle: &str) -> Result<FaceState, SendError> {
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
