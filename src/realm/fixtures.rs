//! `fixtures.toml`: demo people, with passwords; everything else in the shape of the feeds. Refused
//! outside the demo.

use serde::{Deserialize, Serialize};

use schemars::JsonSchema;

use crate::domain::feed::{
    AuthorisationLine, EngagementLine, EnterpriseLine, HallRecordLine, RecordLine,
    resident_id_card, verified,
};

/// People whom the demo knows.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fixtures {
    #[serde(default)]
    pub person: Vec<PersonFixture>,
    #[serde(default)]
    pub enterprise: Vec<EnterpriseLine>,
    #[serde(default)]
    pub authorisation: Vec<AuthorisationLine>,
    #[serde(default)]
    pub engagement: Vec<EngagementLine>,
    #[serde(default)]
    pub record: Vec<RecordLine>,
    #[serde(default)]
    pub hall_record: Vec<HallRecordLine>,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PersonFixture {
    pub name: String,
    #[serde(default = "resident_id_card")]
    pub document_type: String,
    /// A number that belongs to nobody.
    pub document: String,
    pub nationality: Option<String>,
    pub phone: Option<String>,
    pub username: Option<String>,
    /// Absent: imported, with the initial password.
    pub password: Option<String>,
    pub email: Option<String>,
    #[serde(default = "verified")]
    pub real_name_level: u8,
    /// What this person is good for, shown on the desk.
    pub note: String,
    #[serde(default)]
    pub accepted_agreements: bool,
}
