//! The table of authorisations (domain model 2.2): what can happen to one, by whom, and what it is
//! afterwards. A [`Changed`] is made here alone, and nothing else can be saved; what follows from
//! one for sessions, messages and applications is not decided here.

use super::{Authorisation, HistoryEntry, Origin, State, Terms};
use crate::base::clock::{Day, Timestamp};
use crate::base::id::{AuthorisationId, EnterpriseId, PersonId};
use crate::domain::identity_type::{Capability, IdentityType, PermissionPolicy, Permissions};
use crate::domain::refusal::Refusal;

/// What can happen to an authorisation. The first two, and the registry's word, also begin one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// The enterprise, or an officer in the hall, asks the person.
    Add(Terms),
    /// The person asks the enterprise; the terms are a wish.
    Apply(Terms),
    /// The person agrees to what was asked.
    Confirm,
    /// A manager agrees to an application, on these terms (AC-26).
    Accept(Terms),
    Reject,
    Withdraw,
    Edit(Terms),
    Delete,
    /// The term has passed, or an invitation was not answered in time.
    Expire,
    /// The number that an invitation named is proved to be somebody else's, or the registry says so. Where it could
    /// be theirs it goes over to them, who have still to answer it; else it is over.
    Proved {
        holder: PersonId,
        may_hold: bool,
    },
    Renew(Terms),
    /// The registry says that it is active, or who has still to confirm it; it alone says since when.
    Registry {
        state: State,
        valid_from: Day,
        terms: Terms,
    },
    /// The registry says that it is over.
    RegistryEnd(State),
}

impl Event {
    /// As it is kept and audited.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Add(_) => "add",
            Self::Apply(_) => "apply",
            // The two confirmations that an active one of two sides has (invariant 5).
            Self::Confirm | Self::Accept(_) => "confirm",
            Self::Reject => "reject",
            Self::Withdraw => "withdraw",
            Self::Edit(_) => "edit",
            Self::Delete => "delete",
            Self::Expire => "expire",
            Self::Proved { .. } => "proved",
            Self::Renew(_) => "renew",
            Self::Registry { .. } => "registry",
            Self::RegistryEnd(_) => "registry_end",
        }
    }

    /// Acts that some actor may do, but never this one.
    fn is_never_done_by(&self, actor: Actor) -> bool {
        match self {
            Self::Add(_) => !matches!(actor, Actor::Manager | Actor::Officer),
            Self::Apply(_) => actor != Actor::Holder,
            Self::Proved { .. } => !matches!(actor, Actor::Holder | Actor::Registry),
            Self::Edit(_) => !matches!(actor, Actor::Manager | Actor::Officer),
            Self::Accept(_) | Self::Renew(_) => actor != Actor::Manager,
            Self::Expire => actor != Actor::Clock,
            Self::Registry { .. } | Self::RegistryEnd(_) => actor != Actor::Registry,
            Self::Confirm | Self::Reject => !matches!(actor, Actor::Manager | Actor::Holder),
            Self::Withdraw | Self::Delete => matches!(actor, Actor::Clock | Actor::Registry),
        }
    }

    /// What a manager gives, they give to somebody else: the two sides of a relation are two people
    /// (AC-21, AC-23), and what somebody gave themself would outlive their office.
    fn is_given_to_oneself(&self, by: By, holder: PersonId) -> bool {
        let is_given =
            matches!(self, Self::Add(_) | Self::Accept(_) | Self::Edit(_) | Self::Renew(_));
        is_given && by.actor == Actor::Manager && by.person == Some(holder)
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
    Clock,
    /// The registry's feed.
    Registry,
}

impl Actor {
    pub const ALL: [Self; 5] =
        [Self::Manager, Self::Holder, Self::Officer, Self::Clock, Self::Registry];

    /// The side that acted, as it is kept and shown.
    pub fn side(self) -> &'static str {
        match self {
            Self::Manager => "enterprise",
            Self::Holder => "person",
            Self::Officer => "officer",
            Self::Clock => "system",
            Self::Registry => "registry",
        }
    }

    pub fn of_side(side: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|actor| actor.side() == side)
    }
}

/// Who does it, and which person that is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct By {
    pub actor: Actor,
    pub person: Option<PersonId>,
}

impl By {
    pub const CLOCK: Self = Self { actor: Actor::Clock, person: None };
    /// Who that is stands in the audit, with the reason.
    pub const OFFICER: Self = Self { actor: Actor::Officer, person: None };
    pub const REGISTRY: Self = Self { actor: Actor::Registry, person: None };

    pub fn holder(person: PersonId) -> Self {
        Self { actor: Actor::Holder, person: Some(person) }
    }

    pub fn manager(person: PersonId) -> Self {
        Self { actor: Actor::Manager, person: Some(person) }
    }
}

/// What a new one ties together.
#[derive(Clone, Debug)]
pub struct New<'t> {
    pub id: AuthorisationId,
    pub enterprise: EnterpriseId,
    pub person: PersonId,
    pub identity_type: &'t IdentityType,
    pub valid_from: Day,
    pub invited_by: Option<PersonId>,
}

/// One step of the table, taken. The store saves this and nothing else.
#[derive(Clone, PartialEq, Eq, Debug)]
#[must_use = "nothing has happened until it is saved"]
pub struct Changed {
    before: Option<Authorisation>,
    after: Authorisation,
    event: Event,
    by: By,
}

impl Changed {
    /// `None`: it is new.
    pub fn before(&self) -> Option<&Authorisation> {
        self.before.as_ref()
    }

    pub fn after(&self) -> &Authorisation {
        &self.after
    }

    pub fn event(&self) -> &Event {
        &self.event
    }

    pub fn by(&self) -> By {
        self.by
    }

    pub fn was_active(&self) -> bool {
        self.before.as_ref().is_some_and(|before| before.state == State::Active)
    }

    pub fn is_active(&self) -> bool {
        self.after.state == State::Active
    }

    /// Somebody works by it from now on, for the first time or again.
    pub fn begins(&self) -> bool {
        self.is_active() && !self.was_active()
    }

    /// What both sides find in their history, when it is over now.
    pub fn history(&self) -> Option<HistoryEntry> {
        Some(HistoryEntry {
            authorisation: self.after.id,
            reason: self.after.state.history()?,
            by: self.by.actor,
            at: self.after.updated_at,
            hidden_for_enterprise_at: None,
            hidden_for_person_at: None,
        })
    }
}

impl Authorisation {
    /// A new one, or why not: `E_STATE`, `E_ROLE`, `E_PROTECTED`, `E_FORMAT`. That there is no
    /// other live one of its kind is the store's to see (invariant 4).
    pub fn begin(new: New<'_>, event: &Event, by: By, now: Timestamp) -> Result<Changed, Refusal> {
        let online = new.identity_type.can(Capability::GrantedOnline);
        let (state, origin) = match (event, by.actor) {
            (Event::Add(_), Actor::Manager) | (Event::Apply(_), Actor::Holder) if !online => {
                return Err(Refusal::Protected);
            }
            _ if event.is_given_to_oneself(by, new.person) => return Err(Refusal::State),
            (Event::Add(_), Actor::Manager) => (State::PendingByPerson, Origin::ByEnterprise),
            (Event::Add(_), Actor::Officer) => (State::PendingByPerson, Origin::Hall),
            (Event::Apply(_), Actor::Holder) => (State::PendingByEnterprise, Origin::ByPerson),
            (Event::Registry { state, .. }, Actor::Registry) if state.is_live() => {
                let origin = match state {
                    State::PendingByEnterprise => Origin::ByPerson,
                    _ if new.invited_by.is_some() => Origin::ByEnterprise,
                    _ => Origin::Registry,
                };
                (*state, origin)
            }
            (event, actor) if event.is_never_done_by(actor) => return Err(Refusal::Role),
            _ => return Err(Refusal::State),
        };
        let New { id, enterprise, person, identity_type, valid_from, invited_by } = new;
        let nothing = Terms { permissions: Permissions::new(), valid_to: None };
        let after = Self {
            id,
            enterprise,
            person,
            identity_type: identity_type.name.clone(),
            valid_from,
            origin,
            invited_by,
            state,
            terms: new_terms(event, identity_type, now)?.unwrap_or(nothing),
            confirmed_at: (state == State::Active).then_some(now),
            updated_at: now,
            version: 1,
        };
        Ok(Changed { before: None, after, event: event.clone(), by })
    }

    /// The next step, or why not: `E_STATE`, `E_ROLE`, `E_PROTECTED`, `E_OFFLINE_ONLY`, `E_FORMAT`.
    pub fn apply(
        &self,
        event: &Event,
        by: By,
        identity_type: &IdentityType,
        now: Timestamp,
    ) -> Result<Changed, Refusal> {
        let state = self.next_state(event, by.actor, identity_type, now)?;
        if event.is_given_to_oneself(by, self.person) {
            return Err(Refusal::State);
        }
        let mut after = self.clone();
        if let Some(terms) = new_terms(event, identity_type, now)? {
            after.terms = terms;
        }
        if let Event::Registry { valid_from, .. } = event {
            after.valid_from = *valid_from;
        }
        if let (Event::Proved { holder, .. }, State::PendingByPerson) = (event, state) {
            after.person = *holder;
        }
        after.confirmed_at = match state {
            State::Active if self.state == State::Active => self.confirmed_at.or(Some(now)),
            // Also what is revived: in between nobody worked by it.
            State::Active => Some(now),
            // What is asked anew was not agreed to, however it ends.
            State::PendingByPerson | State::PendingByEnterprise => None,
            _ => self.confirmed_at,
        };
        after.state = state;
        after.updated_at = now;
        after.version += 1;
        Ok(Changed { before: Some(self.clone()), after, event: event.clone(), by })
    }

    /// Whether it stands already as the registry says: the same words again are no news.
    pub fn is_as_told(&self, event: &Event, now: Timestamp) -> bool {
        match event {
            Event::Registry { state, valid_from, terms } => {
                // Of what is over already no first day matters any more.
                let ran_out = self.state == State::Expired && terms.is_past(now);
                let stands = self.state == *state && self.valid_from == *valid_from;
                self.terms == *terms && (stands || ran_out)
            }
            Event::RegistryEnd(_) => self.state.is_terminal(),
            _ => false,
        }
    }

    /// How the registry ends it when it names somebody else, or the enterprise is gone.
    pub fn registry_end(&self) -> Event {
        Event::RegistryEnd(match self.state {
            State::PendingByPerson | State::PendingByEnterprise => State::Withdrawn,
            _ => State::Ended,
        })
    }

    fn next_state(
        &self,
        event: &Event,
        actor: Actor,
        identity_type: &IdentityType,
        now: Timestamp,
    ) -> Result<State, Refusal> {
        if self.state.is_terminal() {
            return Err(Refusal::State);
        }
        match (event, actor) {
            (Event::Proved { may_hold, .. }, Actor::Holder | Actor::Registry) => {
                return self.next_by_proof(*may_hold);
            }
            (_, Actor::Registry) => return self.next_by_registry(event, now),
            _ => {}
        }
        let online = identity_type.can(Capability::GrantedOnline);
        // What the registry alone gives no manager touches, also while it waits (AC-35, S-12).
        if actor == Actor::Manager && !online && self.state.is_live() {
            return Err(Refusal::Protected);
        }
        match (self.state, event, actor) {
            (State::PendingByPerson, Event::Confirm, Actor::Holder) if self.is_past(now) => {
                Err(Refusal::State)
            }
            (State::PendingByPerson, Event::Confirm, Actor::Holder)
            | (State::PendingByEnterprise, Event::Accept(_), Actor::Manager) => Ok(State::Active),
            (State::PendingByPerson, Event::Reject, Actor::Holder)
            | (State::PendingByEnterprise, Event::Reject, Actor::Manager) => Ok(State::Rejected),
            (State::PendingByPerson, Event::Withdraw | Event::Edit(_), Actor::Manager)
                if self.origin == Origin::Hall =>
            {
                Err(Refusal::OfflineOnly)
            }
            (State::PendingByPerson, Event::Withdraw, Actor::Manager | Actor::Officer)
            | (State::PendingByEnterprise, Event::Withdraw, Actor::Holder) => Ok(State::Withdrawn),
            (State::PendingByPerson, Event::Edit(_), Actor::Officer)
                if self.origin == Origin::Hall =>
            {
                Ok(State::PendingByPerson)
            }
            (State::Active, Event::Edit(_), Actor::Manager | Actor::Officer) => Ok(State::Active),
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
                Actor::Clock,
            ) => Ok(State::Expired),
            (State::Expired, Event::Renew(terms), Actor::Manager) if online => {
                let widened = !terms.permissions.is_subset(&self.terms.permissions);
                let agreed = self.confirmed_at.is_some() && !widened;
                Ok(if agreed { State::Active } else { State::PendingByPerson })
            }
            (_, event, actor) if self.state.is_live() && event.is_never_done_by(actor) => {
                Err(Refusal::Role)
            }
            _ => Err(Refusal::State),
        }
    }

    fn next_by_proof(&self, may_hold: bool) -> Result<State, Refusal> {
        match self.state {
            State::PendingByPerson if may_hold => Ok(State::PendingByPerson),
            State::PendingByPerson => Ok(State::Withdrawn),
            State::Expired if self.confirmed_at.is_none() => Ok(State::Withdrawn),
            _ => Err(Refusal::State),
        }
    }

    /// The registry speaks for both sides, but takes no word back that they have given each other.
    fn next_by_registry(&self, event: &Event, now: Timestamp) -> Result<State, Refusal> {
        match (self.state, event) {
            (State::Expired, Event::Registry { state: State::Active, terms, .. })
                if terms.is_past(now) =>
            {
                Err(Refusal::format("valid_to"))
            }
            (
                State::PendingByPerson
                | State::PendingByEnterprise
                | State::Active
                | State::Expired,
                Event::Registry { state: State::Active, .. },
            ) => Ok(State::Active),
            (
                pending @ (State::PendingByPerson | State::PendingByEnterprise),
                Event::Registry { state, .. },
            ) if *state == pending => Ok(pending),
            (State::PendingByPerson | State::PendingByEnterprise, Event::RegistryEnd(state))
                if state.is_terminal() =>
            {
                Ok(*state)
            }
            (
                State::Active | State::Expired,
                Event::RegistryEnd(state @ (State::Deleted | State::Ended)),
            ) => Ok(*state),
            (_, event) if event.is_never_done_by(Actor::Registry) => Err(Refusal::Role),
            _ => Err(Refusal::State),
        }
    }

    fn is_past(&self, now: Timestamp) -> bool {
        self.terms.is_past(now)
    }
}

/// The terms that an event brings, if they fit the identity type (AC-14, AC-15, invariant 14).
fn new_terms(
    event: &Event,
    identity_type: &IdentityType,
    now: Timestamp,
) -> Result<Option<Terms>, Refusal> {
    let (terms, is_chosen) = match event {
        Event::Add(terms) | Event::Accept(terms) | Event::Edit(terms) | Event::Renew(terms) => {
            (terms, true)
        }
        Event::Apply(terms) | Event::Registry { terms, .. } => (terms, false),
        _ => return Ok(None),
    };
    let is_none =
        terms.permissions.is_empty() && identity_type.permissions != PermissionPolicy::All;
    if !identity_type.allows(&terms.permissions) || (is_chosen && is_none) {
        return Err(Refusal::format("permissions"));
    }
    // What the registry tells may be over already.
    if is_chosen && terms.is_past(now) {
        return Err(Refusal::format("valid_to"));
    }
    Ok(Some(terms.clone()))
}
