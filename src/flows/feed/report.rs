//! How lines are written, and what is told about them afterwards.

use serde::Serialize;

use crate::domain::feed::Wrong;

/// How the lines of a file are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// One JSON object a line.
    JsonLines,
    /// A table whose first row names the fields; several values in a cell stand between blanks.
    Csv,
}

/// What became of the lines.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    pub applied: u64,
    /// This version or a newer one was known.
    pub unchanged: u64,
    pub failed: Vec<ReportedLine>,
    /// Of lines that were taken: what of them was not followed.
    pub remarks: Vec<ReportedLine>,
}

#[derive(Debug, Serialize)]
pub struct ReportedLine {
    /// Counted from one.
    pub line: u64,
    #[serde(flatten)]
    pub why: Wrong,
}

/// How many lines have become what.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Totals {
    pub applied: u64,
    pub unchanged: u64,
    pub failed: u64,
    /// Of those that were applied.
    pub remarked: u64,
}
