//! sea-orm entities, one a table, in the shape of `migrations/`. Nobody outside `store` imports them.

pub mod access_token;
pub mod account;
pub mod agent_assignment;
pub mod agreement_acceptance;
pub mod audit;
pub mod audit_head;
pub mod authenticator;
pub mod authorisation;
pub mod authorisation_event;
pub mod consent;
pub mod engagement;
pub mod enterprise;
pub mod enterprise_number;
pub mod identity_document;
pub mod login_log;
pub mod logout_delivery;
pub mod oauth_grant;
pub mod person;
pub mod phone_binding;
pub mod realm_version;
pub mod recovery_code;
pub mod refresh_token;
pub mod revoked_token;
pub mod session;
pub mod session_client;
pub mod signing_key;
