//! Why a line of a feed was not taken.

use crate::domain::feed::Wrong;
use crate::flows::{Fault, Stop};

/// Why a line was not taken.
#[derive(Debug)]
pub enum NotTaken {
    /// It is reported, and the others go on.
    Wrong(Wrong),
    Fault(Fault),
}

impl From<Wrong> for NotTaken {
    fn from(why: Wrong) -> Self {
        Self::Wrong(why)
    }
}

impl<F: Into<Fault>> From<F> for NotTaken {
    fn from(fault: F) -> Self {
        Self::Fault(fault.into())
    }
}

/// What the rules of the relation itself refuse.
impl From<Stop> for NotTaken {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Refused(refusal) => Self::Wrong(Wrong::line(refusal.code())),
            Stop::Client(error) => Self::Wrong(Wrong::line(error.reason)),
            Stop::Fault(fault) => Self::Fault(fault),
        }
    }
}
