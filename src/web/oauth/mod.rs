//! The face for applications.

pub mod authorize;
pub mod discovery;
pub mod resource;
pub mod token;

use axum::http::{HeaderMap, header};

use crate::flows::oauth::dpop::Presented;
use crate::oidc::error::OAuthError;
use crate::oidc::params::Params;
use crate::web::request::Request;

/// The access token in the header (RFC 6750 §2.1, RFC 9449 §7.1).
pub fn presented(request: &Request) -> Option<Presented<'_>> {
    let (scheme, token) = request.authorization.as_deref()?.split_once(' ')?;
    let is_dpop = scheme.eq_ignore_ascii_case("dpop");
    let is_known = is_dpop || scheme.eq_ignore_ascii_case("bearer");
    is_known.then(|| Presented { token: token.trim(), is_dpop, shown: request.shown() })
}

/// A form body of the right type (RFC 6749 Appendix B).
pub fn form(headers: &HeaderMap, body: &[u8]) -> Result<Params, OAuthError> {
    let media_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = media_type.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err(OAuthError::request("the body is not application/x-www-form-urlencoded"));
    }
    Params::parse(body)
}
