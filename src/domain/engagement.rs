//! Agencies (涉税专业服务机构): an engagement lets an agency act for a client enterprise, an
//! assignment says which of its staff may, and with which permissions. Both come from the business
//! system; here they are shown and enforced (G-18).

use crate::base::clock::{Day, Timestamp};
use crate::base::id::{AssignmentId, EngagementId, EnterpriseId, PersonId};
use crate::domain::enterprise::{Enterprise, EnterpriseKind};
use crate::domain::identity_type::Permissions;
use crate::domain::refusal::NoIdentity;

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Engagement {
    pub id: EngagementId,
    pub agency: EnterpriseId,
    pub client_enterprise: EnterpriseId,
    pub valid_from: Day,
    pub valid_to: Option<Day>,
    pub is_active: bool,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Assignment {
    pub id: AssignmentId,
    pub engagement: EngagementId,
    pub person: PersonId,
    pub permissions: Permissions,
    pub is_active: bool,
}

/// A member of an agency's staff for one client enterprise, with all that tokens and pages say.
#[derive(Clone, PartialEq, Debug)]
pub struct AgentIdentity {
    pub assignment: Assignment,
    pub engagement: Engagement,
    pub agency: Enterprise,
    pub client_enterprise: Enterprise,
}

/// An engagement as its two sides look at it, with one of those who are assigned to it; `None`: nobody is.
#[derive(Clone, PartialEq, Debug)]
pub struct Engaged {
    pub engagement: Engagement,
    pub agency: Enterprise,
    pub client_enterprise: Enterprise,
    pub assignment: Option<Assignment>,
}

impl Engagement {
    /// Neither ended nor past its term.
    pub fn is_live(&self, today: Day) -> bool {
        self.is_active && self.valid_to.is_none_or(|end| today <= end)
    }
}

impl AgentIdentity {
    /// Whether it can be acted in at `now` (G-05, G-17).
    pub fn usable(&self, now: Timestamp) -> Result<(), NoIdentity> {
        if self.agency.kind != EnterpriseKind::Agency {
            return Err(NoIdentity::None);
        }
        if !self.agency.status.is_alive() || !self.client_enterprise.status.is_alive() {
            return Err(NoIdentity::Deregistered);
        }
        if !self.assignment.is_active || !self.engagement.is_active {
            return Err(NoIdentity::Ended);
        }
        let (today, term) = (now.day(), &self.engagement);
        if today < term.valid_from || term.valid_to.is_some_and(|end| end < today) {
            return Err(NoIdentity::OutsideTerm);
        }
        Ok(())
    }
}
