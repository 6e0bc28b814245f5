//! Entrances: the doors of the sign-in page. A door is a list of steps declared in the realm;
//! the steps are code, the doors are data.

use crate::domain::factor::{Factor, ScanApp};

use serde::{Deserialize, Serialize};

/// What a person does on the way in. The order within an entrance is the realm's.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Numbers and password, with the slider before them.
    Credentials,
    SecondFactor,
    /// After the initial password (E-06).
    NewPassword,
    Agreements,
    /// A QR code instead of numbers and password.
    Scan,
    ConfirmPendingAuthorisation,
    ChooseIdentity,
    /// For agency staff (G-05).
    ChooseClientEnterprise,
}

/// What may stand in the personal field (DEC-20).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PersonalIdKind {
    Document,
    Phone,
    Username,
}

/// The kind of identity that a sign-in through this door ends with.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    Enterprise,
    Personal,
    /// An agency's staff for one of its client enterprises.
    Agent,
    /// Whatever the phone that confirmed is signed in as.
    AsConfirmed,
    /// That of the session which is raised (L-11).
    StepUp,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entrance {
    pub id: String,
    pub subject: Subject,
    pub personal_ids: Vec<PersonalIdKind>,
    pub slider: bool,
    /// What may follow the password, in the order shown.
    pub second_factors: Vec<Factor>,
    /// The apps whose codes stand beside the form.
    pub scan: Vec<ScanApp>,
    pub steps: Vec<Step>,
}

impl Entrance {
    pub fn asks_enterprise_number(&self) -> bool {
        matches!(self.subject, Subject::Enterprise | Subject::Agent)
    }
}
