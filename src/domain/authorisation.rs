//! Authorisations (授权): one relation between a person and an enterprise, of one identity type,
//! made by two-way confirmation. What it gives and how it stands is read here by everybody; what
//! can happen to it, and by whom, stands in `change` whole.

mod change;

use serde::{Deserialize, Serialize};

pub use change::{Actor, By, Changed, Event, New};

use crate::base::clock::{Day, Timestamp};
use crate::base::id::{AuthorisationId, EnterpriseId, PersonId};
use crate::domain::enterprise::Enterprise;
use crate::domain::identity_type::{IdentityTypeName, Permissions};
use crate::domain::refusal::NoIdentity;

/// The public fields never change, but `valid_from` by the registry and `person` where the number that an
/// invitation named turns out to be somebody else's; the others only by an [`Event`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Authorisation {
    pub id: AuthorisationId,
    pub enterprise: EnterpriseId,
    pub person: PersonId,
    pub identity_type: IdentityTypeName,
    pub valid_from: Day,
    pub origin: Origin,
    /// Who asked for it, shown when it is to be confirmed.
    pub invited_by: Option<PersonId>,
    state: State,
    terms: Terms,
    confirmed_at: Option<Timestamp>,
    updated_at: Timestamp,
    version: i64,
}

/// Everything that a row of the store holds, for the store alone; everybody else has [`Changed`].
pub struct AuthorisationRow {
    pub id: AuthorisationId,
    pub enterprise: EnterpriseId,
    pub person: PersonId,
    pub identity_type: IdentityTypeName,
    pub valid_from: Day,
    pub origin: Origin,
    pub invited_by: Option<PersonId>,
    pub state: State,
    pub terms: Terms,
    pub confirmed_at: Option<Timestamp>,
    pub updated_at: Timestamp,
    pub version: i64,
}

/// What it gives, and how long.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Terms {
    pub permissions: Permissions,
    /// `None` is long-term (DEC-17).
    pub valid_to: Option<Day>,
}

impl Terms {
    fn is_past(&self, now: Timestamp) -> bool {
        self.valid_to.is_some_and(|end| end < now.day())
    }
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

    /// Waits for one of the two sides.
    pub fn is_pending(self) -> bool {
        matches!(self, Self::PendingByPerson | Self::PendingByEnterprise)
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
    pub fn history(self) -> Option<HistoryReason> {
        match self {
            Self::Deleted | Self::Ended => Some(HistoryReason::Deleted),
            Self::Withdrawn => Some(HistoryReason::Withdrawn),
            Self::Rejected => Some(HistoryReason::Rejected),
            Self::PendingByPerson | Self::PendingByEnterprise | Self::Active | Self::Expired => {
                None
            }
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

/// The three tabs of a history (AC-37, AU-16).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HistoryReason {
    /// It was active and is over, whoever ended it.
    Deleted,
    /// Taken back by the side that had asked.
    Withdrawn,
    /// Refused by the side that was asked.
    Rejected,
}

impl HistoryReason {
    pub const ALL: [Self; 3] = [Self::Deleted, Self::Withdrawn, Self::Rejected];

    pub fn name(self) -> &'static str {
        match self {
            Self::Deleted => "deleted",
            Self::Withdrawn => "withdrawn",
            Self::Rejected => "rejected",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.name() == name)
    }
}

/// The end of a relation, as both sides see it in their history until they hide it from their own
/// view (AC-36 to AC-40, AU-16, AU-17).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HistoryEntry {
    pub authorisation: AuthorisationId,
    pub reason: HistoryReason,
    pub by: Actor,
    pub at: Timestamp,
    pub hidden_for_enterprise_at: Option<Timestamp>,
    pub hidden_for_person_at: Option<Timestamp>,
}

impl HistoryEntry {
    /// Whether nobody may begin it again for the person without asking them. A manager who takes an invitation
    /// back, or refuses an application, has taken no word of theirs.
    pub fn takes_word_back(&self) -> bool {
        self.reason == HistoryReason::Deleted || self.by != Actor::Manager
    }
}

impl Authorisation {
    pub fn state(&self) -> State {
        self.state
    }

    pub fn terms(&self) -> &Terms {
        &self.terms
    }

    pub fn permissions(&self) -> &Permissions {
        &self.terms.permissions
    }

    /// The last day; `None` is long-term (DEC-17).
    pub fn valid_to(&self) -> Option<Day> {
        self.terms.valid_to
    }

    /// Whether the person can confirm it now and work by it at once (E-16).
    pub fn may_be_confirmed(&self, now: Timestamp) -> bool {
        let today = now.day();
        self.state == State::PendingByPerson
            && self.valid_from <= today
            && self.terms.valid_to.is_none_or(|end| end >= today)
    }

    /// When both sides had agreed; an invitation that ran out never was.
    pub fn confirmed_at(&self) -> Option<Timestamp> {
        self.confirmed_at
    }

    /// The same without the person's word, which they have taken back since: whatever renews it asks them.
    #[must_use]
    pub fn without_word(&self) -> Self {
        Self { confirmed_at: None, ..self.clone() }
    }

    pub fn updated_at(&self) -> Timestamp {
        self.updated_at
    }

    /// Counts changes; a save names the version it read.
    pub fn version(&self) -> i64 {
        self.version
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
        if today < self.valid_from || self.terms.valid_to.is_some_and(|end| end < today) {
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

impl From<AuthorisationRow> for Authorisation {
    fn from(row: AuthorisationRow) -> Self {
        Self {
            id: row.id,
            enterprise: row.enterprise,
            person: row.person,
            identity_type: row.identity_type,
            valid_from: row.valid_from,
            origin: row.origin,
            invited_by: row.invited_by,
            state: row.state,
            terms: row.terms,
            confirmed_at: row.confirmed_at,
            updated_at: row.updated_at,
            version: row.version,
        }
    }
}
