//! An authorization request, read and bound to its client: what it asks, what it would come to be a
//! grant of, and where a refusal goes.

use std::sync::Arc;

use crate::domain::acting::ActingIdentity;
use crate::domain::session::Session;
use crate::flows::keys::signs_for;
use crate::flows::oauth::asking;
use crate::flows::oauth::code;
use crate::flows::{Ctx, Fault, unannounced};
use crate::oidc::authorize::{
    ANSWERED, AuthorizeRequest, Destination, KNOWN, LONGEST, Registered, check, destination,
};
use crate::oidc::engine::{Bound, bind};
use crate::oidc::error::{ErrorCode, OAuthError};
use crate::oidc::params::Params;
use crate::oidc::scope::Scopes;
use crate::realm::Realm;
use crate::realm::client::Client;
use crate::realm::registration::{GrantType, Pkce};
use crate::store::grants::StoredGrant;

pub struct Asked {
    pub params: Params,
    pub client: Arc<Client>,
    pub request: AuthorizeRequest,
    bound: Bound,
}

/// What is no request of a client's.
pub enum Unasked {
    /// Not to be sent anywhere: a page.
    Page(OAuthError),
    /// To the client, in its response mode.
    Error(Destination, OAuthError),
}

impl Asked {
    /// All that the client would learn.
    pub fn scope(&self) -> Scopes {
        self.bound.scope.and(&self.request.claims.scopes())
    }

    /// What is agreed to: that, and the APIs that the client would use in the person's name.
    pub fn agreed(&self, realm: &Realm) -> Scopes {
        let apis = self.request.resources.iter().filter(|name| **name != realm.issuer);
        let apis: Vec<&str> = apis.map(String::as_str).collect();
        self.scope().and(&Scopes::parse(&apis.join(" ")))
    }

    pub fn grant(
        &self,
        ctx: &Ctx,
        session: &Session,
        identity: &ActingIdentity,
    ) -> Result<StoredGrant, Fault> {
        code::grant(ctx, (&self.client, &self.request, &self.bound), session, identity)
    }
}

pub fn read(ctx: &Ctx, params: Params) -> Result<Asked, Box<Unasked>> {
    asking::with(&params, None);
    let page = |reason| Box::new(Unasked::Page(OAuthError::request(reason)));
    let params = params.only(&KNOWN);
    let client_id = params.get("client_id").ok_or_else(|| page("client_id is missing"))?;
    let client = ctx.realm.clients.get(client_id).ok_or_else(|| page("client_id is unknown"))?;
    let client = Arc::clone(client);
    let destination = destination(&params, |uri| client.accepts_redirect(uri))
        .map_err(|error| Box::new(Unasked::Page(error)))?;
    let to_client = |error| Box::new(Unasked::Error(destination.clone(), error));
    if params.length() > LONGEST {
        return Err(to_client(OAuthError::request("the request is too long")));
    }
    if !client.may(GrantType::AuthorizationCode) {
        let error = OAuthError::new(ErrorCode::UnauthorizedClient, "the client may not use codes");
        return Err(to_client(error));
    }
    let request = check(
        &params,
        destination.clone(),
        &Registered {
            scopes: &client.scopes,
            needs_pkce: client.pkce == Pkce::Required,
            may_ask: &|resource| ctx.realm.may_ask(&client.client_id, resource),
        },
    )
    .map_err(to_client)?;
    // Before anybody signs in for a code that could not be redeemed.
    if signs_for(ctx, &client, &request.resources).is_ok_and(|signs| !signs) {
        return Err(to_client(unannounced()));
    }
    let bound = bind(&params, &request).map_err(to_client)?;
    Ok(Asked { params, client, request, bound })
}

/// The same of a request that could not be read: what came of it once says where the refusal goes.
pub fn unreadable(ctx: &Ctx, encoded: &[u8], error: OAuthError) -> Unasked {
    let params = Params::that_came_once(encoded, &ANSWERED);
    let client = params.get("client_id").and_then(|id| ctx.realm.clients.get(id));
    let found = client.map(|client| destination(&params, |uri| client.accepts_redirect(uri)));
    match found {
        Some(Ok(destination)) => Unasked::Error(destination, error),
        _ => Unasked::Page(error),
    }
}
