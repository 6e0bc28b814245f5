//! The acting identity: as whom the person of a session works right now. A session has exactly
//! one, every token is pinned to one.

use crate::base::clock::{Day, Timestamp};
use crate::base::id::{AssignmentId, AuthorisationId, RecordId, SessionId};
use crate::base::secret::keyed_hash;
use crate::domain::authorisation::{Authorisation, is_less};
use crate::domain::cross_region::RecordIdentity;
use crate::domain::engagement::AgentIdentity;
use crate::domain::enterprise::Enterprise;
use crate::domain::identity_type::{IdentityType, Permissions};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

/// A reference to an identity; what it is worth now is told by [`ActingIdentity`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Acting {
    /// The person themself.
    Personal,
    /// (enterprise, identity type), by an authorisation.
    Enterprise(AuthorisationId),
    /// (agency, client enterprise), by an assignment.
    Agent(AssignmentId),
    /// A cross-region record, by a relation with its enterprise or because it names the person.
    Record(RecordId),
}

impl Acting {
    pub fn authorisation(self) -> Option<AuthorisationId> {
        match self {
            Self::Enterprise(id) => Some(id),
            Self::Personal | Self::Agent(_) | Self::Record(_) => None,
        }
    }

    pub fn assignment(self) -> Option<AssignmentId> {
        match self {
            Self::Agent(id) => Some(id),
            Self::Personal | Self::Enterprise(_) | Self::Record(_) => None,
        }
    }

    pub fn record(self) -> Option<RecordId> {
        match self {
            Self::Record(id) => Some(id),
            Self::Personal | Self::Enterprise(_) | Self::Agent(_) => None,
        }
    }

    /// Kind and id, for the audit.
    pub fn to_text(self) -> String {
        match self {
            Self::Personal => self.kind().to_owned(),
            Self::Enterprise(id) => format!("{} {id}", self.kind()),
            Self::Agent(id) => format!("{} {id}", self.kind()),
            Self::Record(id) => format!("{} {id}", self.kind()),
        }
    }

    /// Its name in the database and in the `sid`.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Personal => "personal",
            Self::Enterprise(_) => "enterprise",
            Self::Agent(_) => "agent",
            Self::Record(_) => "specific_entity",
        }
    }

    pub fn from_parts(
        kind: &str,
        authorisation: Option<AuthorisationId>,
        assignment: Option<AssignmentId>,
        record: Option<RecordId>,
    ) -> Option<Self> {
        match (kind, authorisation, assignment, record) {
            ("personal", None, None, None) => Some(Self::Personal),
            ("enterprise", Some(id), None, None) => Some(Self::Enterprise(id)),
            ("agent", None, Some(id), None) => Some(Self::Agent(id)),
            ("specific_entity", None, None, Some(id)) => Some(Self::Record(id)),
            _ => None,
        }
    }

    /// Each acting identity of a session has its own `sid`, so that a back-channel logout names
    /// exactly the identity that ended.
    pub fn sid(self, key: &[u8; 32], session: SessionId) -> String {
        let reference = match self {
            Self::Personal => Default::default(),
            Self::Enterprise(id) => id.0.into_bytes(),
            Self::Agent(id) => id.0.into_bytes(),
            Self::Record(id) => id.0.into_bytes(),
        };
        let parts: [&[u8]; 3] = [session.0.as_bytes(), self.kind().as_bytes(), &reference];
        BASE64_URL_SAFE_NO_PAD.encode(&keyed_hash(key, &parts)[..16])
    }
}

/// An identity with all that tokens and pages say of it, usable when it was loaded.
#[derive(Clone, PartialEq, Debug)]
pub enum ActingIdentity {
    Personal,
    Enterprise(Box<EnterpriseIdentity>),
    Agent(Box<AgentIdentity>),
    Record(Box<RecordIdentity>),
}

#[derive(Clone, PartialEq, Debug)]
pub struct EnterpriseIdentity {
    pub enterprise: Enterprise,
    pub authorisation: Authorisation,
    pub identity_type: IdentityType,
    /// Effective ones (invariant 14).
    pub permissions: Permissions,
}

impl ActingIdentity {
    pub fn reference(&self) -> Acting {
        match self {
            Self::Personal => Acting::Personal,
            Self::Enterprise(identity) => Acting::Enterprise(identity.authorisation.id),
            Self::Agent(identity) => Acting::Agent(identity.assignment.id),
            Self::Record(identity) => Acting::Record(identity.record.id),
        }
    }

    /// For whom it acts.
    pub fn enterprise(&self) -> Option<&Enterprise> {
        match self {
            Self::Personal => None,
            Self::Enterprise(identity) => Some(&identity.enterprise),
            Self::Agent(identity) => Some(&identity.client_enterprise),
            Self::Record(identity) => Some(&identity.enterprise),
        }
    }

    /// The last moment it can be used; token lifetimes are cut to it.
    pub fn ends_at(&self) -> Option<Timestamp> {
        match self {
            Self::Personal => None,
            Self::Enterprise(identity) => identity.authorisation.valid_to().map(Day::end),
            Self::Agent(identity) => identity.engagement.valid_to.map(Day::end),
            Self::Record(identity) => identity.record.valid_to.map(Day::end),
        }
    }

    /// Whether it gives something else than `before`, more or less.
    pub fn gives_other_than(&self, before: &Self) -> bool {
        (self.permissions(), self.ends_at()) != (before.permissions(), before.ends_at())
    }

    /// Whether it gives less than `before`.
    pub fn is_less_than(&self, before: &Self) -> bool {
        let (now, then) = (self.permissions(), before.permissions());
        is_less((&now, self.ends_at()), (&then, before.ends_at()))
    }

    pub fn permissions(&self) -> Permissions {
        match self {
            Self::Personal => Permissions::new(),
            Self::Enterprise(identity) => identity.permissions.clone(),
            Self::Agent(identity) => identity.assignment.permissions.clone(),
            Self::Record(identity) => identity.permissions.clone(),
        }
    }
}
