//! Budgets of guesses: tries are taken before they are judged and end as right, wrong or not judged.
//! Kept among what expires by itself; what one budget holds together is said by whoever asks.

use crate::base::clock::Timestamp;
use crate::base::id::PersonId;
use crate::domain::lockout::{Guesses, LockoutPolicy};
use crate::domain::place::Place;
use crate::domain::refusal::Refusal;
use crate::ephemeral::{Share, Slot};
use crate::flows::{Ctx, Fault, Stop};

const GUESSES: Slot<Guesses> = Slot::of(Share::Tries, "guesses");

/// Of many at the same moment one is faster; beyond so many rounds it is a crowd.
const ROUNDS: usize = 100;

/// Seconds for which a place stays known after a sign-in.
const KNOWN_SECONDS: i64 = 30 * 86_400;

/// What a lock refuses from its beginning on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lock {
    /// A password for one name, from one place or from everywhere.
    Password,
    /// An answer to a second factor that could be guessed.
    SecondFactor,
    /// Whatever an address types at the door, whoever it is about.
    Address,
    /// A code of a forgotten password.
    Forgotten,
    /// A code to a new phone, where the old one is lost.
    LostPhone,
    /// A code of a registration.
    Registration,
    /// A new password in place of one's own, which tells whether it is the old one.
    NewPassword,
    OfficerPassword,
}

impl Lock {
    /// As the counter names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::SecondFactor => "second-factor",
            Self::Address => "address",
            Self::Forgotten => "forgotten",
            Self::LostPhone => "lost-phone",
            Self::Registration => "registration",
            Self::NewPassword => "new-password",
            Self::OfficerPassword => "officer-password",
        }
    }
}

/// One counter, by name, and its limits.
pub struct Budget {
    pub lock: Lock,
    pub name: String,
    pub policy: LockoutPolicy,
}

impl Budget {
    /// `Err`: locked, or too many at once.
    pub async fn take(&self, ctx: &Ctx) -> Result<Guesses, Stop> {
        for _ in 0..ROUNDS {
            let kept = self.kept(ctx).await?;
            let next = match self.policy.take(kept.clone(), ctx.now()) {
                Ok(next) => next,
                Err(retry_after) => return Err(Refusal::Locked { retry_after }.into()),
            };
            if self.save(ctx, kept.as_ref(), &next).await? {
                return Ok(next);
            }
        }
        Err(Refusal::Busy.into())
    }

    /// The try was not judged, or was right and says nothing about the others.
    pub async fn give_back(&self, ctx: &Ctx) -> Result<(), Fault> {
        for _ in 0..ROUNDS {
            let Some(kept) = self.kept(ctx).await? else { return Ok(()) };
            let next = self.policy.give_back(kept.clone(), ctx.now());
            if self.save(ctx, Some(&kept), &next).await? {
                break;
            }
        }
        Ok(())
    }

    /// Whoever has it was right: it begins anew, without the locks that were.
    pub async fn forget(&self, ctx: &Ctx) -> Result<(), Fault> {
        Ok(ctx.ephemeral().forget(&GUESSES, &self.name).await?)
    }

    /// Until when the try that was just wrong has locked it, if it has; counted.
    pub async fn has_locked(&self, ctx: &Ctx) -> Result<Option<Timestamp>, Fault> {
        let until = self.kept(ctx).await?.and_then(|kept| self.policy.locked_by(&kept));
        if until.is_some() {
            count_lock(ctx, self.lock);
        }
        Ok(until)
    }

    pub async fn kept(&self, ctx: &Ctx) -> Result<Option<Guesses>, Fault> {
        Ok(ctx.ephemeral().get(&GUESSES, &self.name).await?)
    }

    async fn save(&self, ctx: &Ctx, from: Option<&Guesses>, to: &Guesses) -> Result<bool, Fault> {
        let seconds = self.policy.lifetime(to, ctx.now());
        Ok(ctx.ephemeral().replace(&GUESSES, &self.name, from, to, seconds).await?)
    }
}

/// One has begun.
pub fn count_lock(ctx: &Ctx, lock: Lock) {
    let labels = [("realm", ctx.realm.id.clone()), ("what", lock.name().to_owned())];
    metrics::counter!("hufu_locks_total", &labels).increment(1);
}

/// Whether this person has signed in from where the request comes from within thirty days.
pub async fn is_known_place(ctx: &Ctx, person: PersonId) -> Result<bool, Fault> {
    knows(ctx, person, &ctx.place()).await
}

/// The same of any place.
pub async fn knows(ctx: &Ctx, person: PersonId, place: &Place) -> Result<bool, Fault> {
    let since = ctx.now().plus(-KNOWN_SECONDS);
    let addresses = ctx.rows().records().addresses(person, since).await?;
    Ok(addresses.into_iter().any(|address| Place::of(address) == *place))
}
