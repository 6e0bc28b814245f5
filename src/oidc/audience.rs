//! The `aud` of a JWT: whom it is for.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// A text or a list of texts (RFC 7519 §4.1.3).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Audience {
    One(String),
    Many(Vec<String>),
}

impl Audience {
    /// Of one, the text alone: many libraries read nothing else.
    pub fn of(all: BTreeSet<String>) -> Self {
        let mut all: Vec<String> = all.into_iter().collect();
        match (all.pop(), all.is_empty()) {
            (Some(only), true) => Self::One(only),
            (last, _) => {
                all.extend(last);
                Self::Many(all)
            }
        }
    }

    pub fn holds(&self, wanted: &str) -> bool {
        self.iter().any(|one| one == wanted)
    }

    pub fn iter(&self) -> impl Iterator<Item = &str> {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many,
        }
        .iter()
        .map(String::as_str)
    }
}
