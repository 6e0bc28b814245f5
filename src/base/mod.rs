//! The ground floor: clock, chance, identifiers, secrets and the keys at rest. Knows nothing of
//! people, protocols or storage.

pub mod absent;
pub mod cipher;
pub mod clock;
pub mod id;
pub mod network;
pub mod random;
pub mod secret;
pub mod sm2;
pub mod suite;
