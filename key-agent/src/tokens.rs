//! What is done with tokens, whichever driver they have: one call after the other, so that the tries
//! that are left are looked at and used up in one step.

use crate::backend::pkcs11::Pkcs11Backend;
use crate::backend::skf::SkfBackend;
#[cfg(unix)]
use crate::backend::soft::SoftBackend;
use crate::backend::{Found, TokenBackend};
use crate::config::Config;
use crate::pin::Pin;
use crate::protocol::{Code, EnvItem, Refusal};
use crate::tries::Tries;

pub struct Tokens {
    backends: Vec<Box<dyn TokenBackend>>,
    tries: Tries,
}

/// A certificate and which back end holds its key.
pub struct Held {
    pub backend: &'static str,
    pub found: Found,
    index: usize,
}

/// How a PIN is tried.
#[derive(Clone, Copy)]
pub struct Trying {
    pub last_try: bool,
    pub now: i64,
}

impl Tokens {
    pub fn new(backends: Vec<Box<dyn TokenBackend>>) -> Self {
        Self { backends, tries: Tries::default() }
    }

    pub fn configured(config: &Config) -> Self {
        let mut backends: Vec<Box<dyn TokenBackend>> = Vec::new();
        for library in &config.skf.libraries {
            backends.push(Box::new(SkfBackend::new(library)));
        }
        for library in &config.pkcs11.libraries {
            backends.push(Box::new(Pkcs11Backend::new(library)));
        }
        #[cfg(unix)]
        if !config.soft.is_empty() {
            backends.push(Box::new(SoftBackend::new(config.soft.clone())));
        }
        Self::new(backends)
    }

    /// Of every token. A driver that fails hides no other's.
    pub fn certificates(&mut self) -> Result<Vec<Held>, Refusal> {
        let (mut held, mut tokens, mut refusal) = (Vec::new(), 0, None);
        let mut drivers = 0;
        for (index, backend) in self.backends.iter_mut().enumerate() {
            match backend.certificates() {
                Ok(listed) => {
                    drivers += 1;
                    tokens += listed.tokens;
                    let backend = backend.name();
                    let found = listed.certificates.into_iter();
                    held.extend(found.map(|found| Held { backend, found, index }));
                }
                Err(error) => refusal = Some(error),
            }
        }
        if !held.is_empty() {
            return Ok(held);
        }
        Err(match (refusal, drivers, tokens) {
            (Some(failure), _, 0) => failure,
            (None, 0, _) => Refusal::new(Code::NoDriver).because("no driver is configured"),
            (_, _, 0) => Code::NoToken.into(),
            (_, _, _) => Code::NoCertificate.into(),
        })
    }

    pub fn find(&mut self, key_id: &str) -> Result<Held, Refusal> {
        let mut held = self.certificates()?.into_iter();
        held.find(|held| held.found.key_id == key_id).ok_or_else(|| Code::KeyNotFound.into())
    }

    pub fn sign(
        &mut self,
        key_id: &str,
        pin: &Pin,
        message: &[u8],
        trying: Trying,
    ) -> Result<Vec<u8>, Refusal> {
        self.with_pin(key_id, trying, |backend| backend.sign(key_id, pin, message))
    }

    /// How many tries are left afterwards, where the token counts.
    pub fn change_pin(
        &mut self,
        key_id: &str,
        old: &Pin,
        new: &Pin,
        trying: Trying,
    ) -> Result<Option<u32>, Refusal> {
        if old.is_same(new) {
            return Err(Code::PinUnchanged.into());
        }
        self.with_pin(key_id, trying, |backend| backend.change_pin(key_id, old, new))?;
        // It is changed: a token that was pulled out since then, or tells nothing, is no failure of that.
        Ok(self.find(key_id).ok().and_then(|held| held.found.pin.tries_left))
    }

    fn with_pin<T>(
        &mut self,
        key_id: &str,
        trying: Trying,
        act: impl FnOnce(&mut dyn TokenBackend) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        let held = self.find(key_id)?;
        let token = &held.found.token;
        self.tries.may_try(token, held.found.pin, trying.last_try, trying.now)?;
        let backend = self.backends.get_mut(held.index).ok_or(Code::KeyNotFound)?;
        match act(backend.as_mut()) {
            Ok(done) => {
                self.tries.right(token);
                Ok(done)
            }
            Err(refusal) if refusal.code == Code::PinIncorrect => {
                self.tries.wrong(token, trying.now);
                Err(self.after_wrong(key_id, refusal))
            }
            Err(refusal) => Err(refusal),
        }
    }

    /// Some drivers say how many tries are left only when they are asked again.
    fn after_wrong(&mut self, key_id: &str, refusal: Refusal) -> Refusal {
        if refusal.tries_left.is_some() {
            return refusal;
        }
        let left = self.find(key_id).ok().and_then(|held| held.found.pin.tries_left);
        refusal.left(left)
    }

    /// The lines of the check page that need a token.
    pub fn env(&mut self) -> Vec<EnvItem> {
        let mut items = vec![
            self.driver("pkcs11", "driver.pkcs11", true),
            self.driver("skf", "driver.skf", true),
            self.driver("soft", "driver.soft", false),
        ];
        let listed = self.certificates();
        let refused = listed.as_ref().err();
        let has_token = refused.is_none_or(|refusal| refusal.code == Code::NoCertificate);
        let detail = refused.and_then(|refusal| refusal.detail.clone());
        items.push(Some(EnvItem::new("token", has_token, detail)));
        let held = listed.unwrap_or_default();
        let national = held.iter().filter(|one| one.found.read.algorithm.is_national()).count();
        items.push(Some(EnvItem::certificates(national, held.len() - national)));
        items.into_iter().flatten().collect()
    }

    /// One of several libraries of a kind is enough. What is not configured is told where it is asked
    /// for in production.
    fn driver(&mut self, name: &str, id: &'static str, always: bool) -> Option<EnvItem> {
        let (mut ok, mut details) = (false, Vec::new());
        let mine = self.backends.iter_mut().filter(|backend| backend.name() == name);
        for backend in mine {
            match backend.env() {
                Ok(detail) => {
                    ok = true;
                    details.push(detail);
                }
                Err(refusal) => details.extend(refusal.detail),
            }
        }
        if details.is_empty() && !ok {
            return always.then(|| EnvItem::new(id, false, Some("not configured".to_owned())));
        }
        Some(EnvItem::new(id, ok, Some(details.join("; "))))
    }
}
