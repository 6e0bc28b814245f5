//! The contract on maps and the clock, for one node. Each share has a map and a limit of its own, in
//! bytes; what does not fit is refused, and nothing that is kept gives way.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::budget::{Budget, Full, Maker, Share, Whose};
use crate::base::secret::sha256;

/// What an entry costs beside its text: its places in the map, which is never quite full, and what the
/// allocator adds.
const ENTRY: usize = 160;

/// Milliseconds between two sweeps for want of room.
const PAUSE: i64 = 1000;

/// Of one length, whatever was named.
type Key = [u8; 16];

enum Value {
    Mark,
    Count(u32),
    Text(Box<str>),
}

impl Value {
    fn size(&self) -> usize {
        ENTRY + if let Self::Text(text) = self { text.len() } else { 0 }
    }

    fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }
}

struct Held {
    value: Value,
    expires_at: i64,
    /// Whom it is counted against.
    maker: Option<Maker>,
}

/// A value on its way in. Instants are milliseconds, always handed in.
#[derive(Clone, Copy)]
pub(super) struct Incoming<'a> {
    pub whose: Whose,
    pub key: &'a str,
    pub now: i64,
    pub expires_at: i64,
}

/// One share.
#[derive(Default)]
struct Part {
    held: HashMap<Key, Held>,
    sizes: Sizes,
    swept_at: i64,
}

/// Bytes that are taken.
#[derive(Default)]
struct Sizes {
    all: usize,
    of_maker: HashMap<Maker, usize>,
}

impl Sizes {
    fn more(&mut self, held: &Held) {
        self.all += held.value.size();
        for maker in makers(held.maker) {
            *self.of_maker.entry(maker).or_default() += held.value.size();
        }
    }

    fn less(&mut self, held: &Held) {
        let size = held.value.size();
        self.all = self.all.saturating_sub(size);
        for maker in makers(held.maker) {
            let Entry::Occupied(mut of_maker) = self.of_maker.entry(maker) else { continue };
            *of_maker.get_mut() = of_maker.get().saturating_sub(size);
            if *of_maker.get() == 0 {
                of_maker.remove();
            }
        }
    }
}

/// All in which something is counted.
fn makers(maker: Option<Maker>) -> impl Iterator<Item = Maker> {
    maker.into_iter().flat_map(Maker::nested)
}

pub(super) struct Memory {
    parts: [Mutex<Part>; Share::ALL.len()],
    budget: Budget,
}

fn key(name: &str) -> Key {
    let mut key = Key::default();
    key.copy_from_slice(&sha256(name.as_bytes())[..16]);
    key
}

impl Part {
    fn live(&self, key: Key, now: i64) -> Option<&Held> {
        self.held.get(&key).filter(|held| held.expires_at > now)
    }

    fn remove(&mut self, key: Key) -> Option<Held> {
        let held = self.held.remove(&key)?;
        self.sizes.less(&held);
        Some(held)
    }

    fn insert(&mut self, key: Key, held: Held) {
        self.remove(key);
        self.sizes.more(&held);
        self.held.insert(key, held);
    }

    /// In place of what is kept under this key, if anything.
    fn insert_within(
        &mut self,
        budget: Budget,
        incoming: &Incoming<'_>,
        value: Value,
    ) -> Result<(), Full> {
        let key = key(incoming.key);
        let freed = self.held.get(&key).map_or(0, |held| held.value.size());
        self.make_room(budget, incoming, value.size().saturating_sub(freed))?;
        let (expires_at, maker) = (incoming.expires_at, incoming.whose.maker);
        self.insert(key, Held { value, expires_at, maker });
        Ok(())
    }

    fn make_room(
        &mut self,
        budget: Budget,
        incoming: &Incoming<'_>,
        more: usize,
    ) -> Result<(), Full> {
        match self.room(budget, incoming, more) {
            Err(_) if incoming.now - self.swept_at >= PAUSE => {
                self.sweep(incoming.now);
                self.room(budget, incoming, more)
            }
            outcome => outcome,
        }
    }

    fn room(&self, budget: Budget, incoming: &Incoming<'_>, more: usize) -> Result<(), Full> {
        let limits = budget.limits(incoming.whose);
        if self.sizes.all + more > limits.in_all {
            return Err(Full::All);
        }
        let size = |maker: &Maker| self.sizes.of_maker.get(maker).copied().unwrap_or_default();
        match limits.of_makers.iter().any(|(maker, limit)| size(maker) + more > *limit) {
            true => Err(Full::Place),
            false => Ok(()),
        }
    }

    fn sweep(&mut self, now: i64) {
        self.swept_at = now;
        let Self { held, sizes, .. } = self;
        held.retain(|_, one| {
            let is_live = one.expires_at > now;
            if !is_live {
                sizes.less(one);
            }
            is_live
        });
        // What a flood has made room for is given back.
        if self.held.capacity() > 4 * self.held.len() {
            self.held.shrink_to_fit();
            self.sizes.of_maker.shrink_to_fit();
        }
    }
}

impl Memory {
    pub(super) fn new(budget: Budget) -> Self {
        Self { parts: Default::default(), budget }
    }

    fn part(&self, share: Share) -> MutexGuard<'_, Part> {
        self.parts[share as usize].lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn put(&self, incoming: &Incoming<'_>, value: String) -> Result<(), Full> {
        let value = Value::Text(value.into_boxed_str());
        self.part(incoming.whose.share).insert_within(self.budget, incoming, value)
    }

    pub(super) fn get(&self, share: Share, name: &str, now: i64) -> Option<String> {
        self.part(share).live(key(name), now)?.value.text().map(str::to_owned)
    }

    /// Keeps the deadline, and is never refused: what is there may go on.
    pub(super) fn swap(&self, share: Share, name: &str, from: &str, to: String, now: i64) -> bool {
        let (mut part, key) = (self.part(share), key(name));
        let Some(held) = part.live(key, now).filter(|held| held.value.text() == Some(from)) else {
            return false;
        };
        let (expires_at, maker) = (held.expires_at, held.maker);
        part.insert(key, Held { value: Value::Text(to.into_boxed_str()), expires_at, maker });
        true
    }

    pub(super) fn replace(
        &self,
        incoming: &Incoming<'_>,
        from: Option<&str>,
        to: String,
    ) -> Result<bool, Full> {
        let mut part = self.part(incoming.whose.share);
        let held = part.live(key(incoming.key), incoming.now);
        if held.and_then(|held| held.value.text()) != from {
            return Ok(false);
        }
        let value = Value::Text(to.into_boxed_str());
        part.insert_within(self.budget, incoming, value)?;
        Ok(true)
    }

    pub(super) fn mark(&self, incoming: &Incoming<'_>) -> Result<bool, Full> {
        let mut part = self.part(incoming.whose.share);
        if part.live(key(incoming.key), incoming.now).is_some() {
            return Ok(false);
        }
        part.insert_within(self.budget, incoming, Value::Mark)?;
        Ok(true)
    }

    pub(super) fn count(&self, incoming: &Incoming<'_>) -> Result<(u32, i64), Full> {
        let (mut part, key) = (self.part(incoming.whose.share), key(incoming.key));
        if let Some(held) = part.held.get_mut(&key).filter(|held| held.expires_at > incoming.now)
            && let Value::Count(count) = &mut held.value
        {
            *count = count.saturating_add(1);
            return Ok((*count, held.expires_at));
        }
        part.insert_within(self.budget, incoming, Value::Count(1))?;
        Ok((1, incoming.expires_at))
    }

    pub(super) fn counted(&self, share: Share, name: &str, now: i64) -> u32 {
        match self.part(share).live(key(name), now).map(|held| &held.value) {
            Some(Value::Count(count)) => *count,
            _ => 0,
        }
    }

    /// At nought there is nothing left to keep.
    pub(super) fn uncount(&self, share: Share, name: &str) {
        let (mut part, key) = (self.part(share), key(name));
        match part.held.get_mut(&key).map(|held| &mut held.value) {
            Some(Value::Count(count)) if *count > 1 => *count -= 1,
            Some(Value::Count(_)) => drop(part.remove(key)),
            _ => {}
        }
    }

    pub(super) fn forget(&self, share: Share, name: &str) {
        self.part(share).remove(key(name));
    }

    pub(super) fn sweep(&self, now: i64) {
        for share in Share::ALL {
            self.part(share).sweep(now);
        }
    }

    /// Bytes that a share takes, what has expired and was not swept yet among them.
    pub(super) fn size(&self, share: Share) -> usize {
        self.part(share).sizes.all
    }
}
