//! What applications ask: authorization, tokens, what a token is worth, sign-out. The protocol's own
//! rules are `oidc`'s.

pub mod asked;
pub mod asking;
pub mod authorize;
pub mod clients;
pub mod code;
pub mod dpop;
pub mod explain;
pub mod hints;
pub mod logout;
pub mod looked;
pub mod person_claims;
pub mod resource;
pub mod standing;
pub mod subject;
pub mod target;
pub mod token;
