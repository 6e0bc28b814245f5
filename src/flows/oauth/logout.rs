//! Signing out: the session and its grants end, and every application of it is told by a token that
//! `flows::notify::deliver` carries.

use serde_json::Value;

use crate::domain::session::Session;
use crate::flows::notify::tell::end_session;
use crate::flows::{Ctx, Fault};
use crate::jose::jwt::{sign, verify};
use crate::oidc::claims::{IdClaims, logout_claims};
use crate::oidc::params::Params;
use crate::realm::client::Client;
use crate::store::deliveries::Delivery;
use crate::store::sessions::SessionClient;

/// What an application's sign-out request amounts to (RP-Initiated Logout §2, §3).
pub struct Asked {
    /// Where to go afterwards: registered, and asked for with a good hint.
    pub redirect: Option<String>,
    /// The hint names this very session: no question is asked.
    pub is_certain: bool,
}

/// A hint that has expired is still a hint; a bad one is none, and then nothing is redirected.
pub fn read(ctx: &Ctx, params: &Params, session: Option<&Session>) -> Result<Asked, Fault> {
    let published = ctx.services.keys.of(&ctx.realm)?;
    let hint = params.get("id_token_hint");
    let hint = hint.and_then(|hint| verify::<IdClaims>(&published.keys, "JWT", hint).ok());
    let Some(hint) = hint.filter(|hint| hint.iss == ctx.realm.issuer) else {
        return Ok(Asked { redirect: None, is_certain: false });
    };
    let named = params.get("client_id");
    let client = ctx.realm.clients.get(&hint.aud).filter(|_| named.is_none_or(|id| id == hint.aud));
    let uri = params.get("post_logout_redirect_uri");
    let registered = uri.filter(|uri| {
        client.is_some_and(|client| client.post_logout_redirect_uris.iter().any(|own| own == uri))
    });
    let redirect = registered.map(|uri| match params.get("state") {
        Some(state) => {
            let joint = if uri.contains('?') { '&' } else { '?' };
            let state = form_urlencoded::Serializer::new(String::new())
                .append_pair("state", state)
                .finish();
            format!("{uri}{joint}{state}")
        }
        None => uri.to_owned(),
    });
    let own_sid = session.map(|session| session.acting.sid(&ctx.services.secrets.sid, session.id));
    Ok(Asked { redirect, is_certain: own_sid.is_none_or(|sid| sid == hint.sid) })
}

/// The addresses of applications that can only be told in the person's browser (OIDC Front-Channel
/// Logout §3), read before the session ends.
pub async fn front_channel(ctx: &Ctx, session: &Session) -> Result<Vec<String>, Fault> {
    let clients = ctx.rows().sessions().clients(session.id).await?;
    let own_sid = session.acting.sid(&ctx.services.secrets.sid, session.id);
    let frame = |one: &SessionClient| {
        let known = ctx.realm.clients.get(&one.client_id)?;
        let uri = known.frontchannel_logout_uri.as_ref()?;
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("iss", &ctx.realm.issuer)
            .append_pair("sid", &one.sid)
            .finish();
        let joint = if uri.contains('?') { '&' } else { '?' };
        Some(format!("{uri}{joint}{query}"))
    };
    Ok(clients.iter().filter(|one| one.sid == own_sid).filter_map(frame).collect())
}

/// Ends the session; deliveries to its applications are durable with it.
pub async fn end(ctx: &Ctx, session: &Session) -> Result<(), Fault> {
    let tx = ctx.begin().await?;
    end_session(ctx, &tx, session.id, "the person signed out").await?;
    Ok(tx.commit().await?)
}

/// The token that tells an application (OIDC Back-Channel Logout §2.4), made as it leaves.
pub fn token(ctx: &Ctx, client: &Client, delivery: &Delivery) -> Result<String, Fault> {
    let body: Value =
        serde_json::from_str(&delivery.body).map_err(|error| Fault::Internal(error.to_string()))?;
    let claims = logout_claims(
        &ctx.realm.issuer,
        &client.client_id,
        body["sub"].as_str().unwrap_or_default(),
        &delivery.about,
        ctx.now().0,
        &ctx.random().short_token(),
    );
    let published = ctx.services.keys.of(&ctx.realm)?;
    Ok(sign(published.keys.current(client.id_token_alg)?, "logout+jwt", &claims)?)
}
