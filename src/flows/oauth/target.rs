//! What an access token for certain APIs looks like (RFC 9068): its audience, form and lifetime, and
//! how much of the identity's permissions it tells. Which APIs they are, `oidc::resource` decides.

use crate::domain::identity_type::Permissions;
use crate::jose::Algorithm;
use crate::oidc::audience::Audience;
use crate::oidc::error::{ErrorCode, OAuthError};
use crate::oidc::resource::Resources;
use crate::realm::Realm;
use crate::realm::client::Client;
use crate::realm::registration::AccessTokenFormat;
use crate::realm::resource::Resource;

pub struct Target {
    pub audience: Audience,
    pub format: AccessTokenFormat,
    /// `None`: nobody has chosen one, the first of the realm's that signs.
    pub algorithm: Option<Algorithm>,
    /// Seconds.
    pub lifetime: i64,
    /// The permissions that it may tell; `None`: all.
    pub permissions: Option<Permissions>,
}

impl Target {
    /// Without an API: the client itself, in the form of its registration, good at our own interfaces.
    fn of_client(realm: &Realm, client: &Client) -> Self {
        Self {
            audience: Audience::One(client.client_id.clone()),
            format: client.access_token,
            algorithm: client.access_token_alg,
            lifetime: realm.lifetimes.access_token,
            permissions: client.permissions.clone(),
        }
    }

    /// APIs share a token only where it has one form for all of them; it lives as long as the shortest.
    pub fn of(realm: &Realm, client: &Client, resources: Resources) -> Result<Self, OAuthError> {
        let wrong = |reason| Err(OAuthError::new(ErrorCode::InvalidTarget, reason));
        let mut target = Self::of_client(realm, client);
        if resources.is_empty() {
            return Ok(target);
        }
        let mut apis = Vec::new();
        for name in resources.iter().filter(|name| **name != realm.issuer) {
            // The files may have changed since it was granted.
            match realm.resources.get(name) {
                Some(api) if api.may_be_asked_for_by(&client.client_id) => apis.push(api),
                _ => return wrong("the resource is not for this client any more"),
            }
        }
        if let Some(first) = apis.first() {
            let algorithm = |api: &Resource| api.access_token_alg.unwrap_or(realm.algorithm());
            let form = |api: &&Resource| (api.access_token, algorithm(api));
            if apis.iter().any(|api| form(api) != form(first)) {
                return wrong("these resources take different tokens: name one at a time");
            }
            target.format = first.access_token;
            target.algorithm = apis.iter().find_map(|api| api.access_token_alg);
        }
        let lifetimes = apis.iter().map(|api| api.access_token_lifetime);
        let ours = resources.contains(&realm.issuer).then_some(target.lifetime);
        target.lifetime = lifetimes.chain(ours).min().unwrap_or(target.lifetime);
        target.audience = Audience::of(resources);
        target.permissions = told(realm, client, &target.audience);
        Ok(target)
    }
}

/// The permissions that a token for these APIs may tell: what the client may learn of and one of them
/// understands; `None`: all.
pub fn told(realm: &Realm, client: &Client, audience: &Audience) -> Option<Permissions> {
    let apis: Vec<&Resource> =
        audience.iter().filter_map(|name| realm.resources.get(name)).collect();
    let all: Option<Vec<&Permissions>> = apis.iter().map(|api| api.permissions.as_ref()).collect();
    let understood = all.filter(|all| !all.is_empty());
    let understood = understood.map(|all| all.into_iter().flatten().cloned().collect());
    within(client.permissions.as_ref(), understood.as_ref())
}

/// What both allow; `None` is all.
pub fn within(one: Option<&Permissions>, other: Option<&Permissions>) -> Option<Permissions> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.intersection(other).cloned().collect()),
        (one, other) => one.or(other).cloned(),
    }
}
