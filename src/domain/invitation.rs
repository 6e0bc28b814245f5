//! What somebody agrees to: an authorisation as it was shown to them. One that has changed since is another.

use std::fmt::{Display, Formatter};

use serde::{Deserialize, Serialize};

use crate::base::id::AuthorisationId;
use crate::domain::authorisation::Authorisation;

/// A pending authorisation as the person saw it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Invitation {
    pub id: AuthorisationId,
    pub version: i64,
}

impl Invitation {
    pub fn of(one: &Authorisation) -> Self {
        Self { id: one.id, version: one.version() }
    }

    /// Whether this is what was shown.
    pub fn is(self, one: &Authorisation) -> bool {
        self == Self::of(one)
    }
}

/// As a form sends it.
impl Display for Invitation {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.id, self.version)
    }
}
