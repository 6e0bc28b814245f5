//! What expires by itself: sign-in transactions, codes, slider proofs, replay marks, counters.
//! Nothing here may be missed after a crash. One node keeps it in memory, several share Redis;
//! both keep one contract, in our clock's time.

mod memory;
mod shared;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::base::clock::Clock;
use memory::Memory;
use shared::Shared;

/// What a value is; keys of different kinds never meet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Login,
    Slider,
    Otp,
    Scan,
    Passkey,
    Replay,
    Rate,
}

impl Kind {
    fn key(self, name: &str) -> String {
        let kind = match self {
            Self::Login => "login",
            Self::Slider => "slider",
            Self::Otp => "otp",
            Self::Scan => "scan",
            Self::Passkey => "passkey",
            Self::Replay => "replay",
            Self::Rate => "rate",
        };
        format!("hufu/{kind}/{name}")
    }
}

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

    fn now_and_in(&self, seconds: i64) -> (i64, i64) {
        let now = self.clock.millis();
        (now, now.saturating_add(seconds.saturating_mul(1000)))
    }

    /// Whether it answers; memory always does.
    pub async fn ping(&self) -> Result<(), EphemeralError> {
        self.get::<String>(Kind::Rate, "ping").await.map(|_| ())
    }

    pub async fn put<T: Serialize>(
        &self,
        kind: Kind,
        name: &str,
        value: &T,
        seconds: i64,
    ) -> Result<(), EphemeralError> {
        let (key, value) = (kind.key(name), serde_json::to_string(value)?);
        let (now, expires_at) = self.now_and_in(seconds);
        match &self.place {
            Place::Memory(memory) => memory.put(key, value, expires_at),
            Place::Shared(shared) => shared.put(&key, &value, now, expires_at).await?,
        }
        Ok(())
    }

    pub async fn get<T: DeserializeOwned>(
        &self,
        kind: Kind,
        name: &str,
    ) -> Result<Option<T>, EphemeralError> {
        let (key, now) = (kind.key(name), self.clock.millis());
        let found = match &self.place {
            Place::Memory(memory) => memory.get(&key, now),
            Place::Shared(shared) => shared.get(&key, now).await?,
        };
        Ok(found.map(|value| serde_json::from_str(&value)).transpose()?)
    }

    /// Reads and removes in one act: of two takers, one gets it.
    pub async fn take<T: DeserializeOwned>(
        &self,
        kind: Kind,
        name: &str,
    ) -> Result<Option<T>, EphemeralError> {
        let (key, now) = (kind.key(name), self.clock.millis());
        let found = match &self.place {
            Place::Memory(memory) => memory.take(&key, now),
            Place::Shared(shared) => shared.take(&key, now).await?,
        };
        Ok(found.map(|value| serde_json::from_str(&value)).transpose()?)
    }

    /// Replaces `from` by `to`, keeping the deadline; `false` when it is no longer `from`.
    pub async fn swap<T: Serialize>(
        &self,
        kind: Kind,
        name: &str,
        from: &T,
        to: &T,
    ) -> Result<bool, EphemeralError> {
        let (key, now) = (kind.key(name), self.clock.millis());
        let (from, to) = (serde_json::to_string(from)?, serde_json::to_string(to)?);
        Ok(match &self.place {
            Place::Memory(memory) => memory.swap(&key, &from, to, now),
            Place::Shared(shared) => shared.swap(&key, &from, &to, now).await?,
        })
    }

    /// Marks a name as seen; `false` when it was seen before.
    pub async fn mark(&self, kind: Kind, name: &str, seconds: i64) -> Result<bool, EphemeralError> {
        let key = kind.key(name);
        let (now, expires_at) = self.now_and_in(seconds);
        Ok(match &self.place {
            Place::Memory(memory) => memory.mark(key, now, expires_at),
            Place::Shared(shared) => shared.mark(&key, now, expires_at).await?,
        })
    }

    /// Counts in a window that begins with the first count. Returns the count and the seconds
    /// until the window ends.
    pub async fn count(
        &self,
        kind: Kind,
        name: &str,
        seconds: i64,
    ) -> Result<(u32, i64), EphemeralError> {
        let key = kind.key(name);
        let (now, expires_at) = self.now_and_in(seconds);
        let (count, ends_at) = match &self.place {
            Place::Memory(memory) => memory.count(key, now, expires_at),
            Place::Shared(shared) => shared.count(&key, now, expires_at).await?,
        };
        Ok((count, (ends_at - now).div_euclid(1000) + 1))
    }

    /// Takes one count back: what was counted turned out well.
    pub async fn uncount(&self, kind: Kind, name: &str) -> Result<(), EphemeralError> {
        let key = kind.key(name);
        match &self.place {
            Place::Memory(memory) => memory.uncount(&key),
            Place::Shared(shared) => shared.uncount(&key).await?,
        }
        Ok(())
    }

    pub async fn forget(&self, kind: Kind, name: &str) -> Result<(), EphemeralError> {
        let key = kind.key(name);
        match &self.place {
            Place::Memory(memory) => memory.forget(&key),
            Place::Shared(shared) => shared.forget(&key).await?,
        }
        Ok(())
    }

    /// Drops what has expired from memory; Redis does so by itself.
    pub fn sweep(&self) {
        if let Place::Memory(memory) = &self.place {
            memory.sweep(self.clock.millis());
        }
    }
}
