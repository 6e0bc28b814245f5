//! What applications and people are told: queued in the transaction of the fact itself, brought
//! afterwards with patience.

pub mod cause;
pub mod deliver;
pub mod mail;
pub mod person;
pub mod streams;
pub mod tell;
