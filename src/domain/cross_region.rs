//! Specific entities (特定主体): an enterprise of another province that works here acts through a
//! record of its own: a cross-region inspection (跨区域报验) or a tax-source registration
//! (跨区税源登记). Records and the handlers they name arrive from the registry alone (S-12).

use serde::{Deserialize, Serialize};

use crate::base::clock::{Day, Timestamp};
use crate::base::id::{EnterpriseId, PersonId, RecordId};
use crate::domain::authorisation::Authorisation;
use crate::domain::enterprise::Enterprise;
use crate::domain::identity_type::{IdentityType, Permissions};
use crate::domain::number::record::RecordNumber;
use crate::domain::refusal::NoIdentity;

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RecordKind {
    Inspection,
    TaxSource,
}

impl RecordKind {
    pub const ALL: [Self; 2] = [Self::Inspection, Self::TaxSource];

    pub fn name(self) -> &'static str {
        match self {
            Self::Inspection => "inspection",
            Self::TaxSource => "tax_source",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CrossRegionRecord {
    pub id: RecordId,
    pub enterprise: EnterpriseId,
    pub kind: RecordKind,
    pub record_no: RecordNumber,
    pub project_name: String,
    /// Six digits: where the work is done.
    pub division: String,
    pub tax_authority: String,
    pub valid_from: Day,
    pub valid_to: Option<Day>,
    pub is_open: bool,
    /// What the handlers whom the document names may do.
    pub permissions: Permissions,
}

/// A record with all that decides who may enter it.
#[derive(Clone, PartialEq, Debug)]
pub struct HeldRecord {
    pub record: CrossRegionRecord,
    pub enterprise: Enterprise,
    /// The person's authorisations in the enterprise, whatever their state.
    pub authorisations: Vec<Authorisation>,
    /// The document names the person as its handler.
    pub is_handler: bool,
}

/// A person for one record of an enterprise, with all that tokens and pages say.
#[derive(Clone, PartialEq, Debug)]
pub struct RecordIdentity {
    pub person: PersonId,
    pub record: CrossRegionRecord,
    pub enterprise: Enterprise,
    /// `None`: as the handler whom the document names (子身份).
    pub identity_type: Option<IdentityType>,
    pub permissions: Permissions,
}

impl HeldRecord {
    /// Whether the record itself can be worked on at `now`.
    pub fn usable(&self, now: Timestamp) -> Result<(), NoIdentity> {
        if !self.enterprise.status.is_alive() {
            return Err(NoIdentity::Deregistered);
        }
        if !self.record.is_open {
            return Err(NoIdentity::Ended);
        }
        let (today, record) = (now.day(), &self.record);
        if today < record.valid_from || record.valid_to.is_some_and(|end| end < today) {
            return Err(NoIdentity::OutsideTerm);
        }
        Ok(())
    }
}
