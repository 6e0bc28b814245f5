//! Where the bureau's officers work: as it is written, and checked.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::passkey::RelyingParty;

/// The officers' console, apart from the pages of taxpayers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConsoleFile {
    /// `https://…` without a path: where officers reach `console_listen`. Its host is not the issuer's.
    pub origin: String,
    /// Seconds without a request after which an officer is signed out.
    #[serde(default = "console_idle")]
    #[schemars(range(min = 120, max = 3600))]
    pub idle: i64,
    /// Seconds after which an officer signs in again in any case.
    #[serde(default = "console_longest")]
    #[schemars(range(min = 600, max = 43200))]
    pub longest: i64,
}

fn console_idle() -> i64 {
    900
}

fn console_longest() -> i64 {
    28_800
}

/// Where officers work.
pub struct Console {
    /// Scheme, host and port, without a slash.
    pub origin: String,
    pub passkeys: RelyingParty,
    /// Seconds: without a request, and in all.
    pub idle: i64,
    pub longest: i64,
}
