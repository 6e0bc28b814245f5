//! Use cases: load, decide, save. What is not done leaves by [`Stop`]: a transaction that is dropped
//! is rolled back, so a refusal leaves nothing behind but what was committed by name (failures that
//! are counted, attempts that are logged). Flows that cannot refuse say so: their `Err` is a [`Fault`].

pub mod aside;
pub mod centre;
pub mod certificate;
mod ctx;
pub mod feed;
pub mod hall;
pub mod hashing;
pub mod help;
pub mod identity;
pub mod key_ring;
pub mod keys;
pub mod limits;
pub mod non_resident;
pub mod notify;
pub mod oauth;
pub mod officer;
pub mod people;
pub mod relations;
pub mod round;
pub mod self_help;
pub mod sign_in;
mod stop;
pub mod versions;

pub use ctx::{Ctx, Secrets, Services};
pub use stop::{Answered, Fault, Shown, Stop, unannounced};
