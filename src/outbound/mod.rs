//! All that we call: gateways for codes, providers of face and real-name checks, and what
//! applications register to be told at. Never called inside a database transaction.

pub mod asked;
pub mod authorities;
mod breaker;
pub mod client;
pub mod email;
pub mod error;
pub mod face;
pub mod inbox;
pub mod real_name;
mod revocation;
pub mod sandbox;
pub mod sms;
