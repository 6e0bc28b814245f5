//! `certificates.toml`: which authorities' certificates sign enterprises in, where they say whose they
//! are, and how it is known that one was revoked. Without the file no certificate does.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::certificate;
use crate::domain::factor::KeyStorage;
use crate::realm::file::Link;
use crate::realm::texts::Texts;

/// `certificates.toml`
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CertificatesFile {
    pub authority: Vec<AuthorityFile>,
    /// Where people find the key agent and the drivers of their tokens (C-04).
    #[serde(default)]
    pub downloads: Vec<Link>,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AuthorityFile {
    /// What the registry's feed and the audit call it: small letters, digits and hyphens.
    #[schemars(regex(pattern = r"^[a-z0-9][a-z0-9-]{0,39}$"))]
    pub id: String,
    pub name: Texts,
    /// PEM files beside `realm.toml`: whom everything rests on.
    pub anchors: Vec<String>,
    /// The same of authorities below them, which tokens often leave out.
    #[serde(default)]
    pub between: Vec<String>,
    /// Where the enterprise's number stands: `ext:<oid>`, `subject:<CN|O|OU|serialNumber|oid>`.
    pub number: String,
    /// A regular expression that fits the whole value; its one group is the number. Absent: the value is.
    pub number_pattern: Option<String>,
    /// Addresses of revocation lists (RFC 5280). They are signed, so plain http will do.
    #[serde(default)]
    pub crl: Vec<String>,
    /// The address of an OCSP responder (RFC 6960), which is asked before the lists.
    pub ocsp: Option<String>,
    /// What becomes of a certificate of which nobody says whether it was revoked.
    #[serde(default)]
    pub revocation: Revocation,
    /// Whether its keys are always in tokens (`hwk`) or may be files (`swk`, RFC 8176).
    #[serde(default)]
    pub keys: KeyStorage,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Revocation {
    /// It is refused.
    #[default]
    Hard,
    /// It is taken, and the log says so.
    Soft,
}

/// An authority, checked.
pub struct Authority {
    pub id: String,
    pub name: Texts,
    pub rules: certificate::Authority,
    pub crl: Vec<String>,
    pub ocsp: Option<String>,
    pub revocation: Revocation,
    pub keys: KeyStorage,
}

/// All of the file, checked; empty without one.
#[derive(Default)]
pub struct Certificates {
    pub authorities: Vec<Authority>,
    pub downloads: Vec<Link>,
}

impl Certificates {
    /// Whether anybody signs in by certificate.
    pub fn are_taken(&self) -> bool {
        !self.authorities.is_empty()
    }

    pub fn authority(&self, id: &str) -> Option<&Authority> {
        self.authorities.iter().find(|known| known.id == id)
    }
}
