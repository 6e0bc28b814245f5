//! The one test binary: `kit` starts the program, the other modules tell stories about it.

mod domain;
mod store;
mod tidy;
