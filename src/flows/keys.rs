//! Signing keys of the realms: made at first start, loaded with their signers once, rotated with
//! an overlap in which older tokens still verify.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;
use quick_cache::sync::Cache;

use crate::base::clock::Timestamp;
use crate::base::secret::Hashed;
use crate::domain::audit::AuditEvent;
use crate::flows::{Fault, Services};
use crate::jose::Algorithm;
use crate::jose::jwt::verify;
use crate::jose::keys::{KeySet, SigningKey, generate};
use crate::oidc::claims::AccessClaims;
use crate::oidc::discovery::{document, jwks};
use crate::realm::Realm;
use crate::realm::build::SCOPES;
use crate::store::keys::StoredKey;

/// A realm's keys and the documents made from them.
pub struct Published {
    pub keys: KeySet,
    pub jwks: Bytes,
    pub discovery: Bytes,
    /// Claims of access tokens by the token's hash: a signature is verified once. What has become
    /// of the token since is read every time.
    verified: Cache<[u8; 32], Arc<AccessClaims>>,
    /// What it was made from: the realm's hash, the keys and which of them sign.
    version: (String, Vec<(String, bool)>),
}

/// Claims that are kept; a few kilobytes each at most.
const VERIFIED: usize = 4096;

impl Published {
    /// The claims of one of our own JWT access tokens; `None` when it is none.
    pub fn access_claims(&self, token: &str) -> Option<Arc<AccessClaims>> {
        let hash = Hashed::of(token).0;
        if let Some(claims) = self.verified.get(&hash) {
            return Some(claims);
        }
        let claims: Arc<AccessClaims> = Arc::new(verify(&self.keys, "at+jwt", token).ok()?);
        self.verified.insert(hash, Arc::clone(&claims));
        Some(claims)
    }
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
    if services.keys.of(realm).is_ok_and(|published| published.version == version) {
        return Ok(());
    }
    let mut keys = Vec::new();
    for key in stored {
        let algorithm = Algorithm::parse(&key.algorithm)
            .ok_or_else(|| Fault::Internal(format!("key {} is of no known algorithm", key.kid)))?;
        keys.push(SigningKey::new(algorithm, &key.private, key.is_current)?);
    }
    let keys = KeySet::new(keys);
    let published = Published {
        jwks: jwks(&keys)?.into(),
        discovery: document(&realm.issuer, &realm.algorithms, &SCOPES)?.into(),
        keys,
        verified: Cache::new(VERIFIED),
        version,
    };
    let mut held = services.keys.0.write().unwrap_or_else(PoisonError::into_inner);
    held.insert(realm.id.clone(), Arc::new(published));
    Ok(())
}
