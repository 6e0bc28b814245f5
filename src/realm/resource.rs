//! `resources/*.toml`: the APIs that access tokens are made for (RFC 8707, RFC 9068), one file each.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::identity_type::Permissions;
use crate::jose::Algorithm;
use crate::realm::file::Texts;
use crate::realm::registration::AccessTokenFormat;

/// `resources/*.toml`
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ResourceFile {
    /// What clients send as `resource` and the API finds in `aud`: an absolute URI, compared as text.
    pub identifier: String,
    pub name: Texts,
    /// The permissions that it understands, of which its tokens speak; absent: all.
    pub permissions: Option<Vec<String>>,
    /// `jwt`, which it checks by itself (RFC 9068), or `opaque`, which it asks us about.
    #[serde(default)]
    pub access_token: AccessTokenFormat,
    /// What JWTs are signed with; absent: the realm's first algorithm.
    pub access_token_signing_alg: Option<Algorithm>,
    /// Seconds; absent: the realm's.
    #[schemars(range(min = 30, max = 86400))]
    pub access_token_lifetime: Option<i64>,
    /// The clients that may ask for its tokens; absent: every client.
    pub clients: Option<Vec<String>>,
    /// The confidential clients that are this API: with their credentials it asks what a token that is
    /// for it is worth (RFC 7662).
    #[serde(default)]
    pub introspected_by: Vec<String>,
}

/// An API of the realm, checked.
pub struct Resource {
    pub identifier: String,
    pub name: Texts,
    /// `None`: it understands all.
    pub permissions: Option<Permissions>,
    pub access_token: AccessTokenFormat,
    /// `None`: the first of the realm's that signs.
    pub access_token_alg: Option<Algorithm>,
    pub access_token_lifetime: i64,
    clients: Option<Vec<String>>,
    introspected_by: Vec<String>,
}

impl Resource {
    /// `lifetime`: the realm's.
    pub fn of(file: &ResourceFile, lifetime: i64) -> Self {
        Self {
            identifier: file.identifier.clone(),
            name: file.name.clone(),
            permissions: file.permissions.as_ref().map(|list| list.iter().cloned().collect()),
            access_token: file.access_token,
            access_token_alg: file.access_token_signing_alg,
            access_token_lifetime: file.access_token_lifetime.unwrap_or(lifetime),
            clients: file.clients.clone(),
            introspected_by: file.introspected_by.clone(),
        }
    }

    pub fn may_be_asked_for_by(&self, client_id: &str) -> bool {
        self.clients.as_ref().is_none_or(|clients| clients.iter().any(|one| one == client_id))
    }

    pub fn is(&self, client_id: &str) -> bool {
        self.introspected_by.iter().any(|one| one == client_id)
    }
}
