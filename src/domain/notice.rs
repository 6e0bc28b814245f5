//! Notices: what the other side of an authorisation is told in the message centre.

use crate::base::clock::Timestamp;
use crate::base::id::{AuthorisationId, EnterpriseId, PersonId};
use crate::domain::authorisation::{Actor, Authorisation, Event, State};

/// What happened; the words stand in `locales/` under `notice-<name>`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NoticeKind {
    Invited,
    Applied,
    Confirmed,
    Rejected,
    Withdrawn,
    Changed,
    Deleted,
    Expired,
    Expiring,
}

impl NoticeKind {
    pub const ALL: [Self; 9] = [
        Self::Invited,
        Self::Applied,
        Self::Confirmed,
        Self::Rejected,
        Self::Withdrawn,
        Self::Changed,
        Self::Deleted,
        Self::Expired,
        Self::Expiring,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Invited => "invited",
            Self::Applied => "applied",
            Self::Confirmed => "confirmed",
            Self::Rejected => "rejected",
            Self::Withdrawn => "withdrawn",
            Self::Changed => "changed",
            Self::Deleted => "deleted",
            Self::Expired => "expired",
            Self::Expiring => "expiring",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// One message for one person.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Notice {
    pub to: PersonId,
    pub kind: NoticeKind,
    pub authorisation: AuthorisationId,
    pub enterprise: EnterpriseId,
    /// Whom the authorisation is about.
    pub about: PersonId,
    pub identity_type: String,
    pub at: Timestamp,
    pub is_read: bool,
}

/// Who is told of an act: the other side.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Audience {
    Holder,
    Managers,
    Both,
}

/// What an act is told as, and to whom; `None`: nobody needs to know.
pub fn told(after: &Authorisation, event: &Event, actor: Actor) -> Option<(NoticeKind, Audience)> {
    let kind = match event {
        Event::Confirm => NoticeKind::Confirmed,
        Event::Reject => NoticeKind::Rejected,
        Event::Withdraw => NoticeKind::Withdrawn,
        Event::Edit { .. } => NoticeKind::Changed,
        Event::Renew { .. } if after.state == State::PendingByPerson => NoticeKind::Invited,
        Event::Renew { .. } => NoticeKind::Changed,
        Event::Delete | Event::RegistryEnd => NoticeKind::Deleted,
        Event::Expire => NoticeKind::Expired,
    };
    let audience = match actor {
        Actor::Manager => Audience::Holder,
        Actor::Holder => Audience::Managers,
        Actor::Officer | Actor::System => Audience::Both,
    };
    Some((kind, audience))
}
