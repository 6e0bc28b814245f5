//! What this process knows of the roots at rest, and for how long it may write by that. A root is announced
//! for longer than anybody goes without looking, so nobody writes a row under one that another writer would
//! not look it up by; who cannot look does not write.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use sea_orm::DatabaseConnection;
use tokio::sync::Mutex;

use super::link::Link;
use super::roots::{SHORTEST_ANNOUNCEMENT, opened};
use super::{Store, StoreError};
use crate::base::cipher::{Keeper, Ring};
use crate::base::clock::Clock;

/// What was learned holds for so long. The other half of the announcement is for clocks that differ and for
/// commits on their way.
const HOLDS_SECONDS: i64 = SHORTEST_ANNOUNCEMENT / 2;

pub(super) struct Learning {
    clock: Clock,
    /// When the look began that the ring is of.
    at_millis: AtomicI64,
    /// Two looks at once might end in the other order.
    alone: Mutex<()>,
    /// How many writers' looks have failed.
    failed: AtomicU64,
}

fn blind(why: &dyn std::fmt::Display) -> StoreError {
    StoreError::Unavailable(format!("the keys at rest cannot be read again: {why}"))
}

impl Learning {
    fn holds(&self, since: i64) -> bool {
        // A clock that was set back says nothing.
        self.clock.millis().abs_diff(since) <= HOLDS_SECONDS.unsigned_abs() * 1000
    }
}

/// What a transaction goes by.
#[derive(Clone, Copy)]
pub(super) struct Learned {
    at_millis: i64,
    youngest: u32,
}

/// What a process knows at its start.
pub(super) async fn at_first(
    readers: &DatabaseConnection,
    keeper: &dyn Keeper,
    clock: Clock,
) -> Result<(Learning, Arc<Ring>), StoreError> {
    let (at_millis, now) = (AtomicI64::new(clock.millis()), clock.now());
    let ring = Ring::new(opened(Link::Pool(readers), keeper).await?, now)?;
    let (alone, failed) = (Mutex::default(), AtomicU64::new(0));
    Ok((Learning { clock, at_millis, alone, failed }, ring))
}

impl Store {
    /// Learns of roots that another process made, and takes the turn to one that was announced.
    pub async fn learn_roots(&self) -> Result<(), StoreError> {
        let _alone = self.learning.alone.lock().await;
        self.learn().await
    }

    async fn learn(&self) -> Result<(), StoreError> {
        let (began, now) = (self.learning.clock.millis(), self.learning.clock.now());
        let told = self.roots().await?;
        let told = told.iter().map(|row| (row.id, row.active_from, row.retired_at.is_some()));
        let told: Vec<_> = told.collect();
        if !told.is_empty() && !self.ring.turn(&told, now) {
            let roots = opened(Link::Pool(&self.readers), &*self.keeper).await?;
            self.ring.refresh(roots, now);
        }
        self.learning.at_millis.store(began, Ordering::Release);
        Ok(())
    }

    /// What is known now, looked up again where it holds no more: a server looks often enough for nobody to
    /// wait here.
    pub(super) async fn learned(&self) -> Result<Learned, StoreError> {
        let at = || self.learning.at_millis.load(Ordering::Acquire);
        if !self.learning.holds(at()) {
            let failed = self.learning.failed.load(Ordering::Relaxed);
            let _alone = self.learning.alone.lock().await;
            if !self.learning.holds(at()) {
                // Of all who have waited for one look that failed, none tries it again.
                if self.learning.failed.load(Ordering::Relaxed) > failed {
                    return Err(blind(&"another has just tried"));
                }
                self.learn().await.map_err(|fault| {
                    self.learning.failed.fetch_add(1, Ordering::Relaxed);
                    blind(&fault)
                })?;
            }
        }
        let at_millis = at();
        Ok(Learned { at_millis, youngest: self.ring.youngest() })
    }

    /// Whether a transaction may be committed that has begun by this: one that took long looks again, and may
    /// be while a root that came meanwhile is announced for as long as what was learned would hold.
    pub(super) async fn still_holds(&self, learned: Learned) -> Result<(), StoreError> {
        if self.learning.holds(learned.at_millis) {
            return Ok(());
        }
        self.learned().await?;
        let latest = self.learning.clock.now().plus(HOLDS_SECONDS);
        match self.ring.followed_from(learned.youngest) {
            Some(from) if from < latest => {
                Err(StoreError::Unavailable("another root at rest came meanwhile".to_owned()))
            }
            _ => Ok(()),
        }
    }
}
