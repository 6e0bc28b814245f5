//! What every flow stands on, and one request's view of it.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use serde::Serialize;

use crate::base::cipher::{Cipher, Purpose, Ring};
use crate::base::clock::{Clock, Timestamp};
use crate::base::random::Random;
use crate::domain::place::Place;
use crate::ephemeral::{Ephemeral, OfRealm, Share, Slot};
use crate::flows::certificate::HeldLists;
use crate::flows::hashing::Hashing;
use crate::flows::key_ring::KeyRing;
use crate::flows::{Fault, Stop};
use crate::jose::keys::NoSigner;
use crate::outbound::client::Outbound;
use crate::realm::Realm;
use crate::store::{Rows, Store, StoreError, Tx};

/// What every flow stands on; one for the process.
pub struct Services {
    pub clock: Clock,
    pub random: Random,
    pub store: Store,
    pub ephemeral: Ephemeral,
    pub outbound: Outbound,
    pub hashing: Hashing,
    /// Of officers.
    pub console_hashing: Hashing,
    pub keys: KeyRing,
    /// Revocation lists that were read already.
    pub lists: HeldLists,
    pub secrets: Secrets,
}

impl Services {
    /// Whether this node can sign somebody in: the database takes rows, short-lived values are kept,
    /// and every realm that is served has a key that signs, and knows one for each of its algorithms. What all nodes share
    /// with the world, such as a gateway, is not asked for: it would take all of them away at once.
    pub async fn check_ready(&self, realms: &[Arc<Realm>]) -> Result<(), Fault> {
        self.store.check_writes(self.clock.now()).await?;
        self.ephemeral.ping().await?;
        if realms.is_empty() {
            return Err(Fault::Internal("no realm is served".to_owned()));
        }
        for realm in realms {
            let published = self.keys.of(realm)?;
            published.keys.first(&realm.algorithms)?;
            for algorithm in &realm.algorithms {
                // One that was added to a realm is announced first, on every node.
                match published.keys.current(*algorithm) {
                    Ok(_) | Err(NoSigner::Announced(_)) => {}
                    Err(missing) => return Err(missing.into()),
                }
            }
        }
        Ok(())
    }
}

impl Services {
    /// Bytes that short-lived values take here, by share; nothing where another server keeps them.
    pub fn short_lived_sizes(&self) -> impl Iterator<Item = (&'static str, usize)> {
        Share::ALL.into_iter().filter_map(|share| Some((share.name(), self.ephemeral.size(share)?)))
    }
}

/// Keys derived from the first root, one for each purpose: what they make outlives every other root.
pub struct Secrets {
    pub sid: [u8; 32],
    pub pairwise: [u8; 32],
    pub csrf: [u8; 32],
    /// Makes a refresh token's successor.
    pub refresh: [u8; 32],
    pub cookie: Cipher,
}

impl Secrets {
    pub fn derive(ring: &Arc<Ring>) -> Self {
        let first = ring.first();
        Self {
            sid: first.derive("sid"),
            pairwise: first.derive("pairwise"),
            csrf: first.derive("csrf"),
            refresh: first.derive("refresh"),
            cookie: ring.cipher(Purpose::Cookie),
        }
    }
}

/// One request's view of the world.
#[derive(Clone)]
pub struct Ctx {
    pub services: Arc<Services>,
    pub realm: Arc<Realm>,
    pub ip: IpAddr,
    /// Browser and system in a few words.
    pub device: String,
    /// Whether whoever asks is known where they are, or by their browser.
    pub is_known: bool,
}

impl Ctx {
    /// For work that no request asked for.
    pub fn own(services: &Arc<Services>, realm: &Arc<Realm>) -> Self {
        Self {
            services: Arc::clone(services),
            realm: Arc::clone(realm),
            ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
            device: "hufu".to_owned(),
            is_known: false,
        }
    }

    /// The same of somebody of whom it has turned out.
    #[must_use]
    pub fn known(&self, is_known: bool) -> Self {
        Self { is_known, ..self.clone() }
    }

    /// The realm's rows, to read.
    pub fn rows(&self) -> Rows<'_> {
        self.services.store.rows(&self.realm.id)
    }

    /// A transaction in the realm's rows.
    pub async fn begin(&self) -> Result<Tx<'_>, StoreError> {
        self.services.store.begin(&self.realm.id, self.now()).await
    }

    /// The realm's short-lived values.
    pub fn ephemeral(&self) -> OfRealm<'_> {
        let own = self.services.ephemeral.of(&self.realm.id);
        own.asked_from(self.place()).known(self.is_known)
    }

    /// Forgets a short-lived value that something durable has used up. What is done is done: where
    /// this fails, the value expires by itself and works no second time.
    pub async fn forget<T>(&self, slot: &Slot<T>, name: &str) {
        if let Err(error) = self.ephemeral().forget(slot, name).await {
            tracing::warn!(%error, "What was used up could not be forgotten");
        }
    }

    /// The same of this very value: what stands in its place by now is another tab's, and stays.
    pub async fn forget_one<T: Serialize>(&self, slot: &Slot<T>, name: &str, value: &T) {
        // It is over as soon as it stands there again.
        let forgotten = self.ephemeral().replace(slot, name, Some(value), value, 0).await;
        if let Err(error) = forgotten {
            tracing::warn!(%error, "What was used up could not be forgotten");
        }
    }

    /// What came of tidying up after something that is saved: what is done is done, a fault is only logged, and what
    /// stays behind goes by itself.
    pub fn tidied(&self, outcome: Result<(), impl Into<Stop>>) {
        if let Err(left) = outcome {
            let stop: Stop = left.into();
            tracing::warn!(realm = self.realm.id, %stop, "Tidying up has failed");
        }
    }

    /// What is counted against whoever asks.
    pub fn place(&self) -> Place {
        Place::of(self.ip)
    }

    pub fn now(&self) -> Timestamp {
        self.services.clock.now()
    }

    pub fn random(&self) -> &Random {
        &self.services.random
    }

    pub fn new_row_id(&self) -> uuid::Uuid {
        crate::base::id::new_uuid(&self.services.clock, &self.services.random)
    }
}
