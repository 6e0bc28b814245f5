//! Hufu (虎符): single sign-on for a tax bureau. ARCHITECTURE.md says in which order the modules are
//! read and which may import which; here they stand by name.

pub mod base;
pub mod certificate;
pub mod cli;
pub mod config;
pub mod domain;
pub mod ephemeral;
pub mod flows;
pub mod jobs;
pub mod jose;
pub mod oidc;
pub mod outbound;
pub mod realm;
pub mod store;
pub mod telemetry;
pub mod views;
pub mod web;
