//! What the typed numbers lead to, and whether the door they were typed at takes it.

use crate::base::clock::Day;
use crate::base::id::{EnterpriseId, PersonId};
use crate::base::secret::Secret;
use crate::domain::cross_region::RecordKind;
use crate::domain::entrance::{Audience, EnterpriseNumber, Entrance, Subject};
use crate::domain::number::taxpayer::{TaxpayerNumber, TaxpayerNumberKind};
use crate::domain::number::unit::UnitNumber;
use crate::domain::person::Account;
use crate::domain::refusal::Refusal;
use crate::flows::sign_in::personal_id;
use crate::flows::{Ctx, Fault};

/// What the typed numbers lead to; any of it may be missing.
pub struct Typed {
    pub account: Option<Account>,
    pub enterprise: Option<EnterpriseId>,
    pub has_relation: bool,
}

impl Typed {
    /// Nothing was looked up.
    pub fn nobody() -> Self {
        Self { account: None, enterprise: None, has_relation: false }
    }

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
        let enterprise = EnterpriseTyped::of(entrance, form).find(ctx).await?;
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

/// What the text in the enterprise field may be at this door: a taxpayer number, and where social
/// insurance is paid also a unit's own number (I-02).
#[derive(Default)]
struct EnterpriseTyped {
    taxpayer: Option<TaxpayerNumber>,
    unit: Option<UnitNumber>,
}

impl EnterpriseTyped {
    fn of(entrance: &Entrance, form: &Credentials) -> Self {
        if !entrance.asks_enterprise_number() {
            return Self::default();
        }
        let wants_code = entrance.enterprise_number == EnterpriseNumber::NonResidentCode;
        let fits = |number: &TaxpayerNumber| {
            !wants_code || number.kind() == TaxpayerNumberKind::NonResident
        };
        let unit = UnitNumber::parse(&form.enterprise_number).ok();
        Self {
            taxpayer: TaxpayerNumber::parse(&form.enterprise_number).ok().filter(fits),
            unit: unit.filter(|_| entrance.audience == Audience::SocialInsurance),
        }
    }

    fn is_one(entrance: &Entrance, form: &Credentials) -> bool {
        let typed = Self::of(entrance, form);
        typed.taxpayer.is_some() || typed.unit.is_some()
    }

    /// The taxpayer number comes first: it is everybody's.
    async fn find(&self, ctx: &Ctx) -> Result<Option<EnterpriseId>, Fault> {
        let enterprises = ctx.rows().enterprises();
        if let Some(number) = &self.taxpayer
            && let Some(found) = enterprises.find_by_number(number).await?
        {
            return Ok(Some(found.id));
        }
        let Some(unit) = &self.unit else { return Ok(None) };
        Ok(enterprises.find_by_unit_number(unit).await?.map(|found| found.id))
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

/// Every field that is empty or malformed is told at once (E-02); `today`: for documents that hold dates.
pub fn check_format(
    entrance: &Entrance,
    form: &Credentials,
    today: Day,
) -> Result<Secret, Refusal> {
    let mut fields = wrong_numbers(entrance, form);
    if !personal_id::is_one(entrance, &form.personal_id, today) {
        fields.push("personal_id");
    }
    let has_length = |one: &Secret| (1..=128).contains(&one.expose().chars().count());
    match form.password.clone().filter(has_length) {
        Some(password) if fields.is_empty() => return Ok(password),
        Some(_) => {}
        None => fields.push("password"),
    }
    Err(Refusal::Format { fields })
}

/// What stands beside the person's own name and password.
pub fn check_numbers(entrance: &Entrance, form: &Credentials) -> Result<(), Refusal> {
    match wrong_numbers(entrance, form) {
        fields if fields.is_empty() => Ok(()),
        fields => Err(Refusal::Format { fields }),
    }
}

fn wrong_numbers(entrance: &Entrance, form: &Credentials) -> Vec<&'static str> {
    let mut fields = Vec::new();
    if entrance.subject == Subject::SpecificEntity && RecordKind::parse(&form.record_kind).is_none()
    {
        fields.push("record_kind");
    }
    if entrance.asks_enterprise_number() && !EnterpriseTyped::is_one(entrance, form) {
        fields.push("enterprise_number");
    }
    fields
}
