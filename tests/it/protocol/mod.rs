pub mod authorize;
mod bad_input;
mod claims;
mod dpop;
mod hanging_up;
mod keys;
mod races;
mod realms;
mod token;
