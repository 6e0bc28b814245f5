//! Enterprises (企业/纳税人) as the registry tells of them.

use serde::{Deserialize, Serialize};

use crate::base::id::EnterpriseId;
use crate::domain::number::taxpayer::TaxpayerNumber;
use crate::domain::number::unit::UnitNumber;

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Enterprise {
    pub id: EnterpriseId,
    /// The core's registration serial number, 20 digits: the true key.
    pub registration_no: String,
    pub uscc: Option<TaxpayerNumber>,
    /// The number taxes are paid under; equals `uscc` where there is one.
    pub tin: TaxpayerNumber,
    pub name: String,
    pub kind: EnterpriseKind,
    pub status: RegistryStatus,
    /// Six digits, `360000`.
    pub province: String,
    /// Eleven digits.
    pub tax_authority: String,
    /// Registered as a unit that pays social insurance (I-04).
    pub pays_social_insurance: bool,
    /// Under which it pays that (I-02).
    pub unit_number: Option<UnitNumber>,
    /// Whose certificates it has been given, by their ids in `certificates.toml` (C-01, C-09): which one
    /// of an authority's it is, does not matter.
    pub certificate_authorities: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EnterpriseKind {
    Ordinary,
    /// A tax-related professional service agency (涉税专业服务机构).
    Agency,
    NonResident,
    SelfEmployed,
    SocialInsuranceUnit,
}

/// The registry's two-digit status code.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RegistryStatus(pub String);

impl RegistryStatus {
    /// Gone for good (07 deregistered, 08 abnormally, 10 a closed inspection household, 13 by the
    /// simplified way): nobody is tied to it any more. Other codes that are not alive may be again.
    pub fn is_deregistered(&self) -> bool {
        matches!(self.0.as_str(), "07" | "08" | "10" | "13")
    }

    /// Deregistered (07), abnormally deregistered (08) and closed inspection households (10) give
    /// nobody an identity (E-23).
    pub fn is_alive(&self) -> bool {
        matches!(self.0.as_str(), "01" | "02" | "03" | "04" | "05" | "06" | "09" | "11" | "12")
    }

    /// Whoever acts for it is told (05 非正常).
    pub fn is_abnormal(&self) -> bool {
        self.0 == "05"
    }
}
