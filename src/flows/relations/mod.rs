//! Who may act for whom: authorisations as both sides and the clock change them, all through one
//! writer. What the registry tells comes in by `flows::feed`.

pub mod back_office;
pub mod counter;
pub mod expiry;
pub mod manager;
mod naming;
pub mod person;
pub mod spent;
pub mod writer;
