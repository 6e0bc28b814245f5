//! Why what applications hold ends or changes: in words for whoever operates them, and by whom.

use crate::domain::authorisation::Actor;

/// On whose account something happens (CAEP 1.0 §2, `initiating_entity`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Initiator {
    /// The person whose session it is.
    User,
    /// Somebody who decides about them: a manager of the enterprise, the bureau.
    Admin,
    /// A rule of ours: a term that is over, a document that has ended.
    Policy,
    /// The registry.
    System,
}

impl Initiator {
    pub fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Admin => "admin",
            Self::Policy => "policy",
            Self::System => "system",
        }
    }
}

impl From<Actor> for Initiator {
    fn from(actor: Actor) -> Self {
        match actor {
            Actor::Holder => Self::User,
            Actor::Manager | Actor::Officer => Self::Admin,
            Actor::Clock => Self::Policy,
            Actor::Registry => Self::System,
        }
    }
}

/// Why a session, or the tokens of one of its identities, has ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cause {
    SignedOut,
    SignedInAnew,
    EndedElsewhere,
    Switched,
    PasswordChanged,
    ConsentWithdrawn,
    Cancelled,
    ByBureau,
    IdentityEnded(Initiator),
}

impl Cause {
    pub fn reason(self) -> &'static str {
        match self {
            Self::SignedOut => "the person signed out",
            Self::SignedInAnew => "somebody signed in anew in this browser",
            Self::EndedElsewhere => "the person ended it from another browser",
            Self::Switched => "the person works in another identity now",
            Self::PasswordChanged => "the password was changed",
            Self::ConsentWithdrawn => "the person took their consent back",
            Self::Cancelled => "the account was cancelled",
            Self::ByBureau => "the bureau ended it",
            Self::IdentityEnded(_) => "the identity has ended",
        }
    }

    pub fn initiator(self) -> Initiator {
        match self {
            Self::SignedOut
            | Self::SignedInAnew
            | Self::EndedElsewhere
            | Self::Switched
            | Self::PasswordChanged
            | Self::ConsentWithdrawn
            | Self::Cancelled => Initiator::User,
            Self::ByBureau => Initiator::Admin,
            Self::IdentityEnded(by) => by,
        }
    }
}
