//! Event streams of applications (OpenID Shared Signals Framework 1.0 §8): one a client, pushed to
//! the address of its registration or polled. What is told stands in `flows::notify::tell`.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::flows::notify::tell::{CLAIMS_CHANGE, SESSION_REVOKED, queued};
use crate::flows::{Ctx, Fault, Stop};
use crate::jose::Algorithm;
use crate::jose::jwt::sign;
use crate::oidc::error::OAuthError;
use crate::realm::Realm;
use crate::store::deliveries::{Channel, Delivery};
use crate::store::streams::StreamStatus;

pub use crate::store::streams::EventStream;

/// RFC 8935 and RFC 8936, as SSF names them.
const PUSH: &str = "urn:ietf:rfc:8935";
const POLL: &str = "urn:ietf:rfc:8936";
/// SSF §8.1.4.1.
const VERIFICATION: &str = "https://schemas.openid.net/secevent/ssf/event-type/verification";
const SUPPORTED: [&str; 2] = [SESSION_REVOKED, CLAIMS_CHANGE];
const MOST_AT_ONCE: u64 = 100;

/// SSF §7.1: the transmitter's metadata.
pub fn configuration(realm: &Realm) -> Value {
    json!({
        "spec_version": "1_0",
        "issuer": realm.issuer,
        "jwks_uri": realm.url(crate::oidc::discovery::path::JWKS),
        "delivery_methods_supported": [PUSH, POLL],
        "configuration_endpoint": realm.url("/ssf/stream"),
        "status_endpoint": realm.url("/ssf/status"),
        "verification_endpoint": realm.url("/ssf/verify"),
        "authorization_schemes": [{"spec_urn": "urn:ietf:rfc:6749"}],
        "default_subjects": "ALL",
    })
}

/// What a client asks of its stream (SSF §8.1.1).
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Wanted {
    pub stream_id: Option<String>,
    pub delivery: Option<Method>,
    pub events_requested: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
pub struct Method {
    pub method: String,
    pub endpoint_url: Option<String>,
}

fn shown(ctx: &Ctx, stream: &EventStream) -> Value {
    let delivery = match &stream.endpoint {
        Some(endpoint) => json!({"method": PUSH, "endpoint_url": endpoint}),
        None => json!({"method": POLL, "endpoint_url": ctx.realm.url("/ssf/poll")}),
    };
    json!({
        "stream_id": stream.id.to_string(),
        "iss": ctx.realm.issuer,
        "aud": stream.client_id,
        "delivery": delivery,
        "events_supported": SUPPORTED,
        "events_requested": stream.events,
        "events_delivered": stream.events,
        "min_verification_interval": 60,
    })
}

pub async fn find(ctx: &Ctx, client_id: &str) -> Result<Option<EventStream>, Fault> {
    Ok(ctx.rows().streams().find(client_id).await?)
}

/// The client's stream, if this is its id; requests that name none mean the one there is.
pub async fn named(
    ctx: &Ctx,
    client_id: &str,
    stream_id: Option<&str>,
) -> Result<Option<EventStream>, Fault> {
    let is_meant = |one: &EventStream| stream_id.is_none_or(|id| id == one.id.to_string());
    Ok(find(ctx, client_id).await?.filter(is_meant))
}

/// One stream, or without an id the list of them (SSF §8.1.1.2). `None`: no such stream.
pub async fn read(
    ctx: &Ctx,
    client_id: &str,
    stream_id: Option<&str>,
) -> Result<Option<Value>, Fault> {
    let found = named(ctx, client_id, stream_id).await?.map(|stream| shown(ctx, &stream));
    Ok(match stream_id {
        Some(_) => found,
        None => Some(Value::Array(found.into_iter().collect())),
    })
}

/// The client's stream as it is wanted; of `known` what is not mentioned stays.
pub async fn save(
    ctx: &Ctx,
    client_id: &str,
    known: Option<EventStream>,
    wanted: &Wanted,
) -> Result<Value, Stop> {
    let client = ctx.realm.clients.get(client_id);
    let registered = client.and_then(|client| client.event_endpoint.clone());
    let endpoint = match (&wanted.delivery, &known) {
        (None, Some(known)) => known.endpoint.clone(),
        (None, None) => None,
        (Some(delivery), _) if delivery.method == POLL => None,
        (Some(delivery), _) if delivery.method == PUSH => {
            // What a client names is called only when it is registered (rule 7).
            if registered.is_none() || delivery.endpoint_url != registered {
                return Err(OAuthError::request("endpoint_url is not the registered one").into());
            }
            registered
        }
        (Some(_), _) => return Err(OAuthError::request("the delivery method is unknown").into()),
    };
    let supported = |event: &String| SUPPORTED.contains(&event.as_str());
    let events = match (&wanted.events_requested, &known) {
        (Some(wanted), _) => wanted.iter().filter(|event| supported(event)).cloned().collect(),
        (None, Some(known)) => known.events.clone(),
        (None, None) => SUPPORTED.map(str::to_owned).to_vec(),
    };
    let stream = EventStream {
        id: known.as_ref().map_or_else(|| ctx.new_row_id(), |known| known.id),
        client_id: client_id.to_owned(),
        endpoint,
        events,
        status: known.as_ref().map_or(StreamStatus::Enabled, |known| known.status),
        created_at: known.map_or_else(|| ctx.now(), |known| known.created_at),
    };
    let tx = ctx.begin().await?;
    tx.rows().streams().save(&stream).await?;
    tx.commit().await?;
    Ok(shown(ctx, &stream))
}

/// `false`: there is no such stream.
pub async fn remove(ctx: &Ctx, client_id: &str, stream_id: Option<&str>) -> Result<bool, Fault> {
    let Some(stream) = named(ctx, client_id, stream_id).await? else { return Ok(false) };
    let tx = ctx.begin().await?;
    let is_gone = tx.rows().streams().remove(stream.id).await?;
    tx.commit().await?;
    Ok(is_gone)
}

/// SSF §8.1.2; `status` absent only reads. `None`: there is no such stream.
pub async fn status(
    ctx: &Ctx,
    client_id: &str,
    stream_id: Option<&str>,
    status: Option<&str>,
) -> Result<Option<Value>, Stop> {
    let Some(stream) = named(ctx, client_id, stream_id).await? else { return Ok(None) };
    let stream = match status {
        None => stream,
        Some(status) => {
            let status = StreamStatus::parse(status);
            let status = status.ok_or_else(|| OAuthError::request("status is unknown"))?;
            let changed = EventStream { status, ..stream };
            let tx = ctx.begin().await?;
            tx.rows().streams().save(&changed).await?;
            tx.commit().await?;
            changed
        }
    };
    Ok(Some(json!({"stream_id": stream.id.to_string(), "status": stream.status.name()})))
}

/// SSF §8.1.4: an event that proves that the stream works. `false`: there is no such stream.
pub async fn verify(
    ctx: &Ctx,
    client_id: &str,
    stream_id: Option<&str>,
    state: Option<&str>,
) -> Result<bool, Fault> {
    let Some(stream) = named(ctx, client_id, stream_id).await? else { return Ok(false) };
    let mut details = Map::new();
    if let Some(state) = state {
        details.insert("state".to_owned(), json!(state));
    }
    let body = json!({
        "sub_id": {"format": "opaque", "id": stream.id.to_string()},
        "events": {VERIFICATION: details},
    });
    let channel = if stream.endpoint.is_some() { Channel::Push } else { Channel::Poll };
    let delivery = queued(ctx, client_id, channel, stream.id, &body);
    let tx = ctx.begin().await?;
    tx.rows().deliveries().add(&delivery).await?;
    tx.commit().await?;
    Ok(true)
}

/// RFC 8936 §2.4.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Polled {
    pub max_events: Option<u64>,
    pub ack: Vec<String>,
    pub set_errs: BTreeMap<String, Value>,
}

/// What is acknowledged is gone; the oldest of the others are handed out.
pub async fn poll(ctx: &Ctx, client_id: &str, polled: &Polled) -> Result<Value, Fault> {
    let ids = polled.ack.iter().chain(polled.set_errs.keys());
    let ids: Vec<Uuid> = ids.filter_map(|id| id.parse().ok()).collect();
    if !ids.is_empty() {
        let tx = ctx.begin().await?;
        tx.rows().deliveries().acknowledge(client_id, &ids).await?;
        tx.commit().await?;
    }
    let most = polled.max_events.unwrap_or(MOST_AT_ONCE).min(MOST_AT_ONCE);
    let is_paused =
        find(ctx, client_id).await?.is_none_or(|stream| stream.status != StreamStatus::Enabled);
    let rows = ctx.rows();
    let kept =
        if is_paused { Vec::new() } else { rows.deliveries().kept(client_id, most + 1).await? };
    let has_more = u64::try_from(kept.len()).unwrap_or(u64::MAX) > most;
    let mut sets = Map::new();
    for delivery in kept.iter().take(usize::try_from(most).unwrap_or(usize::MAX)) {
        sets.insert(delivery.id.to_string(), json!(token(ctx, delivery)?));
    }
    Ok(json!({"sets": sets, "moreAvailable": has_more}))
}

/// A security event token (RFC 8417), signed as it leaves.
pub fn token(ctx: &Ctx, delivery: &Delivery) -> Result<String, Fault> {
    let mut claims: Value =
        serde_json::from_str(&delivery.body).map_err(|error| Fault::Internal(error.to_string()))?;
    claims["iss"] = json!(ctx.realm.issuer);
    claims["aud"] = json!(delivery.client_id);
    claims["iat"] = json!(delivery.created_at.0);
    claims["jti"] = json!(delivery.id.to_string());
    let algorithm = ctx.realm.clients.get(&delivery.client_id).map(|client| client.id_token_alg);
    let published = ctx.services.keys.of(&ctx.realm)?;
    let algorithm = algorithm.unwrap_or(Algorithm::ES256);
    Ok(sign(published.keys.current(algorithm)?, "secevent+jwt", &claims)?)
}
