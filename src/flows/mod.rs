//! Use cases: load, decide, save. What is not done leaves by [`Stop`]: a transaction that is dropped
//! is rolled back, so a refusal leaves nothing behind but what was committed by name (failures that
//! are counted, attempts that are logged). Flows that cannot refuse say so: their `Err` is a [`Fault`].

pub mod centre;
pub mod feed;
pub mod hashing;
pub mod identity;
pub mod keys;
pub mod notify;
pub mod oauth;
pub mod relations;
pub mod sign_in;
pub mod versions;

use std::net::IpAddr;
use std::sync::Arc;

use crate::base::cipher::{Cipher, MasterKey};
use crate::base::clock::{Clock, Timestamp};
use crate::base::random::Random;
use crate::domain::refusal::{NoIdentity, Refusal};
use crate::ephemeral::{Ephemeral, EphemeralError, OfRealm, Slot};
use crate::jose::JoseError;
use crate::oidc::discovery::DiscoveryError;
use crate::oidc::error::OAuthError;
use crate::outbound::Outbound;
use crate::realm::Realm;
use crate::store::{Rows, Store, StoreError, Tx};
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
    /// What the person or client can do something about: somebody else was faster, or a value that
    /// nothing of ours can keep.
    pub fn refusal(&self) -> Option<Refusal> {
        match self {
            Self::Store(StoreError::Conflict(_)) => Some(Refusal::State),
            Self::Store(StoreError::BadValue(_)) => Some(Refusal::format("value")),
            _ => None,
        }
    }

    pub fn is_temporary(&self) -> bool {
        matches!(
            self,
            Self::Store(StoreError::Unavailable(_))
                | Self::Ephemeral(EphemeralError::Unavailable(_))
        )
    }
}

/// Why a flow stopped before its end.
#[derive(Debug, thiserror::Error)]
pub enum Stop {
    /// The person is told, with a stable code.
    #[error("refused: {}", .0.code())]
    Refused(Refusal),
    /// The application is told (RFC 6749 §5.2).
    #[error("refused: {}", .0.reason)]
    Client(OAuthError),
    /// Nobody's doing; logged once at the boundary.
    #[error(transparent)]
    Fault(Fault),
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<NoIdentity> for Stop {
    fn from(why: NoIdentity) -> Self {
        Self::Refused(Refusal::NoIdentity(why))
    }
}

impl From<OAuthError> for Stop {
    fn from(error: OAuthError) -> Self {
        Self::Client(error)
    }
}

impl<F: Into<Fault>> From<F> for Stop {
    fn from(fault: F) -> Self {
        Self::Fault(fault.into())
    }
}

impl Stop {
    /// Back to a value where a form is shown again: what was refused, or what was done.
    pub fn refusal<T>(outcome: Result<T, Self>) -> Result<Shown<T>, Self> {
        match outcome {
            Ok(done) => Ok(Ok(done)),
            Err(Self::Refused(refusal)) => Ok(Err(refusal)),
            Err(Self::Fault(fault)) => match fault.refusal() {
                Some(refusal) => {
                    tracing::info!(%fault, "The database refused");
                    Ok(Err(refusal))
                }
                None => Err(Self::Fault(fault)),
            },
            Err(other) => Err(other),
        }
    }

    /// Back to a value where the interface has a form of its own for errors.
    pub fn client<T>(outcome: Result<T, Self>) -> Result<Answered<T>, Self> {
        match outcome {
            Ok(done) => Ok(Ok(done)),
            Err(Self::Client(error)) => Ok(Err(error)),
            Err(other) => Err(other),
        }
    }
}

/// What a form led to.
pub type Shown<T> = Result<T, Refusal>;

/// What an application's request led to.
pub type Answered<T> = Result<T, OAuthError>;

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
        self.services.ephemeral.of(&self.realm.id)
    }

    /// Forgets a short-lived value that something durable has used up. What is done is done: where
    /// this fails, the value expires by itself and works no second time.
    pub async fn forget<T>(&self, slot: &Slot<T>, name: &str) {
        if let Err(error) = self.ephemeral().forget(slot, name).await {
            tracing::warn!(%error, "What was used up could not be forgotten");
        }
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
