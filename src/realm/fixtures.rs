//! `fixtures.toml`: demo people and enterprises. Refused outside the demo.

use serde::{Deserialize, Serialize};

use schemars::JsonSchema;

/// People whom the demo knows.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fixtures {
    #[serde(default)]
    pub person: Vec<PersonFixture>,
    #[serde(default)]
    pub enterprise: Vec<EnterpriseFixture>,
    #[serde(default)]
    pub authorisation: Vec<AuthorisationFixture>,
    #[serde(default)]
    pub engagement: Vec<EngagementFixture>,
}

/// An agency, a client enterprise, and who of the staff may act for it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EngagementFixture {
    pub agency: String,
    pub client: String,
    pub valid_from: String,
    pub valid_to: Option<String>,
    /// Document numbers.
    pub staff: Vec<String>,
    pub permissions: Vec<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PersonFixture {
    pub name: String,
    /// A resident identity card number that belongs to nobody.
    pub document: String,
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

fn verified() -> u8 {
    3
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EnterpriseFixture {
    pub registration_no: String,
    pub uscc: String,
    /// Older numbers it still answers to.
    #[serde(default)]
    pub former_numbers: Vec<String>,
    pub name: String,
    #[serde(default)]
    pub is_agency: bool,
    #[serde(default)]
    pub pays_social_insurance: bool,
    pub status: String,
    pub tax_authority: String,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AuthorisationFixture {
    pub enterprise: String,
    /// The person's document number.
    pub person: String,
    pub identity_type: String,
    #[serde(default)]
    pub permissions: Vec<String>,
    pub valid_from: String,
    pub valid_to: Option<String>,
    /// `active`, `pending_by_person`, …
    pub state: String,
    /// The document number of the manager who asked.
    pub invited_by: Option<String>,
}
