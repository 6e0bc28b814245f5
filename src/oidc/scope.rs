//! Scope sets: parse, narrow, print in a fixed order (oxide-auth's own order is random).

use std::collections::BTreeSet;
use std::fmt;

#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Scopes(BTreeSet<String>);

impl Scopes {
    pub fn parse(text: &str) -> Self {
        Self(text.split_ascii_whitespace().map(str::to_owned).collect())
    }

    pub fn has(&self, scope: &str) -> bool {
        self.0.contains(scope)
    }

    pub fn is_within(&self, wider: &Self) -> bool {
        self.0.is_subset(&wider.0)
    }

    /// Those that are also in `allowed`: unknown scopes are ignored, not refused (OIDC Core
    /// §3.1.2.1).
    #[must_use]
    pub fn within(&self, allowed: &BTreeSet<String>) -> Self {
        Self(self.0.intersection(allowed).cloned().collect())
    }

    #[must_use]
    pub fn and(&self, more: &Self) -> Self {
        Self(self.0.union(&more.0).cloned().collect())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.iter().map(String::as_str).collect::<Vec<_>>().join(" "))
    }
}
