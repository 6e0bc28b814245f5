//! Signing keys of the realms: made at first start, loaded with their signers once, rotated with
//! an overlap in which older tokens still verify.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use super::{Fault, Services};
use crate::base::clock::Timestamp;
use crate::domain::audit::AuditEvent;
use crate::jose::Algorithm;
use crate::jose::keys::{KeySet, SigningKey, generate};
use crate::oidc::discovery::{document, jwks};
use crate::realm::Realm;
use crate::realm::build::SCOPES;
use crate::store::keys::StoredKey;

/// A realm's keys and the documents made from them.
pub struct Published {
    pub keys: KeySet,
    pub jwks: Vec<u8>,
    pub discovery: Vec<u8>,
}

/// What is published for each realm, by its id.
#[derive(Default)]
pub struct KeyRing(RwLock<HashMap<String, Arc<Published>>>);

impl KeyRing {
    pub fn of(&self, realm: &Realm) -> Result<Arc<Published>, Fault> {
        let held = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let none = || Fault::Internal(format!("no keys are loaded for {}", realm.id));
        held.get(&realm.id).cloned().ok_or_else(none)
    }
}

/// Makes the keys that are missing and loads all.
pub async fn load(services: &Services, realm: &Realm) -> Result<(), Fault> {
    let now = services.clock.now();
    let stored = services.store.rows().keys().list(&realm.id, now).await?;
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
    let tx = services.store.begin().await?;
    if let Some(at) = old_retires_at {
        tx.rows().keys().supersede(&realm.id, algorithm.name(), at).await?;
    }
    tx.rows().keys().add(&realm.id, &key).await?;
    tx.rows().records().audit(&realm.id, now, &event).await?;
    tx.commit().await?;
    Ok(kid)
}

async fn publish(services: &Services, realm: &Realm) -> Result<(), Fault> {
    let stored = services.store.rows().keys().list(&realm.id, services.clock.now()).await?;
    let mut keys = Vec::new();
    for key in stored {
        let algorithm = Algorithm::parse(&key.algorithm)
            .ok_or_else(|| Fault::Internal(format!("key {} is of no known algorithm", key.kid)))?;
        keys.push(SigningKey::new(algorithm, &key.private, key.is_current)?);
    }
    let keys = KeySet::new(keys);
    let published = Published {
        jwks: jwks(&keys)?,
        discovery: document(&realm.issuer, &realm.algorithms, &SCOPES)?,
        keys,
    };
    let mut held = services.keys.0.write().unwrap_or_else(PoisonError::into_inner);
    held.insert(realm.id.clone(), Arc::new(published));
    Ok(())
}
