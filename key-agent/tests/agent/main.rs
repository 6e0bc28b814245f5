//! The agent, driven as pages drive it: over its sockets.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]
#![expect(clippy::unnecessary_debug_formatting, reason = "a path in quotes is a string of TOML")]

mod attacks;
mod challenge;
mod config;
mod guards;
mod kit;
mod package;
mod peer;
mod pins;
mod pkcs11;
mod ports;
mod program;
mod robust;
mod sessions;
mod signing;
mod skf;
mod window;
