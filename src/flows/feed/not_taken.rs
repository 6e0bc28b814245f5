//! What became of a line of a feed: its row, or why it was not taken.

use uuid::Uuid;

use crate::domain::feed::Wrong;
use crate::flows::{Fault, Stop};

/// What became of a line.
pub enum Outcome {
    /// With what of it was not followed, and why.
    Applied(Vec<Wrong>),
    /// This version or a newer one was known.
    Unchanged,
    Failed(Wrong),
}

/// A line that was taken.
pub struct Saved {
    pub target: Uuid,
    /// What of it was not followed, and why.
    pub remarks: Vec<Wrong>,
}

impl From<Uuid> for Saved {
    fn from(target: Uuid) -> Self {
        Self { target, remarks: Vec::new() }
    }
}

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
