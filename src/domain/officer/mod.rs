//! Officers of the bureau: people of their own, who sign in to the console and nowhere else. What one may
//! follows from the roles (`duty`). They have nothing to do with the people of the registry, not even where
//! they are the same human being.

mod duty;

use std::fmt;

use crate::base::clock::Timestamp;
use crate::base::id::OfficerId;
use crate::domain::number::name::PersonName;
use crate::domain::refusal::Refusal;

pub use duty::{Duty, Role, Roles};

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Officer {
    pub id: OfficerId,
    pub login: Login,
    pub name: PersonName,
    pub roles: Roles,
    /// PHC string; `None` until the invitation is taken.
    pub password: Option<String>,
    /// Of the newest link, as long as it is not used.
    pub invited_until: Option<Timestamp>,
    pub locked_at: Option<Timestamp>,
    /// Counts what ends every session: a lock, other roles, a link that was taken.
    pub generation: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// How an officer stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// Has not entered yet.
    Invited,
    Active,
    Locked,
}

impl Standing {
    pub fn name(self) -> &'static str {
        match self {
            Self::Invited => "invited",
            Self::Active => "active",
            Self::Locked => "locked",
        }
    }
}

impl Officer {
    pub fn standing(&self) -> Standing {
        match (self.locked_at, &self.password) {
            (Some(_), _) => Standing::Locked,
            (None, None) => Standing::Invited,
            (None, Some(_)) => Standing::Active,
        }
    }

    /// As the audit names whoever acts: `officer/zhang`.
    pub fn actor(&self) -> String {
        format!("officer/{}", self.login)
    }
}

/// What colleagues and the audit know an officer by: a small letter, then 2 to 29 small letters, digits,
/// `.`, `_` or `-`. For ever one officer's.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Login(String);

impl Login {
    /// `E_FORMAT` at `login`.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let allowed =
            |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_' | '-');
        let is_right = (3..=30).contains(&text.len())
            && text.starts_with(|c: char| c.is_ascii_lowercase())
            && text.chars().all(allowed);
        is_right.then(|| Self(text.to_owned())).ok_or_else(|| Refusal::format("login"))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
