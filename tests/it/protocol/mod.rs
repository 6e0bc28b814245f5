pub mod authorize;
mod bad_input;
mod claims;
mod dpop;
mod keys;
mod races;
mod realms;
mod token;
