//! What an approval makes, in one transaction: the enterprise, its code, the applicant's relation.

use crate::base::id::{AuthorisationId, EnterpriseId, PersonId};
use crate::domain::authorisation::{By, Event, New, State, Terms};
use crate::domain::enterprise::{Enterprise, EnterpriseKind, RegistryStatus};
use crate::domain::identity_type::{PermissionPolicy, Permissions};
use crate::domain::non_resident::{Application, Approved, Declared, Form, Numbers, Place};
use crate::domain::number::NumberError;
use crate::domain::number::division::Division;
use crate::domain::profile::EnterpriseProfile;
use crate::domain::refusal::Refusal;
use crate::flows::non_resident::keep;
use crate::flows::relations::writer::begin_in;
use crate::flows::{Ctx, Fault, Stop};
use crate::store::Tx;

/// Codes that somebody else has issued already are passed over, so many at most.
const TRIES: usize = 100;

/// The enterprise as of now, with an active relation of whoever applied (N-09).
pub(super) async fn issue(ctx: &Ctx, tx: &Tx<'_>, approved: Approved) -> Result<Application, Stop> {
    let form = approved.application().form.clone();
    let (person, identity) = (approved.application().person, approved.identity());
    let numbers = next_numbers(ctx, tx, &form).await?;
    let enterprise = enterprise(ctx, tx, &form, &numbers).await?;
    let application = approved.with(enterprise, numbers.code);
    keep(tx, &application).await?;
    relate(ctx, tx, enterprise, person, identity).await?;
    Ok(application)
}

async fn next_numbers(ctx: &Ctx, tx: &Tx<'_>, form: &Form) -> Result<Numbers, Fault> {
    let country = form.country().ok_or_else(|| gone("the country"))?;
    let division = Division::parse(&ctx.realm.home_province);
    let division = division.ok_or_else(|| gone("the realm's division"))?;
    let place = Place::new(&division, country.numeric).map_err(wrong)?;
    for _ in 0..TRIES {
        let sequence = tx.rows().non_residents().next_number(&place.name()).await?;
        let numbers = place.numbers(sequence).map_err(wrong)?;
        let enterprises = tx.rows().enterprises();
        let is_free = enterprises.find_by_number(&numbers.code).await?.is_none()
            && enterprises.find_by_registration_no(&numbers.registration_no).await?.is_none();
        if is_free {
            return Ok(numbers);
        }
    }
    Err(Fault::Internal("no identity code is free".to_owned()))
}

fn gone(what: &str) -> Fault {
    Fault::Internal(format!("{what} is none that an identity code can be made of"))
}

fn wrong(error: NumberError) -> Fault {
    Fault::Internal(format!("no identity code can be made: {error}"))
}

/// `E_STATE`: the code has become another's meanwhile.
async fn enterprise(
    ctx: &Ctx,
    tx: &Tx<'_>,
    form: &Form,
    numbers: &Numbers,
) -> Result<EnterpriseId, Stop> {
    let rows = tx.rows();
    let home = &ctx.realm.home_province;
    let enterprise = Enterprise {
        id: EnterpriseId::new(&ctx.services.clock, ctx.random()),
        registration_no: numbers.registration_no.clone(),
        uscc: None,
        tin: numbers.code.clone(),
        name: form.name_zh.as_str().to_owned(),
        kind: EnterpriseKind::NonResident,
        status: RegistryStatus("03".to_owned()),
        province: home.clone(),
        // The province's own, until the core tells another.
        tax_authority: format!("1{home}0000"),
        pays_social_insurance: false,
        certificate_authorities: Vec::new(),
        unit_number: None,
    };
    // What the applicant says of a former code proves nothing, be it another's or nobody's: whose it is, the
    // core tells.
    rows.enterprises().save(&enterprise, std::slice::from_ref(&numbers.code)).await?;
    let holder = rows.enterprises().find_by_number(&numbers.code).await?;
    if holder.is_none_or(|holder| holder.id != enterprise.id) {
        return Err(Refusal::State.into());
    }
    let profile = EnterpriseProfile {
        registered_address: Some(form.address.as_str().to_owned()),
        ..EnterpriseProfile::default()
    };
    rows.relations().save_profile(enterprise.id, &profile).await?;
    Ok(enterprise.id)
}

/// What was approved stands in the register of non-residents: it is the registry's word.
async fn relate(
    ctx: &Ctx,
    tx: &Tx<'_>,
    enterprise: EnterpriseId,
    person: PersonId,
    identity: Declared,
) -> Result<(), Stop> {
    let name = identity.identity_type();
    let identity_type = ctx.realm.identity_type(&name);
    let identity_type = identity_type
        .ok_or_else(|| Fault::Internal(format!("the realm has no identity type {}", name.0)))?;
    let permissions = match &identity_type.permissions {
        PermissionPolicy::All => Permissions::new(),
        PermissionPolicy::Among(all) => all.clone(),
    };
    let valid_from = ctx.now().day();
    let new = New {
        id: AuthorisationId::new(&ctx.services.clock, ctx.random()),
        enterprise,
        person,
        identity_type,
        valid_from,
        invited_by: None,
    };
    let terms = Terms { permissions, valid_to: None };
    let event = Event::Registry { state: State::Active, valid_from, terms };
    begin_in(ctx, tx, new, &event, By::REGISTRY).await?;
    Ok(())
}
