//! How much somebody who is signed in may begin in others' names: what is begun and taken back leaves rows for good
//! in the histories of both sides, messages, and pushes to every application that has asked for them. Far more than
//! anybody does by hand; what is refused costs nothing.

use crate::base::id::PersonId;
use crate::flows::limits::{self, Limit};
use crate::flows::{Ctx, Stop};

const HOUR: i64 = 3600;
const DAY: i64 = 86_400;

/// What one person does.
#[derive(Clone, Copy)]
pub enum Doing {
    /// Asks an enterprise for an authorisation.
    Applies,
    /// Adds, changes or renews one, as a manager of whichever enterprise.
    Manages,
    /// Has one pushed again.
    Synchronises,
}

impl Doing {
    /// By which name it is counted, how much is too much, and within which time.
    pub fn limit(self, person: PersonId) -> (Limit, i64) {
        let limit = |what: &str, most| Limit { name: format!("relations/{what}/{person}"), most };
        match self {
            Self::Applies => (limit("applied", 100), DAY),
            // A large enterprise enters all its handlers on one day.
            Self::Manages => (limit("managed", 1000), DAY),
            Self::Synchronises => (limit("synchronised", 30), HOUR),
        }
    }
}

/// One that was counted before it is done.
pub struct Spent {
    limit: Limit,
}

impl Spent {
    /// `E_OTP_RATE`: too much already.
    pub async fn one(ctx: &Ctx, doing: Doing, person: PersonId) -> Result<Self, Stop> {
        let (limit, seconds) = doing.limit(person);
        limits::take_in(ctx.ephemeral().by_people(), std::slice::from_ref(&limit), seconds).await?;
        Ok(Self { limit })
    }

    /// What came of it.
    pub async fn end<T>(&self, ctx: &Ctx, came: Result<T, Stop>) -> Result<T, Stop> {
        if came.is_err() {
            let counters = ctx.ephemeral().by_people();
            ctx.tidied(limits::give_back(counters, std::slice::from_ref(&self.limit)).await);
        }
        came
    }
}
