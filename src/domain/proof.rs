//! What is proved after the first proof says whom, what for and which step. A code, a challenge or a
//! scan on its way answers one [`Question`]; a right answer is [`Verified`] and counts where
//! `LoginTransaction::accept` finds that very question still open. Who looks at the answers is told
//! in `flows`.

use serde::{Deserialize, Serialize};

use crate::base::id::{AccountId, PersonId};
use crate::domain::factor::Factor;

/// The second factor of one person, by one means, in one sign-in or step-up.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Question {
    pub transaction: String,
    /// Which of the people that the transaction has been about, counted from 1: what was begun for
    /// an earlier one answers nothing, even if they come back.
    pub turn: u32,
    pub person: PersonId,
    pub account: AccountId,
    pub factor: Factor,
}

/// A question that somebody answered rightly.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Verified {
    pub person: PersonId,
    pub question: Question,
}

impl Question {
    /// The name of what is kept for it.
    pub fn key(&self) -> String {
        format!("{}/{}/{}/{}", self.transaction, self.turn, self.account, self.factor.name())
    }

    /// `person`: whose answer it was, as the one who looked at it found out.
    pub fn answered_by(&self, person: PersonId) -> Verified {
        Verified { person, question: self.clone() }
    }
}
