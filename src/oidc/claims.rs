//! The claims of ID tokens, access tokens (RFC 9068), logout tokens and userinfo. Times are
//! integers.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::base::secret::sha256;
use crate::base::suite::sm3;
use crate::domain::claims::TaxClaims;
use crate::domain::wanted::WantedIdentity;
use crate::jose::Algorithm;
use crate::oidc::audience::Audience;

/// The scope that gives a standard claim of the person (OIDC Core §5.4).
pub fn scope_of(claim: &str) -> Option<&'static str> {
    BY_SCOPE.iter().find(|(known, _)| *known == claim).map(|(_, scope)| *scope)
}

/// Each claim that a scope gives, and the scope.
pub const BY_SCOPE: [(&str, &str); 16] = [
    ("name", "profile"),
    ("family_name", "profile"),
    ("given_name", "profile"),
    ("preferred_username", "profile"),
    ("gender", "profile"),
    ("zoneinfo", "profile"),
    ("locale", "profile"),
    ("updated_at", "profile"),
    ("email", "email"),
    ("email_verified", "email"),
    ("phone_number", "phone"),
    ("phone_number_verified", "phone"),
    ("address", "address"),
    ("tax_identity", "tax_identity"),
    ("roles", "tax_identity"),
    ("permissions", "tax_identity"),
];

/// What an ID token says without being asked.
pub const OF_EVERY_TOKEN: [&str; 11] =
    ["iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "sid", "at_hash"];

/// The `acr` of a real-name level.
pub fn acr(level: u8) -> String {
    format!("urn:hufu:realname:{level}")
}

/// The level that an `acr` of ours names.
pub fn level(acr: &str) -> Option<u8> {
    acr.strip_prefix("urn:hufu:realname:")?.parse().ok()
}

#[derive(Debug, Serialize, Deserialize)]
pub struct IdClaims {
    pub iss: String,
    pub sub: String,
    pub aud: String,
    pub exp: i64,
    pub iat: i64,
    pub auth_time: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    pub acr: String,
    pub amr: Vec<String>,
    pub sid: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_hash: Option<String>,
    /// Claims of identity and person, by scope and by name.
    #[serde(flatten)]
    pub about: Map<String, Value>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AccessClaims {
    pub iss: String,
    pub sub: String,
    /// The APIs that it is for (RFC 9068 §3); without any, the client that it was issued to.
    pub aud: Audience,
    pub client_id: String,
    pub exp: i64,
    pub iat: i64,
    /// `<grant>.<random>`; without a dot when no person stands behind it.
    pub jti: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub scope: String,
    /// The key that must be shown beside the token (RFC 7800, RFC 9449 §6).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cnf: Option<Confirmation>,
    /// What was granted of what was asked for (RFC 9396 §7, §9).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authorization_details: Vec<WantedIdentity>,
    #[serde(flatten)]
    pub person: Option<PersonClaims>,
    #[serde(flatten)]
    pub tax: Option<TaxClaims>,
}

impl AccessClaims {
    /// For our own interfaces, and for no API: nobody who was shown it there can use it here.
    pub fn is_for_us(&self) -> bool {
        let is_clients_own = matches!(&self.aud, Audience::One(only) if *only == self.client_id);
        is_clients_own || self.aud.holds(&self.iss)
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Confirmation {
    /// Thumbprint of the key (RFC 7638).
    pub jkt: String,
}

/// What an access token says of the person's sign-in.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PersonClaims {
    pub auth_time: i64,
    pub acr: String,
    pub amr: Vec<String>,
    pub sid: String,
}

/// OIDC Core §3.1.3.6: the left half of the hash of the ID token's algorithm; `EdDSA` names none.
pub fn at_hash(algorithm: Algorithm, access_token: &str) -> Option<String> {
    let hash = match algorithm {
        Algorithm::ES256 | Algorithm::RS256 | Algorithm::PS256 => sha256(access_token.as_bytes()),
        Algorithm::Sm2 => sm3(access_token.as_bytes()),
        Algorithm::EdDSA => return None,
    };
    Some(BASE64_URL_SAFE_NO_PAD.encode(&hash[..16]))
}

/// OIDC Back-Channel Logout §2.4.
pub fn logout_claims(
    issuer: &str,
    client_id: &str,
    subject: &str,
    sid: &str,
    now: i64,
    jti: &str,
) -> Value {
    json!({
        "iss": issuer, "aud": client_id, "sub": subject, "sid": sid,
        "iat": now, "exp": now + 120, "jti": jti,
        "events": {"http://schemas.openid.net/event/backchannel-logout": {}}
    })
}
