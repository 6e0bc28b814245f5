//! The face for people: the sign-in pages.

pub mod authenticator;
pub mod clients;
pub mod devices;
pub mod interaction;
pub mod level;
pub mod login;
pub mod logout;
pub mod passkeys;
pub mod phone;
pub mod records;
pub mod scan;
pub mod second_factor;
pub mod settle;
pub mod view;
