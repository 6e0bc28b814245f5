//! The one test binary: `kit` starts the program, the other modules tell stories about it.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on should stop"
)]

pub mod account;
mod at_rest;
mod at_rest_keys;
mod audit;
mod certificate;
mod console;
mod cutter;
mod domain;
mod ephemeral;
mod face;
mod feed;
mod fuzz;
mod help;
mod hostile;
mod journey;
mod kit;
mod login;
mod nodes;
mod non_resident;
mod operations;
mod outbound;
mod own_pages;
mod pages;
mod protocol;
mod realm;
mod recovery;
mod registration;
mod relying_parties;
mod stock;
mod store;
mod tidy;
mod two_realms;
mod values;
