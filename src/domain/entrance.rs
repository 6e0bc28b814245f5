//! Entrances: the doors of the sign-in page. A door is a list of steps declared in the realm;
//! the steps are code, the doors are data.

use serde::{Deserialize, Serialize};

use crate::domain::enterprise::Enterprise;
use crate::domain::factor::{Factor, ScanApp};
use crate::domain::identity_type::{Capability, IdentityType};

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
    /// An enterprise's certificate instead of numbers and password (C-02).
    Certificate,
    /// Who of the enterprise comes by its certificate (C-03).
    ChooseHandler,
    ConfirmPendingAuthorisation,
    ChooseIdentity,
    /// For agency staff (G-05).
    ChooseClientEnterprise,
    /// For specific entities (S-04).
    ChooseRecord,
}

impl Step {
    pub const ALL: [Self; 11] = [
        Self::Credentials,
        Self::SecondFactor,
        Self::NewPassword,
        Self::Agreements,
        Self::Scan,
        Self::Certificate,
        Self::ChooseHandler,
        Self::ConfirmPendingAuthorisation,
        Self::ChooseIdentity,
        Self::ChooseClientEnterprise,
        Self::ChooseRecord,
    ];
}

/// What may stand in the personal field (DEC-20).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PersonalIdKind {
    Document,
    Phone,
    Username,
    Email,
}

/// The kind of identity that a sign-in through this door ends with.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    Enterprise,
    Personal,
    /// A cross-region record of an enterprise of another province.
    SpecificEntity,
    /// An agency's staff for one of its client enterprises.
    Agent,
    /// Whatever the phone that confirmed is signed in as.
    AsConfirmed,
    /// That of the session which is raised (L-11).
    StepUp,
}

/// Which applications a sign-in through a door is for (I-03). What one audience signed in to is
/// nothing to the other.
#[derive(
    Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Audience {
    #[default]
    Tax,
    SocialInsurance,
}

impl Audience {
    /// Whether somebody of this enterprise and identity type belongs here (I-04).
    pub fn admits(self, enterprise: &Enterprise, identity_type: &IdentityType) -> bool {
        self == Self::Tax
            || (enterprise.pays_social_insurance
                && identity_type.can(Capability::HandleSocialInsurance))
    }
}

/// What may stand in the enterprise field of a door that has one.
#[derive(
    Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum EnterpriseNumber {
    #[default]
    Any,
    /// A non-resident identity code and nothing else (N-02).
    NonResidentCode,
    /// None: the identity is worked out from the person's relations (多合一).
    None,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entrance {
    pub id: String,
    pub subject: Subject,
    pub audience: Audience,
    pub enterprise_number: EnterpriseNumber,
    pub personal_ids: Vec<PersonalIdKind>,
    pub slider: bool,
    /// What may follow the password, in the order shown.
    pub second_factors: Vec<Factor>,
    /// Days for which a browser may spare the second factor; none: never.
    pub remember_device_days: Option<i64>,
    /// A passkey may stand in place of password and second factor.
    pub passkey: bool,
    /// The apps whose codes stand beside the form.
    pub scan: Vec<ScanApp>,
    pub steps: Vec<Step>,
}

impl Entrance {
    /// Whether this factor is among those asked for on the way in. Where `second_factor` is no step,
    /// they are asked only while the enterprise's people are being guessed at (E-09).
    pub fn takes(&self, factor: Factor) -> bool {
        self.second_factors.contains(&factor)
    }

    /// Whether everybody who comes in here is asked for a second factor.
    pub fn asks_second_factor(&self) -> bool {
        self.steps.contains(&Step::SecondFactor)
    }

    /// Whether a sign-in here may end as the person themself.
    pub fn leads_to_person(&self) -> bool {
        self.subject == Subject::Personal
            || (self.subject == Subject::Enterprise
                && self.enterprise_number == EnterpriseNumber::None)
    }

    pub fn asks_enterprise_number(&self) -> bool {
        if self.steps.first() == Some(&Step::Certificate) {
            return false;
        }
        let of_enterprise =
            matches!(self.subject, Subject::Enterprise | Subject::Agent | Subject::SpecificEntity);
        of_enterprise && self.enterprise_number != EnterpriseNumber::None
    }
}
