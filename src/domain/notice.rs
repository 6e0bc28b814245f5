//! Notices: what the other side of an authorisation is told in the message centre, and what
//! people are told of their own account.

use crate::base::clock::Timestamp;
use crate::base::id::{AuthorisationId, EnterpriseId, PersonId};
use crate::domain::authorisation::{Actor, Authorisation, Changed, Event, State};

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
    /// Somebody who knows the password fails at the second factor.
    SecondFactorFailed,
    FactorAdded,
    FactorRemoved,
    /// A phone or an e-mail address was added.
    ContactChanged,
    /// The real-name level has fallen (L-12).
    LevelLowered,
    /// An account was opened by registration.
    Registered,
    /// Whoever had cancelled an account has registered again; what they may do for the enterprise goes on
    /// (PC-26).
    HandlerReturned,
    /// Somebody else has proved that a phone of this account is theirs.
    PhoneTaken,
    /// A phone was removed by its holder, or another became the default.
    PhoneChanged,
    UsernameChanged,
    /// The password is another one, and whoever else was signed in is out (F-06).
    PasswordChanged,
    /// Somebody fails at setting a new password signed out.
    RecoveryFailed,
    /// A new phone waits to be bound; whoever reads this can stop it (DEC-23).
    PhoneAwaited,
    /// A phone was bound by somebody who is not signed in (PH-06).
    PhoneRecovered,
    /// One that waited is not bound: somebody else has proved it since, or there are as many as may be.
    PhoneGivenUp,
    /// The real-name level was raised by one (L-08).
    LevelRaised,
    /// A document was added, or its dates were (D-07).
    DocumentAdded,
    /// The authority reports a document void that led to the account (L-12).
    DocumentVoid,
    /// Of what an application had been allowed, nothing is left.
    ConsentWithdrawn,
    /// An application for a non-resident enterprise's code, by the bureau, like the next two (N-08).
    NonResidentReturned,
    NonResidentRejected,
    NonResidentApproved,
    /// By the bureau (`flows::help`), like the next four.
    AccountLocked,
    AccountUnlocked,
    SessionsEnded,
    FactorReset,
    PasswordExpired,
}

impl NoticeKind {
    pub const ALL: [Self; 36] = [
        Self::Invited,
        Self::Applied,
        Self::Confirmed,
        Self::Rejected,
        Self::Withdrawn,
        Self::Changed,
        Self::Deleted,
        Self::Expired,
        Self::Expiring,
        Self::SecondFactorFailed,
        Self::FactorAdded,
        Self::FactorRemoved,
        Self::ContactChanged,
        Self::LevelLowered,
        Self::PhoneTaken,
        Self::PhoneChanged,
        Self::UsernameChanged,
        Self::Registered,
        Self::HandlerReturned,
        Self::PasswordChanged,
        Self::RecoveryFailed,
        Self::PhoneAwaited,
        Self::PhoneRecovered,
        Self::PhoneGivenUp,
        Self::LevelRaised,
        Self::DocumentAdded,
        Self::DocumentVoid,
        Self::ConsentWithdrawn,
        Self::NonResidentReturned,
        Self::NonResidentRejected,
        Self::NonResidentApproved,
        Self::AccountLocked,
        Self::AccountUnlocked,
        Self::SessionsEnded,
        Self::FactorReset,
        Self::PasswordExpired,
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
            Self::SecondFactorFailed => "second-factor-failed",
            Self::FactorAdded => "factor-added",
            Self::FactorRemoved => "factor-removed",
            Self::ContactChanged => "contact-changed",
            Self::LevelLowered => "level-lowered",
            Self::PhoneTaken => "phone-taken",
            Self::PhoneChanged => "phone-changed",
            Self::UsernameChanged => "username-changed",
            Self::Registered => "registered",
            Self::HandlerReturned => "handler-returned",
            Self::PasswordChanged => "password-changed",
            Self::RecoveryFailed => "recovery-failed",
            Self::PhoneAwaited => "phone-awaited",
            Self::PhoneRecovered => "phone-recovered",
            Self::PhoneGivenUp => "phone-given-up",
            Self::LevelRaised => "level-raised",
            Self::DocumentAdded => "document-added",
            Self::DocumentVoid => "document-void",
            Self::ConsentWithdrawn => "consent-withdrawn",
            Self::NonResidentReturned => "non-resident-returned",
            Self::NonResidentRejected => "non-resident-rejected",
            Self::NonResidentApproved => "non-resident-approved",
            Self::AccountLocked => "account-locked",
            Self::AccountUnlocked => "account-unlocked",
            Self::SessionsEnded => "sessions-ended",
            Self::FactorReset => "factor-reset",
            Self::PasswordExpired => "password-expired",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    pub fn class(self) -> NoticeClass {
        match self {
            Self::Invited
            | Self::Applied
            | Self::Confirmed
            | Self::Rejected
            | Self::Withdrawn
            | Self::Changed
            | Self::Deleted
            | Self::Expired
            | Self::Expiring
            | Self::HandlerReturned => NoticeClass::Relation,
            Self::RecoveryFailed => NoticeClass::Stranger,
            Self::SecondFactorFailed
            | Self::FactorAdded
            | Self::FactorRemoved
            | Self::ContactChanged
            | Self::LevelLowered
            | Self::Registered
            | Self::PhoneTaken
            | Self::PhoneChanged
            | Self::UsernameChanged
            | Self::PasswordChanged
            | Self::PhoneAwaited
            | Self::PhoneRecovered
            | Self::PhoneGivenUp
            | Self::LevelRaised
            | Self::DocumentAdded
            | Self::DocumentVoid
            | Self::ConsentWithdrawn
            | Self::NonResidentReturned
            | Self::NonResidentRejected
            | Self::NonResidentApproved
            | Self::AccountLocked
            | Self::AccountUnlocked
            | Self::SessionsEnded
            | Self::FactorReset
            | Self::PasswordExpired => NoticeClass::Own,
        }
    }

    /// What one person's messages of a day are counted with, and how many of them go out: nothing that
    /// others can cause takes the room of a warning. Every kind of warning has its own, which is high
    /// enough that nobody reaches it but by a mistake of ours.
    pub fn of_a_day(self) -> (&'static str, u32) {
        match self.class() {
            NoticeClass::Own => (self.name(), 100),
            NoticeClass::Relation => ("relations", 10),
            NoticeClass::Stranger => ("strangers", 2),
        }
    }
}

/// Whose making a notice is, and whether anybody may do without it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NoticeClass {
    /// What happened to the person's own account or application: always told, by all that they have.
    Own,
    /// What the other side of an authorisation did; the realm says whether by text message, too.
    Relation,
    /// What somebody who has proved nothing can cause.
    Stranger,
}

/// One message for one person.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Notice {
    pub to: PersonId,
    pub kind: NoticeKind,
    /// What it is about; `None`: the person's own account.
    pub relation: Option<Relation>,
    pub at: Timestamp,
    pub is_read: bool,
}

/// An authorisation, as it was when the notice was written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Relation {
    pub authorisation: AuthorisationId,
    pub enterprise: EnterpriseId,
    pub holder: PersonId,
    pub identity_type: String,
}

/// Who is told of an act: the other side.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Audience {
    Holder,
    Managers,
    Both,
}

/// What a change is told as, and to whom.
pub fn told(changed: &Changed) -> (NoticeKind, Audience) {
    let after = changed.after();
    let kind = match changed.event() {
        Event::Add(_) => NoticeKind::Invited,
        Event::Apply(_) => NoticeKind::Applied,
        Event::Confirm | Event::Accept(_) => NoticeKind::Confirmed,
        Event::Edit(_) => NoticeKind::Changed,
        Event::Renew(_) | Event::Proved { .. } if after.state() == State::PendingByPerson => {
            NoticeKind::Invited
        }
        Event::Renew(_) => NoticeKind::Changed,
        Event::Expire => NoticeKind::Expired,
        Event::Registry { .. } => by_registry(changed),
        Event::Reject
        | Event::Withdraw
        | Event::Delete
        | Event::Proved { .. }
        | Event::RegistryEnd(_) => match after.state() {
            State::Rejected => NoticeKind::Rejected,
            State::Withdrawn => NoticeKind::Withdrawn,
            _ => NoticeKind::Deleted,
        },
    };
    let audience = match (kind, changed.by().actor) {
        // Whoever asked knows that they did, whoever wrote it down.
        (NoticeKind::Invited, _) => Audience::Holder,
        (NoticeKind::Applied, _) => Audience::Managers,
        // Whoever was known by the number alone is nobody.
        _ if matches!(changed.event(), Event::Proved { .. }) => Audience::Managers,
        (_, Actor::Manager) => Audience::Holder,
        (_, Actor::Holder) => Audience::Managers,
        (_, Actor::Officer | Actor::Clock | Actor::Registry) => Audience::Both,
    };
    (kind, audience)
}

/// To people the registry's word is what it makes of the relation.
fn by_registry(changed: &Changed) -> NoticeKind {
    match (changed.before().map(Authorisation::state), changed.after().state()) {
        (None, State::PendingByPerson) => NoticeKind::Invited,
        (None, State::PendingByEnterprise) => NoticeKind::Applied,
        (None, _) => NoticeKind::Confirmed,
        (Some(before), State::Active) if before.is_pending() => NoticeKind::Confirmed,
        (Some(_), _) => NoticeKind::Changed,
    }
}
