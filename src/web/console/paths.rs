//! Where the pages of the console are, for each of them and the menu.

pub const HOME: &str = "/console";
pub const LOGIN: &str = "/console/login";
pub const MATTER: &str = "/console/matter";
pub const PEOPLE: &str = "/console/people";
pub const RECORDS: &str = "/console/records";
/// Where a portrait is sent to.
pub const RECORD_FORM: &str = "/console/records/new";
pub const ENTERPRISES: &str = "/console/enterprises";
/// Of people, over time.
pub const RELATIONS: &str = "/console/relations";
pub const HANDLERS: &str = "/console/handlers";
pub const APPLICATIONS: &str = "/console/applications";
pub const AUDIT: &str = "/console/audit";
pub const OFFICERS: &str = "/console/officers";
