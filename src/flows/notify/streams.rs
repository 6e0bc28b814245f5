//! Event streams of applications (OpenID Shared Signals Framework 1.0 §8): one a client, pushed to
//! the address of its registration or polled. What is told stands in `flows::notify::tell`.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::base::secret::Secret;
use crate::flows::notify::tell::{CLAIMS_CHANGE, SESSION_REVOKED, for_stream};
use crate::flows::{Ctx, Fault, Stop};
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

/// Seconds between two verifications of a stream.
const VERIFICATION_INTERVAL: i64 = 60;
/// What a receiver may want to be sent as `Authorization`.
const LONGEST_HEADER: usize = 2048;

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
    pub authorization_header: Option<Secret>,
}

impl Method {
    /// A whole header, so that a push can carry it.
    fn authorization(&self) -> Result<Option<Secret>, OAuthError> {
        let Some(secret) = &self.authorization_header else { return Ok(None) };
        let text = secret.expose();
        let is_header = text.chars().all(|c| c == ' ' || c.is_ascii_graphic());
        match is_header && text.len() <= LONGEST_HEADER && text.trim() == text {
            true => Ok((!text.is_empty()).then(|| secret.clone())),
            false => Err(OAuthError::request("authorization_header is no header")),
        }
    }
}

/// What becomes of what a client does not mention (SSF §8.1.1.3, §8.1.1.4).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Change {
    /// It stays.
    Update,
    /// It is as if it had never been said.
    Replace,
}

/// Never the receiver's credential: who can read this may not be who may push.
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
        "min_verification_interval": VERIFICATION_INTERVAL,
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

/// The client's stream; `None`: it has one already, which stays as it is (SSF §8.1.1.1).
pub async fn create(ctx: &Ctx, client_id: &str, wanted: &Wanted) -> Result<Option<Value>, Stop> {
    let new = EventStream {
        id: ctx.new_row_id(),
        client_id: client_id.to_owned(),
        endpoint: None,
        authorization: None,
        events: SUPPORTED.map(str::to_owned).to_vec(),
        status: StreamStatus::Enabled,
        created_at: ctx.now(),
    };
    let stream = as_wanted(ctx, new, wanted)?;
    let tx = ctx.begin().await?;
    let is_new = tx.rows().streams().add(&stream).await?;
    tx.commit().await?;
    Ok(is_new.then(|| shown(ctx, &stream)))
}

/// The stream as it is wanted now. `None`: there is no such stream.
pub async fn change(
    ctx: &Ctx,
    client_id: &str,
    wanted: &Wanted,
    how: Change,
) -> Result<Option<Value>, Stop> {
    let found = named(ctx, client_id, wanted.stream_id.as_deref()).await?;
    let Some(known) = found else { return Ok(None) };
    let base = match how {
        Change::Update => known.clone(),
        Change::Replace => EventStream {
            endpoint: None,
            authorization: None,
            events: SUPPORTED.map(str::to_owned).to_vec(),
            ..known.clone()
        },
    };
    let stream = as_wanted(ctx, base, wanted)?;
    let tx = ctx.begin().await?;
    let is_there = tx.rows().streams().change(&stream).await?;
    if is_there && stream.endpoint.is_some() != known.endpoint.is_some() {
        let channel = if stream.endpoint.is_some() { Channel::Push } else { Channel::Poll };
        tx.rows().deliveries().redirect(stream.id, channel, ctx.now()).await?;
    }
    tx.commit().await?;
    Ok(is_there.then(|| shown(ctx, &stream)))
}

/// What is mentioned takes the place of what was there; a way of delivery is mentioned as a whole.
fn as_wanted(ctx: &Ctx, base: EventStream, wanted: &Wanted) -> Result<EventStream, OAuthError> {
    let mut stream = base;
    if let Some(delivery) = &wanted.delivery {
        let client = ctx.realm.clients.get(&stream.client_id);
        let registered = client.and_then(|client| client.event_endpoint.clone());
        (stream.endpoint, stream.authorization) = match delivery.method.as_str() {
            POLL => (None, None),
            // What a client names is called only when it is registered (rule 7).
            PUSH if registered.is_some() && delivery.endpoint_url == registered => {
                (registered, delivery.authorization()?)
            }
            PUSH => return Err(OAuthError::request("endpoint_url is not the registered one")),
            _ => return Err(OAuthError::request("the delivery method is unknown")),
        };
    }
    if let Some(events) = &wanted.events_requested {
        let supported = |event: &&String| SUPPORTED.contains(&event.as_str());
        stream.events = events.iter().filter(supported).cloned().collect();
    }
    Ok(stream)
}

/// With all that it has not heard yet. `false`: there is no such stream.
pub async fn remove(ctx: &Ctx, client_id: &str, stream_id: Option<&str>) -> Result<bool, Fault> {
    let Some(stream) = named(ctx, client_id, stream_id).await? else { return Ok(false) };
    let tx = ctx.begin().await?;
    let is_gone = tx.rows().streams().remove(stream.id).await?;
    tx.rows().deliveries().forget(stream.id).await?;
    tx.commit().await?;
    Ok(is_gone)
}

/// SSF §8.1.2; `status` absent only reads. What was held is gone when a stream is disabled. `None`:
/// there is no such stream.
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
            if !tx.rows().streams().change(&changed).await? {
                return Ok(None);
            }
            if status == StreamStatus::Disabled {
                tx.rows().deliveries().forget(changed.id).await?;
            }
            tx.commit().await?;
            changed
        }
    };
    Ok(Some(json!({"stream_id": stream.id.to_string(), "status": stream.status.name()})))
}

/// What a request for verification comes to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verification {
    Queued,
    /// There is no such stream.
    NoStream,
    /// The last one is not long enough ago; seconds until it is, at most.
    TooSoon(i64),
}

/// SSF §8.1.4: an event that proves that the stream works.
pub async fn verify(
    ctx: &Ctx,
    client_id: &str,
    stream_id: Option<&str>,
    state: Option<&str>,
) -> Result<Verification, Stop> {
    let found = named(ctx, client_id, stream_id).await?;
    let Some(stream) = found else { return Ok(Verification::NoStream) };
    if stream.status == StreamStatus::Disabled {
        return Err(OAuthError::request("the stream is disabled: nothing is sent").into());
    }
    let mut details = Map::new();
    if let Some(state) = state {
        details.insert("state".to_owned(), json!(state));
    }
    let body = json!({
        "sub_id": {"format": "opaque", "id": stream.id.to_string()},
        "events": {VERIFICATION: details},
    });
    let delivery = for_stream(ctx, &stream, stream.id, &body);
    let now = ctx.now();
    let tx = ctx.begin().await?;
    let not_since = now.plus(-VERIFICATION_INTERVAL);
    if !tx.rows().streams().verify(stream.id, now, not_since).await? {
        return Ok(Verification::TooSoon(VERIFICATION_INTERVAL));
    }
    tx.rows().deliveries().add(&delivery).await?;
    tx.commit().await?;
    Ok(Verification::Queued)
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
    let stream = find(ctx, client_id).await?;
    let kept = match stream.filter(|stream| stream.status == StreamStatus::Enabled) {
        Some(stream) => ctx.rows().deliveries().kept(stream.id, most + 1).await?,
        None => Vec::new(),
    };
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
    let key = match algorithm {
        Some(algorithm) => published.keys.current(algorithm)?,
        None => published.keys.first(&ctx.realm.algorithms)?,
    };
    Ok(sign(key, "secevent+jwt", &claims)?)
}
