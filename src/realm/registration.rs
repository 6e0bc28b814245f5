//! `clients/*.toml`: how an application is registered. Names are those of the registration standards
//! (OIDC Dynamic Client Registration §2) where they have one.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::entrance::Audience;
use crate::domain::factor::ScanApp;
use crate::jose::Algorithm;
use crate::realm::file::{ProviderFile, SecretRef, Texts};

/// `clients/*.toml`
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientFile {
    pub client_id: String,
    pub name: Texts,
    pub token_endpoint_auth_method: AuthMethod,
    pub secret: Option<SecretRef>,
    /// A JSON Web Key Set, for `private_key_jwt`.
    pub jwks: Option<String>,
    #[serde(default)]
    pub redirect_uris: Vec<String>,
    #[serde(default)]
    pub post_logout_redirect_uris: Vec<String>,
    #[serde(default = "code_and_refresh")]
    pub grant_types: Vec<GrantType>,
    pub scopes: Vec<String>,
    /// Whose sign-ins it takes; absent: tax.
    #[serde(default)]
    pub serves: Audience,
    /// Permissions this application may learn of; absent: all.
    pub permissions: Option<Vec<String>>,
    /// Ask the person before scopes are given; off for the bureau's own applications.
    #[serde(default = "yes")]
    pub consent: bool,
    #[serde(default)]
    pub pkce: Pkce,
    /// A refresh token is replaced at each use; absent: where the client proves neither a credential
    /// nor a key.
    pub rotate_refresh_tokens: Option<bool>,
    /// Whence browsers may call us (CORS); absent: for a public client the origins of its redirect
    /// URIs, for others none.
    pub web_origins: Option<Vec<String>>,
    /// Every relying party must know RS256 (OIDC Core §15.1).
    #[serde(default = "rs256")]
    pub id_token_signed_response_alg: Algorithm,
    #[serde(default)]
    pub access_token: AccessTokenFormat,
    /// What JWT access tokens are signed with; absent: the realm's first algorithm.
    pub access_token_signing_alg: Option<Algorithm>,
    #[serde(default)]
    pub pairwise: bool,
    /// Its tokens must be bound to a key of the client's device (RFC 9449).
    #[serde(default)]
    pub dpop: bool,
    pub backchannel_logout_uri: Option<String>,
    /// For applications that can only be told through the person's browser.
    pub frontchannel_logout_uri: Option<String>,
    /// Where changes of relations are sent, signed (DEC-18).
    pub relation_events: Option<ProviderFile>,
    /// Where its stream of security events may be pushed (Shared Signals).
    pub event_endpoint: Option<String>,
    /// Whose phone application this client is the server of; it may speak for its people.
    pub scan_app: Option<ScanApp>,
    pub userinfo_signed_response_alg: Option<Algorithm>,
}

fn code_and_refresh() -> Vec<GrantType> {
    vec![GrantType::AuthorizationCode, GrantType::RefreshToken]
}

fn yes() -> bool {
    true
}

fn rs256() -> Algorithm {
    Algorithm::RS256
}

/// Whether a code is bound to the one who asked for it (RFC 7636).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Pkce {
    #[default]
    Required,
    /// For a confidential client whose library cannot.
    Optional,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuthMethod {
    ClientSecretBasic,
    ClientSecretPost,
    PrivateKeyJwt,
    None,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GrantType {
    AuthorizationCode,
    RefreshToken,
    ClientCredentials,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AccessTokenFormat {
    #[default]
    Jwt,
    Opaque,
}

/// Keys by the names that they had before, which are still read.
pub const FORMER_KEYS: [(&str, &str); 5] = [
    ("auth_method", "token_endpoint_auth_method"),
    ("id_token_alg", "id_token_signed_response_alg"),
    ("userinfo_alg", "userinfo_signed_response_alg"),
    ("access_token_alg", "access_token_signing_alg"),
    ("audience", "serves"),
];
