//! What expires by itself: sign-in transactions, codes, slider proofs, replay marks, counters.
//! Nothing here may be missed after a crash. One node keeps it in memory, several share Redis;
//! both keep one contract, in our clock's time. Every name is of one realm.

mod memory;
mod shared;

use std::marker::PhantomData;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::base::clock::Clock;
use memory::Memory;
use shared::Shared;

/// A place for values of one type; those of different slots never meet.
pub struct Slot<T> {
    name: &'static str,
    holds: PhantomData<fn() -> T>,
}

impl<T> Slot<T> {
    pub const fn new(name: &'static str) -> Self {
        Self { name, holds: PhantomData }
    }
}

const SEEN: &str = "seen";
const COUNTER: &str = "count";

/// The short-lived store.
pub struct Ephemeral {
    clock: Clock,
    place: Place,
}

enum Place {
    Memory(Memory),
    Shared(Box<Shared>),
}

#[derive(Debug, thiserror::Error)]
pub enum EphemeralError {
    #[error("a short-lived value is malformed: {0}")]
    Malformed(#[from] serde_json::Error),
    /// Redis did not answer: try again later (503).
    #[error("Redis is not available: {0}")]
    Unavailable(#[from] redis::RedisError),
}

impl Ephemeral {
    pub fn in_memory(clock: Clock) -> Self {
        Self { clock, place: Place::Memory(Memory::default()) }
    }

    pub async fn on_redis(clock: Clock, url: &str) -> Result<Self, EphemeralError> {
        Ok(Self { clock, place: Place::Shared(Box::new(Shared::connect(url).await?)) })
    }

    /// What belongs to one realm; the same names in another are other things.
    pub fn of<'e>(&'e self, realm: &'e str) -> OfRealm<'e> {
        OfRealm { all: self, realm }
    }

    fn now_and_in(&self, seconds: i64) -> (i64, i64) {
        let now = self.clock.millis();
        (now, now.saturating_add(seconds.saturating_mul(1000)))
    }

    /// Whether it takes values, which a Redis that is full or follows another does not; memory always
    /// does.
    pub async fn ping(&self) -> Result<(), EphemeralError> {
        self.of("").count("ping", 1).await.map(|_| ())
    }

    /// Drops what has expired from memory; Redis does so by itself.
    pub fn sweep(&self) {
        if let Place::Memory(memory) = &self.place {
            memory.sweep(self.clock.millis());
        }
    }
}

/// The short-lived values of one realm.
#[derive(Clone, Copy)]
pub struct OfRealm<'e> {
    all: &'e Ephemeral,
    realm: &'e str,
}

impl OfRealm<'_> {
    fn key(&self, slot: &str, name: &str) -> String {
        format!("hufu/{}/{slot}/{name}", self.realm)
    }

    pub async fn put<T: Serialize>(
        &self,
        slot: &Slot<T>,
        name: &str,
        value: &T,
        seconds: i64,
    ) -> Result<(), EphemeralError> {
        let (key, value) = (self.key(slot.name, name), serde_json::to_string(value)?);
        let (now, expires_at) = self.all.now_and_in(seconds);
        match &self.all.place {
            Place::Memory(memory) => memory.put(key, value, expires_at),
            Place::Shared(shared) => shared.put(&key, &value, now, expires_at).await?,
        }
        Ok(())
    }

    pub async fn get<T: DeserializeOwned>(
        &self,
        slot: &Slot<T>,
        name: &str,
    ) -> Result<Option<T>, EphemeralError> {
        let found = self.get_text(&self.key(slot.name, name)).await?;
        Ok(found.map(|value| serde_json::from_str(&value)).transpose()?)
    }

    async fn get_text(&self, key: &str) -> Result<Option<String>, EphemeralError> {
        let now = self.all.clock.millis();
        Ok(match &self.all.place {
            Place::Memory(memory) => memory.get(key, now),
            Place::Shared(shared) => shared.get(key, now).await?,
        })
    }

    /// Reads and removes in one act: of two takers, one gets it.
    pub async fn take<T: DeserializeOwned>(
        &self,
        slot: &Slot<T>,
        name: &str,
    ) -> Result<Option<T>, EphemeralError> {
        let (key, now) = (self.key(slot.name, name), self.all.clock.millis());
        let found = match &self.all.place {
            Place::Memory(memory) => memory.take(&key, now),
            Place::Shared(shared) => shared.take(&key, now).await?,
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
        Ok(match &self.all.place {
            Place::Memory(memory) => memory.swap(&key, &from, to, now),
            Place::Shared(shared) => shared.swap(&key, &from, &to, now).await?,
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
        let (now, expires_at) = self.all.now_and_in(seconds);
        Ok(match &self.all.place {
            Place::Memory(memory) => memory.replace(key, from.as_deref(), to, now, expires_at),
            Place::Shared(shared) => {
                shared.replace(&key, from.as_deref(), &to, now, expires_at).await?
            }
        })
    }

    pub async fn forget<T>(&self, slot: &Slot<T>, name: &str) -> Result<(), EphemeralError> {
        self.remove(&self.key(slot.name, name)).await
    }

    async fn remove(&self, key: &str) -> Result<(), EphemeralError> {
        match &self.all.place {
            Place::Memory(memory) => memory.forget(key),
            Place::Shared(shared) => shared.forget(key).await?,
        }
        Ok(())
    }

    /// Marks a name as seen; `false` when it was seen before.
    pub async fn mark(&self, name: &str, seconds: i64) -> Result<bool, EphemeralError> {
        let key = self.key(SEEN, name);
        let (now, expires_at) = self.all.now_and_in(seconds);
        Ok(match &self.all.place {
            Place::Memory(memory) => memory.mark(key, now, expires_at),
            Place::Shared(shared) => shared.mark(&key, now, expires_at).await?,
        })
    }

    /// Counts in a window that begins with the first count. Returns the count and the seconds
    /// until the window ends.
    pub async fn count(&self, name: &str, seconds: i64) -> Result<(u32, i64), EphemeralError> {
        let key = self.key(COUNTER, name);
        let (now, expires_at) = self.all.now_and_in(seconds);
        let (count, ends_at) = match &self.all.place {
            Place::Memory(memory) => memory.count(key, now, expires_at),
            Place::Shared(shared) => shared.count(&key, now, expires_at).await?,
        };
        Ok((count, (ends_at - now).div_euclid(1000) + 1))
    }

    /// What a counter stands at.
    pub async fn counted(&self, name: &str) -> Result<u32, EphemeralError> {
        let held = self.get_text(&self.key(COUNTER, name)).await?;
        Ok(held.and_then(|held| held.parse().ok()).unwrap_or_default())
    }

    /// Takes one count back: what was counted turned out well.
    pub async fn uncount(&self, name: &str) -> Result<(), EphemeralError> {
        let key = self.key(COUNTER, name);
        match &self.all.place {
            Place::Memory(memory) => memory.uncount(&key),
            Place::Shared(shared) => shared.uncount(&key).await?,
        }
        Ok(())
    }

    /// Begins a counter anew.
    pub async fn reset(&self, name: &str) -> Result<(), EphemeralError> {
        self.remove(&self.key(COUNTER, name)).await
    }
}
