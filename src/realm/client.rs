//! Registered applications of a realm.

use std::collections::BTreeSet;

use crate::base::secret::{Secret, same, sha256};
use crate::domain::entrance::Audience;
use crate::domain::factor::ScanApp;
use crate::domain::identity_type::Permissions;
use crate::jose::Algorithm;
use crate::jose::keys::PublicKeys;
use crate::realm::file::Texts;
use crate::realm::registration::{AccessTokenFormat, GrantType, Pkce};

pub struct Client {
    pub client_id: String,
    pub name: Texts,
    pub credential: Credential,
    pub redirect_uris: Vec<String>,
    pub post_logout_redirect_uris: Vec<String>,
    pub grant_types: Vec<GrantType>,
    pub scopes: BTreeSet<String>,
    /// Whose sign-ins it takes.
    pub serves: Audience,
    pub permissions: Option<Permissions>,
    pub consent: bool,
    pub pkce: Pkce,
    pub rotate_refresh_tokens: Option<bool>,
    /// Whence browsers may call the endpoints that answer them (CORS).
    pub web_origins: Vec<String>,
    pub id_token_alg: Algorithm,
    pub access_token: AccessTokenFormat,
    pub access_token_alg: Option<Algorithm>,
    pub pairwise: bool,
    /// Tokens are bound to a key or not given at all.
    pub dpop: bool,
    pub backchannel_logout_uri: Option<String>,
    pub frontchannel_logout_uri: Option<String>,
    /// Where changes of relations are sent, and what they are signed with (DEC-18).
    pub relation_events: Option<(String, Secret)>,
    /// Where security events may be pushed (SSF); a stream names no other address.
    pub event_endpoint: Option<String>,
    pub scan_app: Option<ScanApp>,
    pub userinfo_alg: Option<Algorithm>,
}

/// How a client proves itself. A secret may stand in the header or in the body (RFC 6749 §2.3.1):
/// libraries choose by themselves, and it is worth the same in either place.
pub enum Credential {
    Secret(SecretHash),
    PrivateKeyJwt(PublicKeys),
    Public,
}

/// Client secrets are random, so a plain hash keeps them; compared in constant time.
pub struct SecretHash([u8; 32]);

impl SecretHash {
    pub fn of(secret: &Secret) -> Self {
        Self(sha256(secret.expose().as_bytes()))
    }

    pub fn fits(&self, secret: &Secret) -> bool {
        same(&self.0, &sha256(secret.expose().as_bytes()))
    }
}

impl Client {
    pub fn may(&self, grant_type: GrantType) -> bool {
        self.grant_types.contains(&grant_type)
    }

    /// Whether nobody can tell it of an end but the person's browser.
    pub fn is_told_by_browser(&self) -> bool {
        self.backchannel_logout_uri.is_none() && self.frontchannel_logout_uri.is_some()
    }

    /// Whether a refresh token is replaced when it is used. Who must prove a credential, or the key that it
    /// is bound to, holds more than the token, and a thief of it has nothing (RFC 9700 §2.2.2).
    pub fn rotates(&self, is_bound_to_key: bool) -> bool {
        let is_bearer = matches!(self.credential, Credential::Public) && !is_bound_to_key;
        self.rotate_refresh_tokens.unwrap_or(is_bearer)
    }

    /// Of these permissions those that it may learn of.
    pub fn learns_of(&self, permissions: &Permissions) -> Permissions {
        match &self.permissions {
            Some(registered) => permissions.intersection(registered).cloned().collect(),
            None => permissions.clone(),
        }
    }

    /// Byte equality with a registered one; for public clients a registered loopback address
    /// without a port stands for every port (RFC 8252 §7.3).
    pub fn accepts_redirect(&self, redirect_uri: &str) -> bool {
        self.redirect_uris.iter().any(|known| {
            known == redirect_uri
                || (matches!(self.credential, Credential::Public)
                    && without_loopback_port(redirect_uri).is_some_and(|uri| uri == *known))
        })
    }
}

fn without_loopback_port(uri: &str) -> Option<String> {
    for host in ["http://127.0.0.1", "http://[::1]"] {
        if let Some(rest) = uri.strip_prefix(host).and_then(|rest| rest.strip_prefix(':')) {
            let path = rest.trim_start_matches(|c: char| c.is_ascii_digit());
            return path.starts_with('/').then(|| format!("{host}{path}"));
        }
    }
    None
}
