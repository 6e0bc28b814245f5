//! Something that a browser has begun without a sign-in: found by that browser alone, taken a step
//! further by one conditional write, used up once. Whose browser it is stands in `web::self_help`,
//! what the steps are in the flow of each journey.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::base::clock::Timestamp;
use crate::base::secret::Hashed;
use crate::domain::refusal::Refusal;
use crate::ephemeral::{Share, Slot};
use crate::flows::{Ctx, Fault, Stop};
use crate::store::Tx;

/// Ten minutes for each step.
pub const STEP_SECONDS: i64 = 600;

/// A way of several pages; `S`: how far somebody has come on it.
pub struct Journey<S> {
    name: &'static str,
    slot: Slot<S>,
    /// For each step.
    seconds: i64,
}

/// What a browser calls its own: the name of one journey, which no other browser can make.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Begun {
    /// Stands in addresses and forms.
    pub id: String,
    /// Of the browser's secret and the id.
    key: String,
}

impl Begun {
    /// `browser`: the secret in the browser's cookie.
    pub fn of(browser: &str, id: &str) -> Self {
        Self { id: id.to_owned(), key: Hashed::of(&format!("{browser}\n{id}")).to_text() }
    }

    /// A journey that nobody has begun before.
    pub fn new(ctx: &Ctx, browser: &str) -> Self {
        Self::of(browser, &ctx.random().short_token())
    }

    /// The name of what is kept for it: counters, codes that were sent, codes to scan.
    pub fn key(&self) -> &str {
        &self.key
    }
}

impl<S: Serialize + DeserializeOwned + PartialEq> Journey<S> {
    /// `name`: of what is kept. Strangers begin it, so it has their share of the room.
    pub const fn new(name: &'static str, seconds: i64) -> Self {
        Self { name, slot: Slot::of(Share::Anybody, name), seconds }
    }

    /// The first thing that is kept of it.
    pub async fn begin(&self, ctx: &Ctx, begun: &Begun, first: &S) -> Result<(), Fault> {
        Ok(ctx.ephemeral().put(&self.slot, begun.key(), first, self.seconds).await?)
    }

    /// How far this browser has come; `None`: another's, over, or too long ago.
    pub async fn find(&self, ctx: &Ctx, begun: &Begun) -> Result<Option<S>, Fault> {
        Ok(ctx.ephemeral().get(&self.slot, begun.key()).await?)
    }

    /// A step forward or back, with time anew; `E_STATE` when another tab was faster.
    pub async fn go(&self, ctx: &Ctx, begun: &Begun, from: &S, to: &S) -> Result<(), Stop> {
        let ephemeral = ctx.ephemeral();
        let (from, key) = (Some(from), begun.key());
        match ephemeral.replace(&self.slot, key, from, to, self.seconds).await? {
            true => Ok(()),
            false => Err(Refusal::State.into()),
        }
    }

    /// Uses it up for what it ends in, which is written in the same transaction: of two tabs that
    /// finish, one does.
    pub async fn use_up(&self, tx: &Tx<'_>, begun: &Begun) -> Result<(), Stop> {
        // Longer than any journey can go on.
        let until: Timestamp = tx.now().plus(86_400);
        match tx.use_up(self.name, begun.key(), until).await? {
            true => Ok(()),
            false => Err(Refusal::State.into()),
        }
    }

    /// After its end was saved, or where the person turned back.
    pub async fn forget(&self, ctx: &Ctx, begun: &Begun) {
        ctx.forget(&self.slot, begun.key()).await;
    }
}
