//! Signing keys of the realms: made at first start, loaded with their signers once, announced before
//! they sign, and still published while what they signed is valid. Only where nothing signs yet does
//! the first key sign at once: nobody can have kept documents without it.

use std::sync::Arc;
use std::time::Duration;

use crate::base::clock::Timestamp;
use crate::domain::audit::AuditEvent;
use crate::domain::refusal::Refusal;
use crate::domain::signing_key::{KeyState, KeyTimes, active, state_of};
use crate::flows::key_ring::Published;
use crate::flows::{Ctx, Fault, Services, Stop};
use crate::jose::Algorithm;
use crate::jose::jwt::kid_of;
use crate::jose::keys::{KeySet, NoSigner, SigningKey, generate};
use crate::oidc::discovery::{document, jwks, jwks_sm2};
use crate::oidc::resource::Resources;
use crate::realm::Realm;
use crate::realm::check::PUBLIC_SCOPES;
use crate::realm::client::Client;
use crate::realm::registration::AccessTokenFormat;
use crate::store::Store;
use crate::store::keys::StoredKey;

/// Makes the keys that are missing and loads all.
pub async fn load(services: &Services, realm: &Realm) -> Result<(), Fault> {
    if let Some(made) = prepare(services, realm).await? {
        services.keys.publish(realm, made);
    }
    Ok(())
}

/// The same of files that are served already, and only as long as they are: others may have taken their
/// place meanwhile.
pub async fn learn(services: &Services, realm: &Realm) -> Result<(), Fault> {
    if let Some(made) = prepare(services, realm).await? {
        services.keys.renew(realm, made);
    }
    Ok(())
}

/// Makes the keys that are missing, and what is to be published with them; nothing is published yet.
/// `None`: it is already.
pub async fn prepare(services: &Services, realm: &Realm) -> Result<Option<Published>, Fault> {
    let stored = services.store.rows(&realm.id).keys().times().await?;
    let missing = missing(realm, &stored, services.clock.now());
    if !missing.is_empty() {
        add_missing(services, realm, &missing).await?;
    }
    made(services, realm).await
}

/// What nothing signs yet, and nothing soon will.
fn missing(realm: &Realm, stored: &[KeyTimes], now: Timestamp) -> Vec<Algorithm> {
    let has = |algorithm: &Algorithm| {
        let mut known = stored.iter().filter(|key| !key.is_retired(now));
        known.any(|key| key.algorithm == algorithm.name())
    };
    realm.algorithms.iter().copied().filter(|algorithm| !has(algorithm)).collect()
}

/// The first keys of a realm sign at once. One of an algorithm that was added later is announced like
/// the next of any other: applications and nodes keep documents that do not hold it.
async fn add_missing(
    services: &Services,
    realm: &Realm,
    algorithms: &[Algorithm],
) -> Result<(), Fault> {
    let now = services.clock.now();
    let mut made = Vec::new();
    for algorithm in algorithms {
        made.push((*algorithm, new_key(*algorithm, now, now)?));
    }
    let tx = services.store.begin(&realm.id, now).await?;
    let keys = tx.rows().keys();
    keys.hold().await?;
    let known = keys.times().await?;
    let still = missing(realm, &known, now);
    let signs = |key: &KeyTimes| !key.is_retired(now) && key.active_at <= now;
    let announcement = if known.iter().any(signs) { realm.key_announcement } else { 0 };
    for (algorithm, mut key) in made {
        if !still.contains(&algorithm) {
            continue;
        }
        key.times.active_at = now.plus(announcement);
        keys.add(&key).await?;
        tx.note(event(&key.times));
        if announcement > 0 {
            let (algorithm, kid) = (algorithm.name(), &key.times.kid);
            let signs_from = key.times.active_at.for_people();
            tracing::warn!(
                realm = realm.id,
                algorithm,
                kid,
                signs_from,
                "A new algorithm is announced"
            );
        }
    }
    Ok(tx.commit().await?)
}

fn new_key(
    algorithm: Algorithm,
    created_at: Timestamp,
    active_at: Timestamp,
) -> Result<StoredKey, Fault> {
    let (private, kid) = generate(algorithm)?;
    let algorithm = algorithm.name().to_owned();
    let times = KeyTimes { kid, algorithm, created_at, active_at, retires_at: None };
    Ok(StoredKey { times, private })
}

fn event(times: &KeyTimes) -> AuditEvent {
    AuditEvent::KeyRotated { kid: times.kid.clone(), algorithm: times.algorithm.clone() }
}

/// Seconds for which a key must be published before it signs: nodes read keys twice a minute, and what
/// they publish may be kept for a minute.
pub const SHORTEST_ANNOUNCEMENT: i64 = 120;

/// How a new key takes over.
#[derive(Clone, Copy, Debug)]
pub struct Rotation {
    pub algorithm: Algorithm,
    /// It is published for so many seconds before it signs, [`SHORTEST_ANNOUNCEMENT`] at least. With
    /// 0, for when the old one has leaked, applications that keep the keys refuse tokens until they
    /// fetch them again.
    pub announcement: i64,
    /// The old one verifies for so many seconds after that.
    pub overlap: i64,
}

/// Announces a new key; running servers learn of it by their jobs. While one is announced already
/// there is no second; without an announcement its time comes now.
pub async fn rotate(
    store: &Store,
    realm: &str,
    rotation: Rotation,
    now: Timestamp,
) -> Result<KeyTimes, Stop> {
    let Rotation { algorithm, announcement, overlap } = rotation;
    if announcement != 0 && announcement < SHORTEST_ANNOUNCEMENT {
        return Err(Refusal::format("announcement").into());
    }
    let tx = store.begin(realm, now).await?;
    let keys = tx.rows().keys();
    keys.hold().await?;
    let known = keys.times().await?;
    let own = || known.iter().filter(|key| key.algorithm == algorithm.name());
    let announced = own().find(|key| state_of(key, &known, now) == KeyState::Announced);
    // The younger signs, so no two begin in the same second.
    let not_before = own().map(|key| key.active_at.plus(1)).max();
    let key = match announced {
        Some(_) if announcement > 0 => return Err(Refusal::State.into()),
        Some(key) => {
            keys.bring_forward(&key.kid, now).await?;
            KeyTimes { active_at: now, ..key.clone() }
        }
        None => {
            let active_at = now.plus(announcement).max(not_before.unwrap_or(now));
            let key = new_key(algorithm, now, active_at)?;
            keys.supersede(algorithm.name(), key.times.active_at.plus(overlap)).await?;
            keys.add(&key).await?;
            key.times
        }
    };
    tx.note(event(&key));
    tx.commit().await?;
    Ok(key)
}

/// A key that has given way stops verifying at once; one that signs, or soon will, is refused.
pub async fn retire(store: &Store, realm: &str, kid: &str, now: Timestamp) -> Result<(), Stop> {
    let tx = store.begin(realm, now).await?;
    let keys = tx.rows().keys();
    keys.hold().await?;
    let known = keys.times().await?;
    let key = known.iter().find(|key| key.kid == kid).ok_or(Refusal::State)?;
    if state_of(key, &known, now) != KeyState::Superseded {
        return Err(Refusal::State.into());
    }
    keys.retire(kid, now).await?;
    tx.note(AuditEvent::KeyRetired { kid: key.kid.clone(), algorithm: key.algorithm.clone() });
    tx.commit().await?;
    Ok(())
}

/// How long a request waits for another that reads the keys.
const A_MOMENT: Duration = Duration::from_millis(300);

/// What is published, and verifies `token` if anything of the realm does: a key of ours that this
/// node has not met yet is read at once, and not at the next round of the jobs. Strangers can make up
/// names of keys, so one request reads, once a second at most, and the others wait for what it brings
/// no longer than a moment, however long the database takes.
pub async fn knowing(ctx: &Ctx, token: &str) -> Result<Arc<Published>, Fault> {
    let (services, realm) = (&ctx.services, &ctx.realm);
    let published = services.keys.of(realm)?;
    let Some(kid) = kid_of(token).filter(|kid| !published.keys.has(kid)) else {
        return Ok(published);
    };
    let turn = services.keys.turn(realm);
    let Ok(mut last) = turn.try_lock() else {
        let _ = tokio::time::timeout(A_MOMENT, turn.lock()).await;
        return services.keys.of(realm);
    };
    let now = services.clock.now();
    // Whoever had the turn just before may have brought it.
    let is_known = services.keys.of(realm)?.keys.has(&kid);
    if !is_known
        && last.replace(now) != Some(now)
        && let Some(made) = made(services, realm).await?
    {
        services.keys.renew(realm, made);
    }
    services.keys.of(realm)
}

/// Whether something signs all that this client is given for these APIs; where a key waits for its time,
/// it does not.
pub fn signs_for(ctx: &Ctx, client: &Client, resources: &Resources) -> Result<bool, Fault> {
    let published = ctx.services.keys.of(&ctx.realm)?;
    let apis = resources.iter().filter_map(|name| ctx.realm.resources.get(name));
    let mut forms: Vec<_> = apis.map(|api| (api.access_token, api.access_token_alg)).collect();
    if forms.is_empty() {
        forms.push((client.access_token, client.access_token_alg));
    }
    let access_tokens = forms.into_iter().filter(|(format, _)| *format == AccessTokenFormat::Jwt);
    let chosen = [Some(client.id_token_alg), client.userinfo_alg];
    let chosen = chosen.into_iter().chain(access_tokens.map(|(_, algorithm)| algorithm));
    let waits =
        |algorithm| matches!(published.keys.current(algorithm), Err(NoSigner::Announced(_)));
    Ok(!chosen.flatten().any(waits))
}

/// Signers and documents anew when the keys have changed, or another of them signs now.
async fn made(services: &Services, realm: &Realm) -> Result<Option<Published>, Fault> {
    let now = services.clock.now();
    let stored = services.store.rows(&realm.id).keys().list(now).await?;
    let signs = |key: &StoredKey| {
        let active = active(stored.iter().map(|key| &key.times), &key.times.algorithm, now);
        active.is_some_and(|active| active.kid == key.times.kid)
    };
    let version = (
        realm.hash.clone(),
        stored.iter().map(|key| (key.times.kid.clone(), signs(key))).collect::<Vec<_>>(),
    );
    if services.keys.of(realm).is_ok_and(|published| published.is_of(&version)) {
        return Ok(None);
    }
    let mut keys = Vec::new();
    for key in &stored {
        let algorithm = Algorithm::parse(&key.times.algorithm).ok_or_else(|| {
            Fault::Internal(format!("key {} is of no known algorithm", key.times.kid))
        })?;
        keys.push(SigningKey::new(algorithm, &key.private, signs(key))?);
    }
    let keys = KeySet::new(keys);
    let apis: Vec<&str> = realm.resources.keys().map(String::as_str).collect();
    let (algorithms, highest) = (&realm.algorithms, realm.highest_level());
    let discovery = document(&realm.issuer, algorithms, highest, &PUBLIC_SCOPES, &apis)?.into();
    let (jwks, jwks_sm2) = (jwks(&keys)?.into(), jwks_sm2(&keys)?.map(Into::into));
    Ok(Some(Published::new(keys, jwks, jwks_sm2, discovery, version)))
}
