//! The tax bureau's own words and rules: values that cannot be wrong, state machines, decisions.
//! No input or output, nothing asynchronous; `flows` loads what is decided here and saves it.

pub mod acting;
pub mod audit;
pub mod audit_chain;
pub mod authorisation;
pub mod claims;
pub mod cross_region;
pub mod engagement;
pub mod enterprise;
pub mod entrance;
pub mod factor;
pub mod feed;
pub mod function;
pub mod hall;
pub mod help;
pub mod identity_type;
pub mod lockout;
pub mod login;
pub mod mask;
pub mod new_document;
pub mod non_resident;
pub mod notice;
pub mod number;
pub mod passkey;
pub mod password;
pub mod person;
pub mod place;
pub mod profile;
pub mod proof;
pub mod refusal;
pub mod registration;
pub mod scan;
pub mod session;
pub mod signing_key;
pub mod totp;
pub mod wanted;
