//! The secrets that a realm's files name: read, long enough, and nobody else's.

use super::Builder;
use super::published::is_published;
use crate::base::secret::Secret;
use crate::realm::file::SecretRef;
use crate::realm::source::{At, Source};

const SHORTEST: usize = 32;

impl Builder<'_> {
    /// A secret that is the bureau's to make, unlike those that a gateway hands out: long, so that
    /// nobody guesses it from what it signed.
    pub(super) fn own_secret(
        &mut self,
        source: &Source,
        path: &[At],
        named: &SecretRef,
    ) -> Option<Secret> {
        let secret = self.secret(source, path, named)?;
        if !self.surroundings.is_demo && secret.expose().chars().count() < SHORTEST {
            let message = format!("a secret of at least {SHORTEST} characters is needed");
            self.complain(source, path, message);
        }
        Some(secret)
    }

    pub(super) fn secret(
        &mut self,
        source: &Source,
        path: &[At],
        named: &SecretRef,
    ) -> Option<Secret> {
        if !self.reads_secrets {
            return Some(Secret::new(String::new()));
        }
        if let SecretRef::File(name) = named {
            self.secrets.add_file(name);
        }
        let found = match named {
            SecretRef::Literal(text) if self.surroundings.is_demo => Ok(text.clone()),
            SecretRef::Literal(_) => {
                Err("a secret is named by `file` or `env`, never written".to_owned())
            }
            SecretRef::Env(name) => (self.surroundings.environment)(name)
                .ok_or(format!("{name} is not in the environment, or is no UTF-8")),
            SecretRef::File(name) => std::fs::read_to_string(name)
                .map(|text| text.trim_end().to_owned())
                .map_err(|error| format!("{name}: {error}")),
        };
        match found {
            Ok(text) if !self.surroundings.is_demo && is_published(&text) => {
                self.complain(source, path, "this secret stands in Hufu's repository");
                None
            }
            Ok(text) => {
                let secret = Secret::new(text);
                self.secrets.add(secret.clone());
                Some(secret)
            }
            Err(message) => {
                self.complain(source, path, message);
                None
            }
        }
    }
}
