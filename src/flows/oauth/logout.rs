//! Signing out: the session and its grants end, and every application of it is told by a token that
//! `flows::notify::deliver` carries.

use serde_json::Value;

use crate::base::secret::Secret;
use crate::domain::session::Session;
use crate::flows::keys::knowing;
use crate::flows::notify::cause::Cause;
use crate::flows::notify::tell::end_session;
use crate::flows::oauth::asking;
use crate::flows::{Ctx, Fault};
use crate::jose::jwt::{sign, verify};
use crate::oidc::claims::{IdClaims, logout_claims};
use crate::oidc::params::Params;
use crate::realm::client::Client;
use crate::store::deliveries::Delivery;
use crate::store::session_clients::SessionClient;

/// The parameters that mean something here (RP-Initiated Logout §2); others are kept nowhere.
pub const KNOWN: [&str; 5] =
    ["id_token_hint", "client_id", "post_logout_redirect_uri", "state", "ui_locales"];

/// What an application's sign-out request amounts to (RP-Initiated Logout §2, §3).
#[derive(Default)]
pub struct Asked {
    /// Where to go afterwards: registered by the client that the hint or `client_id` names.
    pub redirect: Option<String>,
    /// An address was given, and it is nobody's.
    pub leads_nowhere: bool,
    /// Those that are meant, in the order in which everybody ends several.
    pub sessions: Vec<Session>,
    /// The hint names them: no question is asked.
    pub is_certain: bool,
    /// A hint was given, and it is none of ours.
    pub has_bad_hint: bool,
}

/// The session behind a browser's cookie, also past its time: nothing is done in it any more, but what
/// applications do without the person goes on until somebody ends it.
pub async fn own(ctx: &Ctx, cookie: Option<&Secret>) -> Result<Option<Session>, Fault> {
    match cookie {
        Some(cookie) => Ok(ctx.rows().sessions().unended_by_cookie(cookie.hashed()).await?),
        None => Ok(None),
    }
}

/// `own`: [`own`] of the browser. No cookie may mean that the browser sent none: a hint names a
/// session by itself. One that has expired is still a hint, a bad one is none.
pub async fn read(ctx: &Ctx, params: &Params, own: Option<Session>) -> Result<Asked, Fault> {
    let given = params.get("id_token_hint");
    let published = knowing(ctx, given.unwrap_or_default()).await?;
    let hint = given.and_then(|hint| verify::<IdClaims>(&published.keys, "JWT", hint).ok());
    let hint = hint.filter(|hint| {
        let named = params.get("client_id");
        hint.iss == ctx.realm.issuer && named.is_none_or(|named| named == hint.aud)
    });
    asking::with(params, hint.as_ref().map(|hint| hint.aud.as_str()));
    if given.is_some() && hint.is_none() {
        tracing::info!("A hint of a sign-out is not ours");
    }
    let client_id = match (&hint, given) {
        (Some(hint), _) => Some(hint.aud.as_str()),
        (None, None) => params.get("client_id"),
        // What came with a bad hint is not believed.
        (None, Some(_)) => None,
    };
    let client = client_id.and_then(|id| ctx.realm.clients.get(id));
    let uri = params.get("post_logout_redirect_uri");
    let redirect = uri.filter(|uri| {
        client.is_some_and(|client| client.post_logout_redirect_uris.iter().any(|own| own == uri))
    });
    if let (Some(uri), None) = (uri, redirect) {
        let uri = asking::bounded(uri);
        tracing::info!(uri, "A post_logout_redirect_uri is not registered");
    }
    let (sessions, is_certain) = match &hint {
        Some(hint) => named(ctx, own, hint).await?,
        None => (own.into_iter().collect(), false),
    };
    Ok(Asked {
        leads_nowhere: uri.is_some() && redirect.is_none(),
        redirect: redirect.map(|uri| with_state(uri, params.get("state"))),
        sessions,
        is_certain,
        has_bad_hint: given.is_some() && hint.is_none(),
    })
}

/// The session that a hint names and the browser's own, and whether there is nothing to ask: of one person both,
/// since whoever signs out in either means what goes on without them in the other, too; a hint names one, so that
/// is asked. Of others the own one, unless it is over by its time.
async fn named(
    ctx: &Ctx,
    own: Option<Session>,
    hint: &IdClaims,
) -> Result<(Vec<Session>, bool), Fault> {
    let sid_of = |one: &Session| one.acting.sid(&ctx.services.secrets.sid, one.id);
    if own.as_ref().is_some_and(|own| sid_of(own) == hint.sid) {
        return Ok((own.into_iter().collect(), true));
    }
    let named = ctx.rows().sessions().by_sid(&hint.aud, &hint.sid).await?;
    let lives = own.as_ref().is_some_and(|own| own.expires_at > ctx.now());
    let mut meant: Vec<Session> = match (own, named) {
        (Some(own), Some(named)) if own.person == named.person => vec![own, named],
        (Some(own), _) if lives => vec![own],
        (_, named) => named.into_iter().collect(),
    };
    meant.sort_by_key(|one| one.id);
    meant.dedup_by_key(|one| one.id);
    let is_certain = !lives && meant.len() < 2;
    Ok((meant, is_certain))
}

fn with_state(uri: &str, state: Option<&str>) -> String {
    let Some(state) = state else { return uri.to_owned() };
    let joint = if uri.contains('?') { '&' } else { '?' };
    let query =
        form_urlencoded::Serializer::new(String::new()).append_pair("state", state).finish();
    format!("{uri}{joint}{query}")
}

/// The addresses of applications that can only be told in the person's browser (OIDC Front-Channel
/// Logout §3), in whichever identities they were entered; read before the session ends.
pub async fn front_channel(ctx: &Ctx, session: &Session) -> Result<Vec<String>, Fault> {
    let clients = ctx.rows().session_clients().of(session.id).await?;
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
    Ok(clients.iter().filter_map(frame).collect())
}

/// Ends the sessions; deliveries to their applications are durable with it.
pub async fn end(ctx: &Ctx, sessions: &[Session]) -> Result<(), Fault> {
    let tx = ctx.begin().await?;
    for session in sessions {
        end_session(ctx, &tx, session.id, Cause::SignedOut).await?;
    }
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
