//! Failures in, lock out (E-09): five wrong passwords for one account in 15 minutes lock it for
//! 15 minutes, each further lock doubles up to a day.

use crate::base::clock::Timestamp;

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LockoutPolicy {
    pub max_failures: u32,
    /// Seconds in which failures are counted together.
    pub window: i64,
    /// Seconds of the first lock.
    pub first_lock: i64,
    /// Seconds of the longest lock.
    pub longest_lock: i64,
}

impl LockoutPolicy {
    /// Until when to lock after this many failures in the window, if at all.
    pub fn lock_until(&self, n_failures: u32, n_locks: u32, now: Timestamp) -> Option<Timestamp> {
        if n_failures < self.max_failures {
            return None;
        }
        let doubled = self.first_lock.saturating_mul(1 << n_locks.min(20));
        Some(now.plus(doubled.min(self.longest_lock)))
    }
}
