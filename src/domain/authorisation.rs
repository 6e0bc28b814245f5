//! Authorisations (授权): one relation between a person and an enterprise, of one identity type,
//! made by two-way confirmation. The state machine stands here whole; whoever changes a state
//! goes through [`Authorisation::apply`].

use serde::{Deserialize, Serialize};

use crate::base::clock::{Day, Timestamp};
use crate::base::id::{AuthorisationId, EnterpriseId, PersonId};
use crate::domain::enterprise::Enterprise;
use crate::domain::identity_type::{Capability, IdentityType, IdentityTypeName, Permissions};
use crate::domain::refusal::{NoIdentity, Refusal};

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Authorisation {
    pub id: AuthorisationId,
    pub enterprise: EnterpriseId,
    pub person: PersonId,
    pub identity_type: IdentityTypeName,
    pub permissions: Permissions,
    pub valid_from: Day,
    /// `None` is long-term (DEC-17).
    pub valid_to: Option<Day>,
    pub origin: Origin,
    pub state: State,
    /// Who asked for it, shown when it is to be confirmed.
    pub invited_by: Option<PersonId>,
    /// When both sides had agreed; an invitation that ran out never was.
    pub confirmed_at: Option<Timestamp>,
    pub updated_at: Timestamp,
    /// Counts changes; a save names the version it read.
    pub version: i64,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    ByEnterprise,
    ByPerson,
    Hall,
    Registry,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    PendingByPerson,
    PendingByEnterprise,
    Active,
    Expired,
    Rejected,
    Withdrawn,
    Deleted,
    Ended,
}

impl State {
    pub const ALL: [Self; 8] = [
        Self::PendingByPerson,
        Self::PendingByEnterprise,
        Self::Active,
        Self::Expired,
        Self::Rejected,
        Self::Withdrawn,
        Self::Deleted,
        Self::Ended,
    ];

    /// Pending or active: of one person, enterprise and identity type there is one at most.
    pub fn is_live(self) -> bool {
        matches!(self, Self::PendingByPerson | Self::PendingByEnterprise | Self::Active)
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::PendingByPerson => "pending_by_person",
            Self::PendingByEnterprise => "pending_by_enterprise",
            Self::Active => "active",
            Self::Expired => "expired",
            Self::Rejected => "rejected",
            Self::Withdrawn => "withdrawn",
            Self::Deleted => "deleted",
            Self::Ended => "ended",
        }
    }

    /// The tab of the history that it stands under (AC-37); `None` while it is not over.
    pub fn history(self) -> Option<&'static str> {
        match self {
            Self::Deleted | Self::Ended => Some("deleted"),
            Self::Withdrawn => Some("withdrawn"),
            Self::Rejected => Some("rejected"),
            _ => None,
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// Nothing ever leaves these.
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Rejected | Self::Withdrawn | Self::Deleted | Self::Ended)
    }
}

/// What can happen to an authorisation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    Confirm,
    Reject,
    Withdraw,
    /// New permissions and end of validity, by a manager.
    Edit {
        permissions: Permissions,
        valid_to: Option<Day>,
    },
    Delete,
    /// `valid_to` has passed, or an invitation was not answered in time.
    Expire,
    Renew {
        permissions: Permissions,
        valid_to: Option<Day>,
    },
    /// The registry no longer names this person.
    RegistryEnd,
}

impl Event {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Confirm => "confirm",
            Self::Reject => "reject",
            Self::Withdraw => "withdraw",
            Self::Edit { .. } => "edit",
            Self::Delete => "delete",
            Self::Expire => "expire",
            Self::Renew { .. } => "renew",
            Self::RegistryEnd => "registry_end",
        }
    }
}

impl Actor {
    /// The side of an event, as it is kept.
    pub fn side(self) -> &'static str {
        match self {
            Self::Manager => "enterprise",
            Self::Holder => "person",
            Self::Officer => "officer",
            Self::System => "system",
        }
    }
}

/// Who makes it happen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Actor {
    /// A person whose identity in the same enterprise may manage handlers.
    Manager,
    /// The person the authorisation is about.
    Holder,
    Officer,
    /// The clock or the registry's feed.
    System,
}

impl Authorisation {
    /// The next state, or why not: `E_STATE`, `E_ROLE`, `E_PROTECTED`, `E_OFFLINE_ONLY`, `E_FORMAT`.
    pub fn apply(
        &self,
        event: &Event,
        actor: Actor,
        identity_type: &IdentityType,
        now: Timestamp,
    ) -> Result<Self, Refusal> {
        let mut next = self.clone();
        next.state = self.next_state(event, actor, identity_type, now)?;
        if let Event::Edit { permissions, valid_to } | Event::Renew { permissions, valid_to } =
            event
        {
            if !identity_type.allows(permissions) || permissions.is_empty() {
                return Err(Refusal::format("permissions"));
            }
            if valid_to.is_some_and(|end| end < now.day()) {
                return Err(Refusal::format("valid_to"));
            }
            next.permissions.clone_from(permissions);
            next.valid_to = *valid_to;
        }
        if *event == Event::Confirm {
            next.confirmed_at = Some(now);
        }
        next.updated_at = now;
        next.version += 1;
        Ok(next)
    }

    fn next_state(
        &self,
        event: &Event,
        actor: Actor,
        identity_type: &IdentityType,
        now: Timestamp,
    ) -> Result<State, Refusal> {
        let online = identity_type.can(Capability::GrantedOnline);
        match (self.state, event, actor) {
            (State::PendingByPerson, Event::Confirm, Actor::Holder)
                if self.valid_to.is_some_and(|end| end < now.day()) =>
            {
                Err(Refusal::State)
            }
            (State::PendingByPerson, Event::Confirm, Actor::Holder)
            | (State::PendingByEnterprise, Event::Confirm, Actor::Manager) => Ok(State::Active),
            (State::PendingByPerson, Event::Reject, Actor::Holder)
            | (State::PendingByEnterprise, Event::Reject, Actor::Manager) => Ok(State::Rejected),
            (State::PendingByPerson, Event::Withdraw, Actor::Manager)
                if self.origin == Origin::Hall =>
            {
                Err(Refusal::OfflineOnly)
            }
            (State::PendingByPerson, Event::Withdraw, Actor::Manager | Actor::Officer)
            | (State::PendingByEnterprise, Event::Withdraw, Actor::Holder) => Ok(State::Withdrawn),
            (State::Active, Event::Edit { .. } | Event::Delete, Actor::Manager) if !online => {
                Err(Refusal::Protected)
            }
            (State::Active, Event::Edit { .. }, Actor::Manager) => Ok(State::Active),
            (State::Active, Event::Delete, Actor::Holder)
                if !identity_type.can(Capability::EndedByPerson) =>
            {
                Err(Refusal::Protected)
            }
            (State::Active, Event::Delete, Actor::Manager | Actor::Holder | Actor::Officer) => {
                Ok(State::Deleted)
            }
            (
                State::Active | State::PendingByPerson | State::PendingByEnterprise,
                Event::Expire,
                Actor::System,
            ) => Ok(State::Expired),
            (State::Expired, Event::Renew { permissions, .. }, Actor::Manager) if online => {
                let widened = !permissions.is_subset(&self.permissions);
                let agreed = self.confirmed_at.is_some() && !widened;
                Ok(if agreed { State::Active } else { State::PendingByPerson })
            }
            (State::Active, Event::RegistryEnd, Actor::System) => Ok(State::Ended),
            (state, _, _) if state.is_terminal() => Err(Refusal::State),
            (State::PendingByPerson | State::PendingByEnterprise | State::Active, event, actor)
                if Self::wrong_hands(event, actor) =>
            {
                Err(Refusal::Role)
            }
            _ => Err(Refusal::State),
        }
    }

    /// An act that some role may do, but never this one.
    fn wrong_hands(event: &Event, actor: Actor) -> bool {
        match event {
            Event::Edit { .. } | Event::Renew { .. } => actor != Actor::Manager,
            Event::Expire | Event::RegistryEnd => actor != Actor::System,
            Event::Confirm | Event::Reject => matches!(actor, Actor::System | Actor::Officer),
            Event::Withdraw | Event::Delete => actor == Actor::System,
        }
    }

    /// Whether it gives less than `before`.
    pub fn is_less_than(&self, before: &Self) -> bool {
        is_less((&self.permissions, self.valid_to), (&before.permissions, before.valid_to))
    }

    /// Whether it gives its person an identity at `now` (E-23).
    pub fn usable(&self, enterprise: &Enterprise, now: Timestamp) -> Result<(), NoIdentity> {
        if !enterprise.status.is_alive() {
            return Err(NoIdentity::Deregistered);
        }
        match self.state {
            State::PendingByPerson | State::PendingByEnterprise => return Err(NoIdentity::Pending),
            State::Expired => return Err(NoIdentity::OutsideTerm),
            State::Rejected | State::Withdrawn | State::Deleted | State::Ended => {
                return Err(NoIdentity::Ended);
            }
            State::Active => {}
        }
        let today = now.day();
        if today < self.valid_from || self.valid_to.is_some_and(|end| end < today) {
            return Err(NoIdentity::OutsideTerm);
        }
        Ok(())
    }
}

/// Whether permissions and their end are less than before: what applications hold is then too much.
pub fn is_less<T: Ord>(
    (now, end): (&Permissions, Option<T>),
    (before, end_before): (&Permissions, Option<T>),
) -> bool {
    let ends_earlier = end.is_some_and(|end| end_before.is_none_or(|before| end < before));
    ends_earlier || !before.is_subset(now)
}
