//! The one test binary: `kit` starts the program, the other modules tell stories about it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod domain;
mod store;
mod tidy;
