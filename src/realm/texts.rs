//! Words of a realm in both languages.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A text in each language of the realm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Texts {
    pub zh: String,
    pub en: String,
}

impl Texts {
    /// `language`: `zh-CN` or `en`.
    pub fn in_language(&self, language: &str) -> &str {
        if language == "en" { &self.en } else { &self.zh }
    }
}
