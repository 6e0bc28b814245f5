//! The signing keys of each realm as they are served now, with what was made of them once.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;
use quick_cache::sync::Cache;
use tokio::sync::Mutex;

use crate::base::clock::Timestamp;
use crate::base::secret::Hashed;
use crate::flows::Fault;
use crate::jose::jwt::verify;
use crate::jose::keys::KeySet;
use crate::oidc::claims::AccessClaims;
use crate::realm::Realm;

/// A realm's keys and the documents made from them.
pub struct Published {
    pub keys: KeySet,
    pub jwks: Bytes,
    /// Where the realm has SM2 keys.
    pub jwks_sm2: Option<Bytes>,
    pub discovery: Bytes,
    /// Claims of access tokens by the token's hash: a signature is verified once. What has become
    /// of the token since is read every time.
    verified: Cache<[u8; 32], Arc<AccessClaims>>,
    version: Version,
}

/// Claims that are kept; a few kilobytes each at most.
const VERIFIED: usize = 4096;

/// What it was made from: the realm's hash, the keys and which of them sign.
pub type Version = (String, Vec<(String, bool)>);

impl Published {
    pub fn new(
        keys: KeySet,
        jwks: Bytes,
        jwks_sm2: Option<Bytes>,
        discovery: Bytes,
        version: Version,
    ) -> Self {
        Self { keys, jwks, jwks_sm2, discovery, verified: Cache::new(VERIFIED), version }
    }

    pub fn is_of(&self, version: &Version) -> bool {
        self.version == *version
    }

    /// The claims of one of our own JWT access tokens; `None` when it is none.
    pub fn access_claims(&self, token: &str) -> Option<Arc<AccessClaims>> {
        let hash = Hashed::of(token).0;
        let claims: Arc<AccessClaims> = Arc::new(verify(&self.keys, "at+jwt", token).ok()?);
        self.verified.insert(hash, Arc::clone(&claims));
        Some(claims)
    }

    /// The same of a token that was verified before.
    pub fn verified_claims(&self, token: &str) -> Option<Arc<AccessClaims>> {
        self.verified.get(&Hashed::of(token).0)
    }
}

/// The turn to read a realm's keys again out of order; in it, when they were last read so.
pub type Turn = Arc<Mutex<Option<Timestamp>>>;

/// What is published for each realm, by its id.
#[derive(Default)]
pub struct KeyRing {
    published: RwLock<HashMap<String, Arc<Published>>>,
    turns: std::sync::Mutex<HashMap<String, Turn>>,
}

impl KeyRing {
    pub fn of(&self, realm: &Realm) -> Result<Arc<Published>, Fault> {
        let held = self.published.read().unwrap_or_else(PoisonError::into_inner);
        let none = || Fault::Internal(format!("no keys are loaded for {}", realm.id));
        held.get(&realm.id).cloned().ok_or_else(none)
    }

    pub fn publish(&self, realm: &Realm, published: Published) {
        let mut held = self.published.write().unwrap_or_else(PoisonError::into_inner);
        held.insert(realm.id.clone(), Arc::new(published));
    }

    /// The same, unless what is published is of other files.
    pub fn renew(&self, realm: &Realm, published: Published) {
        let mut held = self.published.write().unwrap_or_else(PoisonError::into_inner);
        if held.get(&realm.id).is_none_or(|known| known.version.0 == realm.hash) {
            held.insert(realm.id.clone(), Arc::new(published));
        }
    }

    /// One holder at a time, and a turn for each realm: what strangers make up about one keeps
    /// nobody of another waiting.
    pub fn turn(&self, realm: &Realm) -> Turn {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(turns.entry(realm.id.clone()).or_default())
    }
}
