//! Certificates: whether one is what it says, by pure functions. Parses, builds a path to a trusted
//! authority (RFC 5280 §6, national algorithms included), reads revocation lists and OCSP answers,
//! takes the enterprise's number out, and verifies the signature under a challenge.
//!
//! No I/O and no clock of its own: the flows fetch, hand in what is to be judged and the time. Which
//! authorities a realm trusts is `realm`'s; whose enterprise it is, is the flows'.

mod authority;
pub mod challenge;
mod crl;
mod distrust;
mod extension;
mod key;
mod name;
pub mod number;
pub mod ocsp;
mod parsed;
mod path;
mod scope;

pub use authority::Authority;
pub use crl::Crl;
pub use distrust::{Distrust, Doubt, Untrusted};
pub use key::Kind;
pub use parsed::Certificate;
pub use path::{Path, Trust, check_authority, worse};
