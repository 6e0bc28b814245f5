//! From a number and a password, a scan or a passkey to a session, and to a higher proof within one.

pub mod card;
pub mod credentials;
pub mod factor;
pub mod facts;
pub mod guesses;
pub mod level;
pub mod log;
pub mod lower;
pub mod new_document;
pub mod password;
pub mod personal_id;
pub mod scan;
pub mod session;
pub mod step_up;
pub mod steps;
pub mod throttle;
pub mod transaction;
pub mod typed;
