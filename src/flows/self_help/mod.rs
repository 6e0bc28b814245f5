//! What people do for themselves who are not signed in: a forgotten password, a lost phone number,
//! registration. Nothing here tells whether anybody exists: not by a status, a text, a cookie or the
//! time that an answer takes.

pub mod awaited;
pub mod document;
pub mod forgotten;
pub mod lost_phone;
pub mod progress;
pub mod register;
