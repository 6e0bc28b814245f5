//! What a code stands for: request, session and identity as they were when it was asked for.

use crate::base::id::GrantId;
use crate::domain::acting::ActingIdentity;
use crate::domain::session::Session;
use crate::flows::oauth::subject::subject;
use crate::flows::{Ctx, Fault};
use crate::oidc::authorize::AuthorizeRequest;
use crate::oidc::engine::Bound;
use crate::realm::client::Client;
use crate::store::grants::{GrantState, StoredGrant};

pub fn grant(
    ctx: &Ctx,
    (client, request, bound): (&Client, &AuthorizeRequest, &Bound),
    session: &Session,
    identity: &ActingIdentity,
) -> Result<StoredGrant, Fault> {
    let (now, lifetimes) = (ctx.now(), &ctx.realm.lifetimes);
    Ok(StoredGrant {
        id: GrantId::new(&ctx.services.clock, ctx.random()),
        client_id: client.client_id.clone(),
        person: session.person,
        account: session.account,
        session: session.id,
        subject: subject(ctx, client, session.person),
        acting: session.acting,
        sid: session.acting.sid(&ctx.services.secrets.sid, session.id),
        scope: bound.scope.to_string(),
        permissions: identity.permissions(),
        redirect_uri: request.destination.redirect_uri.clone(),
        extensions: serde_json::to_string(&bound.extensions)
            .map_err(|error| Fault::Internal(error.to_string()))?,
        amr: session.amr.clone(),
        acr: session.acr,
        auth_time: session.auth_time,
        created_at: now,
        expires_at: now.plus(lifetimes.refresh_token),
        state: GrantState::Code { expires_at: now.plus(lifetimes.code) },
        dpop_jkt: request.dpop_jkt.clone(),
    })
}
