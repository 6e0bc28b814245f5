//! Why a flow stopped before its end, and how that turns back into a value.

use crate::domain::refusal::{NoIdentity, Refusal};
use crate::ephemeral::EphemeralError;
use crate::jose::JoseError;
use crate::jose::keys::NoSigner;
use crate::oidc::discovery::DiscoveryError;
use crate::oidc::error::{ErrorCode, OAuthError};
use crate::store::StoreError;

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
    NoSigner(#[from] NoSigner),
    #[error(transparent)]
    Discovery(#[from] DiscoveryError),
    #[error("{0}")]
    Internal(String),
}

impl Fault {
    /// What the person or client can do something about: somebody else was faster, a value that
    /// nothing of ours can keep, or it can be tried again when there is room or another transaction is over.
    pub fn refusal(&self) -> Option<Refusal> {
        match self {
            _ if self.is_want_of_room() => Some(Refusal::Busy),
            Self::Store(StoreError::GaveWay(_)) => Some(Refusal::Busy),
            Self::Store(StoreError::Conflict(_)) => Some(Refusal::State),
            Self::Store(StoreError::BadValue(_)) => Some(Refusal::format("value")),
            _ => None,
        }
    }

    /// The short-lived store is full.
    pub fn is_want_of_room(&self) -> bool {
        matches!(self, Self::Ephemeral(EphemeralError::Full(_)))
    }

    /// What an application is told in its own words, because it has asked too early.
    pub fn client_error(&self) -> Option<OAuthError> {
        matches!(self, Self::NoSigner(NoSigner::Announced(_))).then(unannounced)
    }

    pub fn is_temporary(&self) -> bool {
        matches!(
            self,
            Self::Store(StoreError::Unavailable(_))
                | Self::Ephemeral(EphemeralError::Unavailable(_))
                | Self::NoSigner(NoSigner::Announced(_))
        )
    }
}

/// An algorithm that was added to the realm signs only when everybody can know its first key.
pub fn unannounced() -> OAuthError {
    let reason = "the key that signs for this client is announced and does not sign yet";
    OAuthError::new(ErrorCode::TemporarilyUnavailable, reason)
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
        match Self::refused(outcome) {
            Err(Self::Fault(fault)) => match fault.refusal() {
                Some(refusal) => {
                    tracing::info!(%fault, "What is kept is in the way");
                    Ok(Err(refusal))
                }
                None => Err(Self::Fault(fault)),
            },
            other => other,
        }
    }

    /// The same within a transaction that goes on: what the store stumbled over has broken that, and ends it.
    pub fn refused<T>(outcome: Result<T, Self>) -> Result<Shown<T>, Self> {
        match outcome {
            Ok(done) => Ok(Ok(done)),
            Err(Self::Refused(refusal)) => Ok(Err(refusal)),
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
