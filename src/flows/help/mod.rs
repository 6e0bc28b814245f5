//! Help for a person who cannot help themselves, by an officer at the console or an operator at the
//! command line (N-07, X-19): somebody is found and shown masked, their account locked or unlocked, their
//! sign-ins ended, a factor removed, a password expired. Every look and every act says who and why
//! (`domain::help`), stands in the audit, and the person hears of each act. Who may help is decided by
//! whoever asks; an officer is no session of a taxpayer.

mod act;
mod find;

pub use act::{end_session, end_sessions, expire_password, lock, remove_factor, unlock};
pub use find::{AccountProfile, Document, Factors, Profile, SignedIn, find, look, people};
