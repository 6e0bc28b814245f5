//! The face for applications.

pub mod authorize;
pub mod discovery;
pub mod resource;
pub mod token;

use crate::flows::oauth::dpop::Presented;
use crate::web::request::Request;

/// The access token in the header (RFC 6750 §2.1, RFC 9449 §7.1).
pub fn presented(request: &Request) -> Option<Presented<'_>> {
    let (scheme, token) = request.authorization.as_deref()?.split_once(' ')?;
    let is_dpop = scheme.eq_ignore_ascii_case("dpop");
    let is_known = is_dpop || scheme.eq_ignore_ascii_case("bearer");
    let token = Some(token.trim()).filter(|token| is_known && !token.is_empty())?;
    Some(Presented { token, is_dpop, shown: request.shown() })
}
