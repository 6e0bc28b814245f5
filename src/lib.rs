//! Hufu (虎符): single sign-on for a tax bureau. The modules stand in reading order; each may
//! import only those above it (ARCHITECTURE.md).

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
