//! Proofs of possession (RFC 9449): a JWT signed by the client's own key for one request. Who the
//! key belongs to and whether the proof was seen before is decided by `flows::oauth::dpop`.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::Deserialize;

use super::error::{ErrorCode, OAuthError};
use crate::base::secret::{same, sha256};

/// The `typ` of a proof.
pub const TYPE: &str = "dpop+jwt";
/// Seconds that a proof is good for.
pub const LIFETIME: i64 = 60;
/// How far other clocks may be ahead of ours.
const SKEW: i64 = 10;

/// RFC 9449 §4.2; integers only.
#[derive(Debug, Deserialize)]
pub struct ProofClaims {
    pub jti: String,
    pub htm: String,
    pub htu: String,
    pub iat: i64,
    pub nbf: Option<i64>,
    pub exp: Option<i64>,
    pub ath: Option<String>,
}

/// RFC 9449 §4.3, after the signature. `access_token`: the one it is shown with.
pub fn check(
    claims: &ProofClaims,
    method: &str,
    url: &str,
    access_token: Option<&str>,
    now: i64,
) -> Result<(), OAuthError> {
    let wrong = |reason| Err(OAuthError::new(ErrorCode::InvalidDpopProof, reason));
    if claims.htm != method {
        return wrong("htm is not the method");
    }
    let without_query = claims.htu.split(['?', '#']).next().unwrap_or_default();
    if without_query != url {
        return wrong("htu is not the address");
    }
    if claims.iat > now + SKEW || claims.iat <= now - LIFETIME {
        return wrong("iat is too old or ahead");
    }
    if claims.nbf.is_some_and(|from| from > now + SKEW) || claims.exp.is_some_and(|end| end <= now)
    {
        return wrong("the proof is not valid now");
    }
    if !(1..=256).contains(&claims.jti.len()) {
        return wrong("jti is missing or too long");
    }
    let wanted = access_token.map(|token| BASE64_URL_SAFE_NO_PAD.encode(sha256(token.as_bytes())));
    match (wanted, &claims.ath) {
        (Some(wanted), Some(ath)) if same(wanted.as_bytes(), ath.as_bytes()) => Ok(()),
        (Some(_), _) => wrong("ath is not the access token's"),
        (None, _) => Ok(()),
    }
}
