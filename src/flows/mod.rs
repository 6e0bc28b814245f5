//! Use cases: load, decide, save. A refusal is an `Ok` that is committed and shown; an `Err` is a
//! [`Fault`], rolled back and logged once at the boundary.

pub mod app;
pub mod authenticator;
pub mod authorisations;
pub mod authorize;
pub mod centre;
pub mod clients;
pub mod delivery;
pub mod devices;
pub mod dpop;
pub mod expiry;
pub mod face;
pub mod feed;
pub mod fixtures;
pub mod handlers;
pub mod hashing;
pub mod identity;
pub mod keys;
pub mod level;
pub mod login;
pub mod logout;
pub mod passkey;
pub mod relations;
pub mod resource;
pub mod scan;
pub mod scan_app;
pub mod second_factor;
pub mod settle;
pub mod step_up;
pub mod streams;
pub mod switching;
pub mod telling;
pub mod token;
pub mod versions;

use std::net::IpAddr;
use std::sync::Arc;

use crate::base::cipher::{Cipher, MasterKey};
use crate::base::clock::{Clock, Timestamp};
use crate::base::random::Random;
use crate::ephemeral::{Ephemeral, EphemeralError};
use crate::jose::JoseError;
use crate::oidc::discovery::DiscoveryError;
use crate::outbound::Outbound;
use crate::realm::Realm;
use crate::store::{Store, StoreError};
use hashing::Hashing;
use keys::KeyRing;

/// Not the person's nor the client's doing.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// Something we stand on is away: 503 with `Retry-After`.
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Ephemeral(#[from] EphemeralError),
    #[error(transparent)]
    Jose(#[from] JoseError),
    #[error(transparent)]
    Discovery(#[from] DiscoveryError),
    #[error("{0}")]
    Internal(String),
}

impl Fault {
    pub fn is_temporary(&self) -> bool {
        matches!(
            self,
            Self::Store(StoreError::Unavailable(_))
                | Self::Ephemeral(EphemeralError::Unavailable(_))
        )
    }
}

/// What every flow stands on; one for the process.
pub struct Services {
    pub clock: Clock,
    pub random: Random,
    pub store: Store,
    pub ephemeral: Ephemeral,
    pub outbound: Outbound,
    pub hashing: Hashing,
    pub keys: KeyRing,
    pub secrets: Secrets,
}

/// Keys derived from the master key, one for each purpose.
pub struct Secrets {
    pub sid: [u8; 32],
    pub pairwise: [u8; 32],
    pub csrf: [u8; 32],
    pub cookie: Cipher,
}

impl Secrets {
    pub fn derive(master: &MasterKey) -> Self {
        Self {
            sid: master.derive("sid"),
            pairwise: master.derive("pairwise"),
            csrf: master.derive("csrf"),
            cookie: master.cipher("cookie"),
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
}

impl Ctx {
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
