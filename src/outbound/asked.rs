//! What providers are asked, and what they answer.

use serde::{Deserialize, Serialize};

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

/// Whose name and number.
pub struct NameAsked<'a> {
    pub name: &'a str,
    pub document_type: &'a str,
    pub number: &'a str,
}

/// What a reader made of a card.
pub struct CardAsked<'a> {
    pub whose: NameAsked<'a>,
    /// Ours, of this one reading.
    pub challenge: &'a str,
    /// The reader's, for its service alone to understand.
    pub reading: &'a str,
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
