//! Failures in, lock out (E-09): as many wrong guesses as the limit says in one window lock for 15
//! minutes, each further lock doubles up to a day, and every quiet day takes one doubling back. What
//! is counted together, and what a lock refuses, is decided in `flows::sign_in`.

use serde::{Deserialize, Serialize};

use crate::base::clock::Timestamp;

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LockoutPolicy {
    pub max_failures: u32,
    /// Seconds in which failures are counted together.
    pub window: i64,
    /// Seconds of the first lock.
    pub first_lock: i64,
    /// Seconds of the longest lock, and of the quiet that takes one doubling back.
    pub longest_lock: i64,
}

/// How one counter stands. A try is taken before it is judged, so that tries at the same time all
/// count; one that was never judged is given back.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Guesses {
    /// When the first try of this window was taken.
    pub since: Timestamp,
    pub failures: u32,
    /// Locks that were not forgiven yet; each doubles the next.
    n_locks: u32,
    /// The newest lock's end, over or not.
    locked_until: Option<Timestamp>,
}

impl Guesses {
    /// Seconds until the lock ends, if there is one.
    pub fn locked_for(&self, now: Timestamp) -> Option<i64> {
        self.locked_until.map(|until| until.since(now)).filter(|left| *left > 0)
    }
}

impl LockoutPolicy {
    /// One more try; `Err`: seconds until the lock ends. The try that reaches the limit is still
    /// judged, and whatever comes after it is locked out.
    pub fn take(&self, kept: Option<Guesses>, now: Timestamp) -> Result<Guesses, i64> {
        let fresh = Guesses { since: now, failures: 0, n_locks: 0, locked_until: None };
        let mut next = kept.unwrap_or_else(|| fresh.clone());
        if let Some(left) = next.locked_for(now) {
            return Err(left);
        }
        let is_over = next.failures >= self.max_failures || now.since(next.since) >= self.window;
        if is_over {
            next = Guesses { since: now, failures: 0, ..next };
        }
        next.failures += 1;
        if next.failures >= self.max_failures {
            let n_locks = next.n_locks.saturating_sub(self.quiet_periods(&next, now));
            next.locked_until = Some(now.plus(self.length(n_locks)));
            next.n_locks = n_locks.saturating_add(1).min(self.n_doublings() + 1);
        }
        Ok(next)
    }

    /// The try was not judged: a lock that it began is lifted.
    pub fn give_back(&self, kept: Guesses, now: Timestamp) -> Guesses {
        let began_lock = kept.failures >= self.max_failures;
        Guesses {
            failures: kept.failures.saturating_sub(1),
            n_locks: kept.n_locks.saturating_sub(u32::from(began_lock)),
            locked_until: if began_lock { Some(now) } else { kept.locked_until },
            ..kept
        }
    }

    /// Until when the tries that were taken have locked, if they have.
    pub fn locked_by(&self, taken: &Guesses) -> Option<Timestamp> {
        taken.locked_until.filter(|_| taken.failures >= self.max_failures)
    }

    /// Seconds after which a counter says nothing any more. One from which everything was given back
    /// says nothing now, so that strangers leave nothing behind by tries that nobody judged.
    pub fn lifetime(&self, kept: &Guesses, now: Timestamp) -> i64 {
        if kept.failures == 0 && kept.n_locks == 0 && kept.locked_for(now).is_none() {
            return 1;
        }
        let until = kept.locked_until.map_or(0, |until| until.since(now).max(0));
        let quiet = self.longest_lock.saturating_mul(i64::from(kept.n_locks));
        until.saturating_add(quiet).saturating_add(self.window)
    }

    /// Doublings that make the first lock the longest. A lock after that counts no further, so that
    /// a long attack is forgiven as soon as a short one.
    fn n_doublings(&self) -> u32 {
        (0..20).find(|n| self.length(*n) >= self.longest_lock).unwrap_or(20)
    }

    fn quiet_periods(&self, kept: &Guesses, now: Timestamp) -> u32 {
        let quiet = kept.locked_until.map_or(0, |until| now.since(until).max(0));
        u32::try_from(quiet.div_euclid(self.longest_lock.max(1))).unwrap_or(u32::MAX)
    }

    fn length(&self, n_locks: u32) -> i64 {
        self.first_lock.saturating_mul(1 << n_locks.min(20)).min(self.longest_lock)
    }
}
