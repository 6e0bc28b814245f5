//! OpenID Connect and OAuth 2 as pure functions over loaded values. oxide-auth's state machines
//! decide the grants ([`engine`]); we speak: parameters, errors, claims, documents.

pub mod audience;
pub mod authorize;
pub mod claims;
pub mod client_auth;
pub mod discovery;
pub mod dpop;
pub mod engine;
pub mod error;
pub mod needs;
pub mod params;
pub mod requested;
pub mod resource;
pub mod scope;
mod unique;
