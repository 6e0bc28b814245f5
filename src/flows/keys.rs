//! Signing keys of the realms: made at first start, loaded with their signers once, rotated with
//! an overlap in which older tokens still verify.

use crate::base::clock::Timestamp;
use crate::domain::audit::AuditEvent;
use crate::flows::key_ring::Published;
use crate::flows::{Fault, Services};
use crate::jose::Algorithm;
use crate::jose::keys::{KeySet, SigningKey, generate};
use crate::oidc::discovery::{document, jwks};
use crate::realm::Realm;
use crate::realm::check::PUBLIC_SCOPES;
use crate::store::keys::StoredKey;

/// Makes the keys that are missing and loads all.
pub async fn load(services: &Services, realm: &Realm) -> Result<(), Fault> {
    let now = services.clock.now();
    let stored = services.store.rows(&realm.id).keys().list(now).await?;
    let has = |algorithm: Algorithm| {
        stored.iter().any(|key| key.is_current && key.algorithm == algorithm.name())
    };
    let missing: Vec<Algorithm> =
        realm.algorithms.iter().copied().filter(|algorithm| !has(*algorithm)).collect();
    for algorithm in missing {
        add(services, realm, algorithm, None).await?;
    }
    publish(services, realm).await
}

/// A new key signs from now on; the old one verifies for `overlap` seconds more.
pub async fn rotate(
    services: &Services,
    realm: &Realm,
    algorithm: Algorithm,
    overlap: i64,
) -> Result<String, Fault> {
    let retires_at = services.clock.now().plus(overlap);
    let kid = add(services, realm, algorithm, Some(retires_at)).await?;
    publish(services, realm).await?;
    Ok(kid)
}

/// `old_retires_at`: the key before it gives way in the same transaction.
async fn add(
    services: &Services,
    realm: &Realm,
    algorithm: Algorithm,
    old_retires_at: Option<Timestamp>,
) -> Result<String, Fault> {
    let now = services.clock.now();
    let (private, kid) = generate(algorithm)?;
    let key = StoredKey {
        kid: kid.clone(),
        algorithm: algorithm.name().to_owned(),
        private,
        is_current: true,
        created_at: now,
        retires_at: None,
    };
    let event = AuditEvent::KeyRotated { kid: kid.clone(), algorithm: key.algorithm.clone() };
    let tx = services.store.begin(&realm.id, now).await?;
    if let Some(at) = old_retires_at {
        tx.rows().keys().supersede(algorithm.name(), at).await?;
    }
    tx.rows().keys().add(&key).await?;
    tx.note(event);
    tx.commit().await?;
    Ok(kid)
}

/// Makes signers and documents anew when the keys have changed.
async fn publish(services: &Services, realm: &Realm) -> Result<(), Fault> {
    let stored = services.store.rows(&realm.id).keys().list(services.clock.now()).await?;
    let version = (
        realm.hash.clone(),
        stored.iter().map(|key| (key.kid.clone(), key.is_current)).collect::<Vec<_>>(),
    );
    if services.keys.of(realm).is_ok_and(|published| published.is_of(&version)) {
        return Ok(());
    }
    let mut keys = Vec::new();
    for key in stored {
        let algorithm = Algorithm::parse(&key.algorithm)
            .ok_or_else(|| Fault::Internal(format!("key {} is of no known algorithm", key.kid)))?;
        keys.push(SigningKey::new(algorithm, &key.private, key.is_current)?);
    }
    let keys = KeySet::new(keys);
    let discovery = document(&realm.issuer, &realm.algorithms, &PUBLIC_SCOPES)?.into();
    let jwks = jwks(&keys)?.into();
    services.keys.publish(realm, Published::new(keys, jwks, discovery, version));
    Ok(())
}
