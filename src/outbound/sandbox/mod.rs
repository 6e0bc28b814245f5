//! Providers as the demo and the tests play them.

pub mod face;
pub mod names;
