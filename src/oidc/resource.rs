//! Which APIs an access token is asked for (RFC 8707): what may be asked, and what of a grant one
//! token takes. What such a token looks like is `flows::oauth::target`'s.

use std::collections::BTreeSet;

use crate::oidc::error::{ErrorCode, OAuthError};
use crate::oidc::params::Params;

/// Identifiers of APIs, as they are registered.
pub type Resources = BTreeSet<String>;

/// RFC 8707 §2: absolute URIs without a fragment. They are compared as text, so that one identifier
/// is written in one way.
pub fn asked(params: &Params, may_ask: impl Fn(&str) -> bool) -> Result<Resources, OAuthError> {
    let wrong = |reason| Err(OAuthError::new(ErrorCode::InvalidTarget, reason));
    let mut resources = Resources::new();
    for resource in params.resources() {
        if resource.contains('#') {
            return wrong("a resource has no fragment");
        }
        if !may_ask(resource) {
            return wrong("the resource is unknown or not for this client");
        }
        resources.insert(resource.to_owned());
    }
    Ok(resources)
}

/// RFC 8707 §2.2: all that was granted, or the part of it that is named. `ours`: the issuer, for our
/// own interfaces, which whoever is signed in may use.
pub fn narrowed(granted: Resources, asked: Resources, ours: &str) -> Result<Resources, OAuthError> {
    if asked.is_empty() {
        return Ok(granted);
    }
    if asked.iter().all(|one| granted.contains(one) || one == ours) {
        return Ok(asked);
    }
    let reason = "the resource was not asked for with the authorization";
    Err(OAuthError::new(ErrorCode::InvalidTarget, reason))
}
