//! The key agent: a small program on a person's own computer that lets the bureau's pages ask the
//! token in its USB port for one kind of signature. It speaks `kagent/1` on the loopback addresses.
//!
//! Read `protocol` first (what is asked, what is signed), then `guards` (who may ask), `server`
//! (the way through one request), `tokens` (what is done with a token, one call after the other).
//! The bureau's server believes nothing of what is said here: it recomputes what was signed.

pub mod agent;
pub mod backend;
pub mod certificate;
pub mod config;
pub mod guards;
pub mod peer;
pub mod pin;
pub mod protocol;
pub mod server;
pub mod sessions;
pub mod signature;
pub mod token_thread;
pub mod tokens;
pub mod tries;
