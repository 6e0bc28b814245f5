//! The agent, driven as pages drive it: over its sockets.

mod attacks;
mod challenge;
mod config;
mod guards;
mod kit;
mod pins;
mod pkcs11;
mod ports;
mod program;
mod robust;
mod sessions;
mod signing;
mod skf;
mod window;
