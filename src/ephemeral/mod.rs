//! What expires by itself: sign-in transactions, codes, slider proofs, replay marks, counters.
//! Nothing here may be missed after a crash, so nothing is taken out of it for something durable: what
//! works once is used up there (`store::used_up`), and forgotten here afterwards. One node keeps it in memory, several share Redis;
//! both keep one contract, in our clock's time. Every name is of one realm. What may be kept has a
//! [`Budget`]; beyond it the request is refused, and what is kept stays.

mod budget;
mod error;
mod memory;
mod shared;

use std::marker::PhantomData;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::base::clock::Clock;
use crate::domain::place::Place;
pub use budget::{Budget, Full, Share};
use budget::{Maker, Whose};
pub use error::EphemeralError;
use memory::{Incoming, Memory};
pub use shared::Bounds;
use shared::Shared;

/// Room for values of one type; those of different slots never meet.
pub struct Slot<T> {
    name: &'static str,
    share: Share,
    holds: PhantomData<fn() -> T>,
}

impl<T> Slot<T> {
    /// For what only people can make who have proved something.
    pub const fn new(name: &'static str) -> Self {
        Self::of(Share::Proved, name)
    }

    pub const fn of(share: Share, name: &'static str) -> Self {
        Self { name, share, holds: PhantomData }
    }
}

const SEEN: &str = "seen";
const COUNTER: &str = "count";

/// The short-lived store.
pub struct Ephemeral {
    clock: Clock,
    kept: Kept,
}

enum Kept {
    Memory(Box<Memory>),
    Shared(Box<Shared>),
}

impl Ephemeral {
    pub fn in_memory(clock: Clock) -> Self {
        Self::in_memory_within(clock, Budget::DEFAULT)
    }

    pub fn in_memory_within(clock: Clock, budget: Budget) -> Self {
        Self { clock, kept: Kept::Memory(Box::new(Memory::new(budget))) }
    }

    pub async fn on_redis(clock: Clock, url: &str) -> Result<Self, EphemeralError> {
        Self::on_redis_within(clock, url, Budget::DEFAULT).await
    }

    /// The budget is watched here; Redis' own `maxmemory` is more than that.
    pub async fn on_redis_within(
        clock: Clock,
        url: &str,
        budget: Budget,
    ) -> Result<Self, EphemeralError> {
        Ok(Self { clock, kept: Kept::Shared(Box::new(Shared::connect(url, budget).await?)) })
    }

    /// What belongs to one realm; the same names in another are other things.
    pub fn of<'e>(&'e self, realm: &'e str) -> OfRealm<'e> {
        OfRealm { all: self, realm, maker: None, is_known: false, own: Share::Tries }
    }

    /// Bytes that a share takes; `None` on Redis, which tells it itself.
    pub fn size(&self, share: Share) -> Option<usize> {
        match &self.kept {
            Kept::Memory(memory) => Some(memory.size(share)),
            Kept::Shared(_) => None,
        }
    }

    fn now_and_in(&self, seconds: i64) -> (i64, i64) {
        let now = self.clock.millis();
        (now, now.saturating_add(seconds.saturating_mul(1000)))
    }

    /// Whether it takes values, which a Redis that is full or follows another does not; memory always
    /// does. Nothing of it counts: a share that is full makes no node unready.
    pub async fn ping(&self) -> Result<(), EphemeralError> {
        match &self.kept {
            Kept::Memory(_) => Ok(()),
            Kept::Shared(shared) => Ok(shared.ping().await?),
        }
    }

    /// What bounds Redis, as it says itself; `None` in memory.
    pub async fn bounds(&self) -> Result<Option<Bounds>, EphemeralError> {
        match &self.kept {
            Kept::Memory(_) => Ok(None),
            Kept::Shared(shared) => Ok(Some(shared.bounds().await?)),
        }
    }

    /// Drops what has expired from memory; Redis does so by itself.
    pub fn sweep(&self) {
        if let Kept::Memory(memory) = &self.kept {
            memory.sweep(self.clock.millis());
        }
    }
}

/// The short-lived values of one realm.
#[derive(Clone, Copy)]
pub struct OfRealm<'e> {
    all: &'e Ephemeral,
    realm: &'e str,
    maker: Option<Maker>,
    is_known: bool,
    /// What marks and counters are kept in.
    own: Share,
}

impl OfRealm<'_> {
    /// What people make is counted against where they are.
    #[must_use]
    pub fn asked_from(self, place: Place) -> Self {
        Self { maker: Some(Maker::Place(place)), ..self }
    }

    /// Of somebody who is known where they are, or by their browser: their tries find room where strangers
    /// have taken theirs.
    #[must_use]
    pub fn known(self, is_known: bool) -> Self {
        Self { is_known, ..self }
    }

    /// Marks and counts what people do who have proved something, where they are.
    #[must_use]
    pub fn by_people(self) -> Self {
        Self { own: Share::Proved, ..self }
    }

    /// The same of what an application's server does, which has proved something and speaks for many: it is
    /// counted for the application, wherever it is.
    #[must_use]
    pub fn by_client(self, client_id: &str) -> Self {
        Self { maker: Some(Maker::client(self.realm, client_id)), own: Share::Servers, ..self }
    }

    /// The same of what our own jobs do, in all alone.
    #[must_use]
    pub fn by_jobs(self) -> Self {
        Self { maker: None, own: Share::Jobs, ..self }
    }

    /// The same of messages that go out to people. `is_due`: it goes out only if it is counted, and finds room
    /// where the others have taken theirs.
    #[must_use]
    pub fn by_notices(self, is_due: bool) -> Self {
        Self { maker: None, is_known: is_due, own: Share::Notices, ..self }
    }

    /// The same of what officers do.
    #[must_use]
    pub fn by_officers(self) -> Self {
        Self { own: Share::Officers, ..self }
    }

    fn key(&self, slot: &str, name: &str) -> String {
        format!("hufu/{}/{slot}/{name}", self.realm)
    }

    fn incoming<'k>(&self, share: Share, key: &'k str, seconds: i64) -> Incoming<'k> {
        let (now, expires_at) = self.all.now_and_in(seconds);
        let whose = Whose { share, maker: self.maker, is_known: self.is_known };
        Incoming { whose, key, now, expires_at }
    }

    pub async fn put<T: Serialize>(
        &self,
        slot: &Slot<T>,
        name: &str,
        value: &T,
        seconds: i64,
    ) -> Result<(), EphemeralError> {
        let (key, value) = (self.key(slot.name, name), serde_json::to_string(value)?);
        let incoming = self.incoming(slot.share, &key, seconds);
        match &self.all.kept {
            Kept::Memory(memory) => memory.put(&incoming, value).map_err(EphemeralError::full),
            Kept::Shared(shared) => shared.put(&incoming, &value).await,
        }
    }

    pub async fn get<T: DeserializeOwned>(
        &self,
        slot: &Slot<T>,
        name: &str,
    ) -> Result<Option<T>, EphemeralError> {
        let (key, now) = (self.key(slot.name, name), self.all.clock.millis());
        let found = match &self.all.kept {
            Kept::Memory(memory) => memory.get(slot.share, &key, now),
            Kept::Shared(shared) => shared.get(&key, now).await?,
        };
        Ok(found.map(|value| serde_json::from_str(&value)).transpose()?)
    }

    /// Replaces `from` by `to`, keeping the deadline; `false` when it is no longer `from`.
    pub async fn swap<T: Serialize>(
        &self,
        slot: &Slot<T>,
        name: &str,
        from: &T,
        to: &T,
    ) -> Result<bool, EphemeralError> {
        let (key, now) = (self.key(slot.name, name), self.all.clock.millis());
        let (from, to) = (serde_json::to_string(from)?, serde_json::to_string(to)?);
        Ok(match &self.all.kept {
            Kept::Memory(memory) => memory.swap(slot.share, &key, &from, to, now),
            Kept::Shared(shared) => {
                shared.swap(&self.incoming(slot.share, &key, 0), &from, &to).await?
            }
        })
    }

    /// Puts `to` in place of `from` (`None`: of nothing) with a deadline of its own; `false` when
    /// something else stands there.
    pub async fn replace<T: Serialize>(
        &self,
        slot: &Slot<T>,
        name: &str,
        from: Option<&T>,
        to: &T,
        seconds: i64,
    ) -> Result<bool, EphemeralError> {
        let (key, to) = (self.key(slot.name, name), serde_json::to_string(to)?);
        let from = from.map(serde_json::to_string).transpose()?;
        let incoming = self.incoming(slot.share, &key, seconds);
        match &self.all.kept {
            Kept::Memory(memory) => {
                memory.replace(&incoming, from.as_deref(), to).map_err(EphemeralError::full)
            }
            Kept::Shared(shared) => shared.replace(&incoming, from.as_deref(), &to).await,
        }
    }

    pub async fn forget<T>(&self, slot: &Slot<T>, name: &str) -> Result<(), EphemeralError> {
        self.remove(slot.share, &self.key(slot.name, name)).await
    }

    async fn remove(&self, share: Share, key: &str) -> Result<(), EphemeralError> {
        match &self.all.kept {
            Kept::Memory(memory) => memory.forget(share, key),
            Kept::Shared(shared) => shared.forget(&self.incoming(share, key, 0)).await?,
        }
        Ok(())
    }

    /// Marks what is used once; `false` when it was seen before.
    pub async fn mark(&self, name: &str, seconds: i64) -> Result<bool, EphemeralError> {
        self.mark_in(self.own, name, seconds).await
    }

    /// The same in another share.
    pub async fn mark_in(
        &self,
        share: Share,
        name: &str,
        seconds: i64,
    ) -> Result<bool, EphemeralError> {
        let key = self.key(SEEN, name);
        let incoming = self.incoming(share, &key, seconds);
        match &self.all.kept {
            Kept::Memory(memory) => memory.mark(&incoming).map_err(EphemeralError::full),
            Kept::Shared(shared) => shared.mark(&incoming).await,
        }
    }

    /// Gives a mark back: what it stood for was not done.
    pub async fn unmark(&self, name: &str) -> Result<(), EphemeralError> {
        self.remove(self.own, &self.key(SEEN, name)).await
    }

    /// Counts in a window that begins with the first count. Returns the count and the seconds
    /// until the window ends.
    pub async fn count(&self, name: &str, seconds: i64) -> Result<(u32, i64), EphemeralError> {
        let key = self.key(COUNTER, name);
        let incoming = self.incoming(self.own, &key, seconds);
        let (count, ends_at) = match &self.all.kept {
            Kept::Memory(memory) => memory.count(&incoming).map_err(EphemeralError::full)?,
            Kept::Shared(shared) => shared.count(&incoming).await?,
        };
        Ok((count, (ends_at - incoming.now).div_euclid(1000) + 1))
    }

    /// What a counter stands at.
    pub async fn counted(&self, name: &str) -> Result<u32, EphemeralError> {
        let (key, now) = (self.key(COUNTER, name), self.all.clock.millis());
        Ok(match &self.all.kept {
            Kept::Memory(memory) => memory.counted(self.own, &key, now),
            Kept::Shared(shared) => {
                let held = shared.get(&key, now).await?;
                held.and_then(|held| held.parse().ok()).unwrap_or_default()
            }
        })
    }

    /// Takes one count back: what was counted turned out well.
    pub async fn uncount(&self, name: &str) -> Result<(), EphemeralError> {
        let key = self.key(COUNTER, name);
        match &self.all.kept {
            Kept::Memory(memory) => memory.uncount(self.own, &key),
            Kept::Shared(shared) => {
                shared.uncount(&self.incoming(self.own, &key, 0)).await?;
            }
        }
        Ok(())
    }

    /// Begins a counter anew.
    pub async fn reset(&self, name: &str) -> Result<(), EphemeralError> {
        self.remove(self.own, &self.key(COUNTER, name)).await
    }
}
