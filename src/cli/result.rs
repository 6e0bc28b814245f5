//! How a command ends, and how it speaks.

use std::fmt::Display;
use std::io::{ErrorKind, Write};

pub type Failure = Box<dyn std::error::Error + Send + Sync>;

pub type CliResult = Result<(), Failure>;

/// One line for whoever reads; an error when nobody does any more (`hufu audit … | head -1`).
pub fn say(line: impl Display) -> std::io::Result<()> {
    writeln!(std::io::stdout(), "{line}")
}

/// The same as JSON where a machine reads, one object a line.
pub fn tell(json: bool, shape: &serde_json::Value, text: impl Display) -> std::io::Result<()> {
    match json {
        true => say(shape),
        false => say(text),
    }
}

/// One line beside the result. Where it cannot be written, nobody would read of that either.
pub fn remark(line: impl Display) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Whether a command ended because nobody reads any more.
pub fn is_closed_pipe(failure: &Failure) -> bool {
    let error = failure.downcast_ref::<std::io::Error>();
    error.is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
}
