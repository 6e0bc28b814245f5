//! What a client presents to prove itself (RFC 6749 §2.3, RFC 7523). Whether it is right is
//! decided by `flows::oauth::clients`, which knows the registration.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;

use super::audience::Audience;
use super::error::OAuthError;
use super::params::Params;
use crate::base::secret::Secret;

/// The value of `client_assertion_type`.
pub const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

pub enum Presented {
    Basic { client_id: String, secret: Secret },
    Post { client_id: String, secret: Secret },
    Assertion { client_id: Option<String>, assertion: String },
    Nothing { client_id: String },
}

impl Presented {
    /// As it is offered; an assertion may leave it to its own claims.
    pub fn client_id(&self) -> Option<&str> {
        match self {
            Self::Basic { client_id, .. }
            | Self::Post { client_id, .. }
            | Self::Nothing { client_id } => Some(client_id),
            Self::Assertion { client_id, .. } => client_id.as_deref(),
        }
    }
}

/// Claims of a client assertion; integers only, whatever else stands there is refused.
#[derive(Debug, Deserialize)]
pub struct AssertionClaims {
    pub iss: String,
    pub sub: String,
    pub aud: Audience,
    pub exp: i64,
    pub nbf: Option<i64>,
    pub jti: Option<String>,
}

/// One method at a time (RFC 6749 §2.3).
pub fn presented(authorization: Option<&str>, params: &Params) -> Result<Presented, OAuthError> {
    let in_body = params.get("client_id");
    let secret = params.get("client_secret");
    let assertion = params.get("client_assertion");
    let n_methods = [authorization.is_some(), secret.is_some(), assertion.is_some()];
    if n_methods.iter().filter(|used| **used).count() > 1 {
        return Err(OAuthError::request("more than one way of client authentication"));
    }
    if let Some(header) = authorization {
        let (client_id, secret) = basic(header)?;
        if in_body.is_some_and(|named| named != client_id) {
            return Err(OAuthError::request("client_id differs from the header's"));
        }
        return Ok(Presented::Basic { client_id, secret });
    }
    if let Some(assertion) = assertion {
        if params.get("client_assertion_type") != Some(JWT_BEARER) {
            return Err(OAuthError::client("client_assertion_type is not jwt-bearer"));
        }
        let (client_id, assertion) = (in_body.map(str::to_owned), assertion.to_owned());
        return Ok(Presented::Assertion { client_id, assertion });
    }
    let client_id = in_body.ok_or_else(|| OAuthError::client("no client authentication"))?;
    Ok(match secret {
        Some(secret) => Presented::Post {
            client_id: client_id.to_owned(),
            secret: Secret::new(secret.to_owned()),
        },
        None => Presented::Nothing { client_id: client_id.to_owned() },
    })
}

/// RFC 6749 §2.3.1: both halves are form-encoded before they are joined.
fn basic(header: &str) -> Result<(String, Secret), OAuthError> {
    let malformed = || OAuthError::client("the Authorization header is malformed");
    let (scheme, rest) = header.split_once(' ').ok_or_else(malformed)?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(malformed());
    }
    let bytes = BASE64_STANDARD.decode(rest.trim()).map_err(|_| malformed())?;
    let text = String::from_utf8(bytes).map_err(|_| malformed())?;
    let (client_id, secret) = text.split_once(':').ok_or_else(malformed)?;
    Ok((form_decode(client_id), Secret::new(form_decode(secret))))
}

/// What somebody has not encoded stands for itself: only `%XX` and `+` are read.
fn form_decode(text: &str) -> String {
    let whole = text.replace('&', "%26").replace('=', "%3D");
    form_urlencoded::parse(whole.as_bytes())
        .next()
        .map(|(name, _)| name.into_owned())
        .unwrap_or_default()
}
