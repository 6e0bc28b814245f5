//! A grant as it stands now: with session, account and identity, and what the authorization machine
//! kept with it.

use std::collections::BTreeMap;

use crate::domain::acting::ActingIdentity;
use crate::flows::identity::load;
use crate::flows::{Ctx, Fault};
use crate::oidc::error::OAuthError;
use crate::oidc::scope::Scopes;
use crate::store::grants::{GrantState, StoredGrant};
use crate::store::standing::StandingGrant;

/// Grant, session, account and identity as they are now; the reason is the log's.
pub fn still_good(ctx: &Ctx, found: &StandingGrant) -> Result<ActingIdentity, OAuthError> {
    let (now, grant) = (ctx.now(), &found.grant);
    if matches!(grant.state, GrantState::Revoked { .. }) || grant.expires_at <= now {
        return Err(OAuthError::grant("the grant has ended"));
    }
    let client = ctx.realm.clients.get(&grant.client_id);
    let may_offline = || client.is_some_and(|client| client.scopes.contains("offline_access"));
    let offline = || Scopes::parse(&grant.scope).has("offline_access") && may_offline();
    if found.session_ended_at.is_some() || (found.session_expires_at <= now && !offline()) {
        return Err(OAuthError::grant("the session has ended"));
    }
    let standing = &found.standing;
    if !standing.is_account_open {
        return Err(OAuthError::grant("the account is cancelled or locked"));
    }
    match load::of(ctx, grant.person, grant.acting, standing.held.clone()) {
        Ok(identity) if grant.permissions.is_subset(&identity.permissions()) => Ok(identity),
        Ok(_) => Err(OAuthError::grant("the permissions have been narrowed")),
        Err(_) => Err(OAuthError::grant("the identity has ended")),
    }
}

/// What the authorization machine kept with a grant.
pub fn extensions(grant: &StoredGrant) -> Result<BTreeMap<String, String>, Fault> {
    serde_json::from_str(&grant.extensions).map_err(|error| Fault::Internal(error.to_string()))
}
