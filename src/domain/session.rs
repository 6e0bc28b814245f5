//! A browser that is signed in: who, in whose name, by what proof.

use crate::base::clock::Timestamp;
use crate::base::id::{AccountId, PersonId, SessionId};
use crate::base::secret::Hashed;
use crate::domain::acting::Acting;
use crate::domain::factor::proves_no_person;

/// A signed-in browser (会话) that had not ended when it was read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Session {
    pub id: SessionId,
    /// What the browser holds, as it was then; who goes on from it finds whether it still does.
    pub cookie: Hashed,
    pub person: PersonId,
    pub account: AccountId,
    pub acting: Acting,
    /// RFC 8176 values.
    pub amr: Vec<String>,
    /// Real-name level proved in this session (L-11).
    pub acr: u8,
    pub auth_time: Timestamp,
    pub entrance: String,
    /// Was switched to personal: never again an enterprise (invariant 7).
    pub one_way_personal: bool,
    pub ip: String,
    pub device: String,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
}

impl Session {
    /// Begun with an enterprise's certificate and nothing more: it proves the enterprise, and nothing of
    /// the person in whose name it acts there (DEC-10).
    pub fn proves_no_person(&self) -> bool {
        proves_no_person(&self.amr)
    }
}
