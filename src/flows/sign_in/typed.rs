//! What the typed numbers lead to, and whether the door they were typed at takes it.

use crate::base::id::{EnterpriseId, PersonId};
use crate::base::secret::Secret;
use crate::domain::cross_region::RecordKind;
use crate::domain::entrance::{EnterpriseNumber, Entrance, Subject};
use crate::domain::number::taxpayer::{TaxpayerNumber, TaxpayerNumberKind};
use crate::domain::person::Account;
use crate::domain::refusal::Refusal;
use crate::flows::{Ctx, Fault};

/// What the typed numbers lead to; any of it may be missing.
pub struct Typed {
    pub account: Option<Account>,
    pub enterprise: Option<EnterpriseId>,
    pub has_relation: bool,
}

impl Typed {
    pub fn is_plausible(&self, entrance: &Entrance) -> bool {
        match entrance.subject {
            Subject::Enterprise => {
                self.has_relation || entrance.enterprise_number == EnterpriseNumber::None
            }
            Subject::SpecificEntity => self.has_relation,
            // Who works for an agency is told after the second factor (G-02).
            Subject::Agent => self.enterprise.is_some(),
            Subject::Personal | Subject::AsConfirmed | Subject::StepUp => true,
        }
    }

    pub fn person(&self) -> Option<PersonId> {
        self.account.as_ref().map(|account| account.person)
    }
}

impl Typed {
    /// Where a number leads to several people, the password decides who of them it is.
    pub async fn of_several(
        ctx: &Ctx,
        entrance: &Entrance,
        form: &Credentials,
        found: &[Account],
    ) -> Result<Self, Fault> {
        let only = found.first().filter(|_| found.len() == 1).cloned();
        Self::of(ctx, entrance, form, only).await
    }

    pub async fn decided(
        self,
        ctx: &Ctx,
        entrance: &Entrance,
        form: &Credentials,
        owner: Option<Account>,
    ) -> Result<Self, Fault> {
        if owner.is_none() || self.account.is_some() {
            return Ok(self);
        }
        Self::of(ctx, entrance, form, owner).await
    }

    /// What the numbers mean for an account that was found by whatever means.
    pub async fn of(
        ctx: &Ctx,
        entrance: &Entrance,
        form: &Credentials,
        account: Option<Account>,
    ) -> Result<Self, Fault> {
        let rows = ctx.rows();
        let enterprise = match TaxpayerNumber::parse(&form.enterprise_number) {
            Ok(number) if entrance.asks_enterprise_number() => {
                rows.enterprises().find_by_number(&number).await?
            }
            _ => None,
        };
        let enterprise = enterprise.map(|enterprise| enterprise.id);
        let has_relation = match (&account, enterprise) {
            (Some(account), Some(enterprise)) => {
                !rows.authorisations().list(account.person, enterprise).await?.is_empty()
                    || (entrance.subject == Subject::SpecificEntity
                        && rows.cross_region().names(account.person, enterprise).await?)
            }
            _ => false,
        };
        Ok(Self { account, enterprise, has_relation })
    }
}

/// What the sign-in form holds.
#[derive(Clone, Debug, Default)]
pub struct Credentials {
    pub entrance: String,
    pub enterprise_number: String,
    pub personal_id: String,
    pub password: Option<Secret>,
    pub slider_id: String,
    pub slider: String,
    /// `inspection` or `tax_source`, where the door asks (S-02).
    pub record_kind: String,
    /// Whose code stands beside the form.
    pub scan_app: String,
    /// What the browser may be known by.
    pub device: Option<Secret>,
}

pub fn check_format(entrance: &Entrance, form: &Credentials) -> Result<Secret, Refusal> {
    check_numbers(entrance, form)?;
    let personal_id = form.personal_id.trim();
    if personal_id.is_empty() || personal_id.chars().count() > 64 {
        return Err(Refusal::format("personal_id"));
    }
    let password = form
        .password
        .clone()
        .filter(|password| (1..=128).contains(&password.expose().chars().count()));
    password.ok_or(Refusal::format("password"))
}

/// What stands beside the person's own name and password.
pub fn check_numbers(entrance: &Entrance, form: &Credentials) -> Result<(), Refusal> {
    if entrance.asks_enterprise_number() {
        let number = TaxpayerNumber::parse(&form.enterprise_number);
        let wants_code = entrance.enterprise_number == EnterpriseNumber::NonResidentCode;
        let fits = |number: &TaxpayerNumber| {
            !wants_code || number.kind() == TaxpayerNumberKind::NonResident
        };
        if !number.is_ok_and(|number| fits(&number)) {
            return Err(Refusal::format("enterprise_number"));
        }
    }
    if entrance.subject == Subject::SpecificEntity && RecordKind::parse(&form.record_kind).is_none()
    {
        return Err(Refusal::format("record_kind"));
    }
    Ok(())
}
