//! People and their accounts: one person for ever, one live account at a time.

use serde::{Deserialize, Serialize};

use crate::base::clock::{Day, Timestamp};
use crate::base::id::{AccountId, PersonId};
use crate::domain::number::document::{DocumentNumber, DocumentType};
use crate::domain::number::email::EmailAddress;
use crate::domain::number::name::PersonName;
use crate::domain::number::phone::Phone;
use crate::domain::number::username::Username;
use crate::domain::refusal::Refusal;

/// A human being (自然人). Outlives its accounts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Person {
    pub id: PersonId,
    pub kind: PersonKind,
    pub name: PersonName,
    /// `male` or `female`, where known.
    pub sex: Option<String>,
    /// ISO 3166-1 alpha-3.
    pub nationality: String,
    /// 1 to 5 (L-01); 3 and above counts as verified (DEC-21).
    pub real_name_level: u8,
    pub email: Option<EmailAddress>,
    /// When a code had reached the address; `None`: somebody else told it.
    pub email_verified_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PersonKind {
    Domestic,
    Overseas,
}

/// Until when a document is good, as the registry or its holder says it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DocumentEnd {
    Never,
    /// Its last day.
    On(Day),
}

/// How a document of a person stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DocumentStatus {
    /// It counts, and leads to an account.
    Active,
    /// Another of its kind took its place (D-08).
    Superseded,
    /// The authority reports it void: it proves nothing.
    Void,
}

impl DocumentStatus {
    const ALL: [Self; 3] = [Self::Active, Self::Superseded, Self::Void];

    pub fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Superseded => "superseded",
            Self::Void => "void",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }
}

/// A document of a person that counts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IdentityDocument {
    pub person: PersonId,
    pub kind: DocumentType,
    pub number: String,
    /// As the person told it; the registry tells no beginning.
    pub valid_from: Option<Day>,
    /// The last day; `None`: for ever, or nobody has told.
    pub valid_to: Option<Day>,
}

impl IdentityDocument {
    /// The day of birth, where the number tells it.
    pub fn born(&self, today: Day) -> Option<Day> {
        DocumentNumber::parse(self.kind, &self.number, today).ok()?.birth_date
    }

    /// Whether its holder has proved here that it is good for longer than somebody else says.
    pub fn is_proved_beyond(&self, end: DocumentEnd) -> bool {
        let DocumentEnd::On(told) = end else { return false };
        self.valid_from.is_some() && self.valid_to.is_none_or(|proved| told < proved)
    }

    /// Its last day is over: it still counts for some time (L-12), and is to be renewed (D-10).
    pub fn has_ended(&self, today: Day) -> bool {
        self.valid_to.is_some_and(|end| end < today)
    }
}

/// The credentials of a person (账号).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Account {
    pub id: AccountId,
    pub person: PersonId,
    pub status: AccountStatus,
    pub origin: AccountOrigin,
    pub username: Option<Username>,
    pub password: PasswordState,
    pub help: Help,
    /// A new one begins with another password, and where the bureau ends all sign-ins, unlocks or takes the
    /// password: what was proved in an older one counts no longer.
    pub era: i64,
}

/// What the bureau has done to an account to help its person (`flows::help`); when each was last.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Help {
    /// Nobody signs in until it is unlocked.
    pub locked_at: Option<Timestamp>,
    /// What was guessed before then counts no longer.
    pub unlocked_at: Option<Timestamp>,
    /// The next sign-in goes on to a new password.
    pub password_expired_at: Option<Timestamp>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountStatus {
    Active,
    Cancelled,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountOrigin {
    Registered,
    /// From the old system (存量): may still have its initial password.
    Imported,
}

/// What is known of the password.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PasswordState {
    /// Never set: the last six of a document number, worked out at check time (DEC-2).
    Initial,
    /// A PHC string.
    Set(String),
}

/// A verified phone of an account; exactly one is the default (invariant 2).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PhoneBinding {
    pub account: AccountId,
    pub phone: Phone,
    pub is_default: bool,
    /// When a code reached it, or, by the word of the registry, when its holder used it last.
    pub verified_at: Timestamp,
}

impl PhoneBinding {
    /// Of one account (PC-09).
    pub const MOST: usize = 5;
    /// The registry does not know when it was used.
    pub const NOBODY_KNOWS: Timestamp = Timestamp(0);
}

impl Account {
    pub fn is_live(&self) -> bool {
        self.status == AccountStatus::Active
    }

    /// A cancelled account is unknown, whatever the way in; that one is locked hears whoever has proved
    /// that it is theirs.
    pub fn may_sign_in(&self) -> Result<(), Refusal> {
        match self.help.locked_at {
            _ if !self.is_live() => Err(Refusal::Credentials),
            Some(_) => Err(Refusal::AccountLocked),
            None => Ok(()),
        }
    }

    /// Before a session begins there has to be another password.
    pub fn needs_new_password(&self) -> bool {
        self.password == PasswordState::Initial || self.help.password_expired_at.is_some()
    }
}
