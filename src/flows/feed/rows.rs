//! One line of a feed into its rows.

use uuid::Uuid;

use super::people::save_person;
use crate::base::clock::Day;
use crate::base::id::{
    AssignmentId, AuthorisationId, EngagementId, EnterpriseId, PersonId, RecordId,
};
use crate::domain::authorisation::{Actor, Authorisation, Event, Origin, State};
use crate::domain::cross_region::{CrossRegionRecord, comparable};
use crate::domain::engagement::{Assignment, Engagement};
use crate::domain::enterprise::{Enterprise, RegistryStatus};
use crate::domain::feed::{
    AuthorisationLine, EngagementLine, EnterpriseLine, Line, RecordLine, Wrong,
};
use crate::domain::identity_type::{Capability, IdentityType, IdentityTypeName, Permissions};
use crate::domain::number::normalise;
use crate::flows::Ctx;
use crate::flows::feed::NotTaken;
use crate::flows::relations::{By, change_in, follow};
use crate::flows::telling::{at_work, look_after};
use crate::store::Tx;

/// One line into its rows. `known`: the row that an older version became.
pub async fn save(
    ctx: &Ctx,
    tx: &Tx<'_>,
    line: &Line,
    known: Option<Uuid>,
) -> Result<Uuid, NotTaken> {
    match line {
        Line::Person(line) => save_person(ctx, tx, line).await,
        Line::Enterprise(line) => save_enterprise(ctx, tx, line, known.map(EnterpriseId)).await,
        Line::Authorisation(line) => save_authorisation(ctx, tx, line).await,
        Line::Engagement(line) => save_engagement(ctx, tx, line, known.map(EngagementId)).await,
        Line::Record(line) => save_record(ctx, tx, line, known.map(RecordId)).await,
    }
}

async fn save_enterprise(
    ctx: &Ctx,
    tx: &Tx<'_>,
    line: &EnterpriseLine,
    known: Option<EnterpriseId>,
) -> Result<Uuid, NotTaken> {
    let rows = tx.rows();
    let Some(tin) = line.tin.as_ref().or(line.uscc.as_ref()).map(|tin| normalise(tin)) else {
        return Err(Wrong::field("tin", "`tin` or `uscc` is needed").into());
    };
    let mut numbers = vec![tin.clone()];
    numbers.extend(line.uscc.iter().chain(&line.former_numbers).map(|number| normalise(number)));
    numbers.sort();
    numbers.dedup();
    let same = rows.enterprises().find_by_registration_no(&line.registration_no).await?;
    let id = same.as_ref().map(|same| same.id);
    if known.is_some_and(|known| Some(known) != id) {
        let reason = "the line was of an enterprise with another number";
        return Err(Wrong::field("registration_no", reason).into());
    }
    for number in &numbers {
        let found = rows.enterprises().find_by_number(number).await?;
        if found.is_some_and(|found| Some(found.id) != id) {
            let reason = format!("{number} belongs to another enterprise");
            return Err(Wrong::field("tin", reason).into());
        }
    }
    let enterprise = Enterprise {
        id: id.unwrap_or_else(|| EnterpriseId::new(&ctx.services.clock, ctx.random())),
        registration_no: line.registration_no.clone(),
        uscc: line.uscc.as_ref().map(|uscc| normalise(uscc)),
        tin,
        name: line.name.clone(),
        kind: line.kind,
        status: RegistryStatus(line.status.clone()),
        province: line.province.clone().unwrap_or_else(|| ctx.realm.home_province.clone()),
        tax_authority: line.tax_authority.clone(),
        pays_social_insurance: line.pays_social_insurance,
    };
    let closes = same.is_some_and(|same| same.status.is_alive()) && !enterprise.status.is_alive();
    let before = if closes { at_work(ctx, tx, enterprise.id).await? } else { Vec::new() };
    rows.enterprises().save(&enterprise, &numbers).await?;
    look_after(ctx, tx, before).await?;
    if let Some(profile) = &line.profile {
        rows.relations().save_profile(enterprise.id, profile).await?;
    }
    Ok(enterprise.id.0)
}

async fn save_authorisation(
    ctx: &Ctx,
    tx: &Tx<'_>,
    line: &AuthorisationLine,
) -> Result<Uuid, NotTaken> {
    let rows = tx.rows();
    let identity_type = IdentityTypeName(line.identity_type.clone());
    let Some(known_type) = ctx.realm.identity_type(&identity_type) else {
        return Err(Wrong::field("identity_type", "the realm has no such identity type").into());
    };
    let permissions: Permissions = line.permissions.iter().cloned().collect();
    if !known_type.allows(&permissions) {
        return Err(Wrong::field("permissions", "not all of them fit the identity type").into());
    }
    let Some(state) = State::parse(&line.state) else {
        return Err(Wrong::field("state", "no such state").into());
    };
    let (valid_from, valid_to) = term(&line.valid_from, line.valid_to.as_deref())?;
    let enterprise = enterprise(tx, "enterprise", &line.enterprise).await?;
    let person = person(tx, "person", &line.person).await?;
    let invited_by = match &line.invited_by {
        Some(number) => rows.people().find_by_document(number).await?,
        None => None,
    };
    let all = rows.authorisations().list(person, enterprise).await?;
    let known =
        all.into_iter().find(|one| one.identity_type == identity_type && one.state.is_live());
    if let Some(known) = known {
        let changed = Authorisation {
            permissions,
            valid_to,
            state,
            confirmed_at: known.confirmed_at.or((state == State::Active).then(|| ctx.now())),
            updated_at: ctx.now(),
            version: known.version + 1,
            ..known.clone()
        };
        if !rows.authorisations().update(&changed).await? {
            return Err(Wrong::line("the authorisation was changed meanwhile").into());
        }
        rows.authorisations()
            .add_event(ctx.new_row_id(), &changed, "registry", "system", None)
            .await?;
        follow(ctx, tx, &known, &changed).await?;
        return Ok(changed.id.0);
    }
    if state == State::Active {
        succeed(ctx, tx, (enterprise, person), known_type).await?;
    }
    let new = Authorisation {
        id: AuthorisationId::new(&ctx.services.clock, ctx.random()),
        enterprise,
        person,
        identity_type,
        permissions,
        valid_from,
        valid_to,
        origin: match state {
            State::PendingByEnterprise => Origin::ByPerson,
            _ if line.invited_by.is_some() => Origin::ByEnterprise,
            _ => Origin::Registry,
        },
        state,
        invited_by,
        confirmed_at: (state == State::Active).then(|| ctx.now()),
        updated_at: ctx.now(),
        version: 1,
    };
    if !rows.authorisations().add(&new).await? {
        return Err(Wrong::line("another live authorisation of this kind is there").into());
    }
    Ok(new.id.0)
}

/// An enterprise has one legal representative and one finance supervisor: the registry's new one
/// ends the old one's relation (outside-parts 5.3).
async fn succeed(
    ctx: &Ctx,
    tx: &Tx<'_>,
    (enterprise, person): (EnterpriseId, PersonId),
    known: &IdentityType,
) -> Result<(), NotTaken> {
    if !known.can(Capability::ManageHandlers) || known.can(Capability::GrantedOnline) {
        return Ok(());
    }
    for (one, _) in tx.rows().relations().handlers(enterprise).await? {
        let is_before = one.identity_type == known.name && one.state == State::Active;
        if is_before && one.person != person {
            let by = By { actor: Actor::System, person: None };
            change_in(ctx, tx, &one, &Event::RegistryEnd, by).await?;
        }
    }
    Ok(())
}

async fn save_engagement(
    ctx: &Ctx,
    tx: &Tx<'_>,
    line: &EngagementLine,
    known: Option<EngagementId>,
) -> Result<Uuid, NotTaken> {
    let (valid_from, valid_to) = term(&line.valid_from, line.valid_to.as_deref())?;
    let agency = enterprise(tx, "agency", &line.agency).await?;
    let client = enterprise(tx, "client", &line.client).await?;
    let staff = people(tx, "staff", &line.staff).await?;
    let rows = tx.rows();
    let live = rows.engagements().find_live(agency, client).await?;
    if let (Some(known), Some(live)) = (known, live)
        && known != live
    {
        return Err(Wrong::field("client", "another line engages the agency for it").into());
    }
    let known = known.or(live);
    let engagement = Engagement {
        id: known.unwrap_or_else(|| EngagementId::new(&ctx.services.clock, ctx.random())),
        agency,
        client_enterprise: client,
        valid_from,
        valid_to,
        is_active: !line.is_ended,
    };
    // G-17, invariant 9: who works for the client, and their applications, hear of it at once.
    let before = at_work(ctx, tx, client).await?;
    rows.engagements().save(&engagement).await?;
    let permissions: Permissions = line.permissions.iter().cloned().collect();
    let mut kept = Vec::new();
    for known in rows.engagements().staff(engagement.id).await? {
        let stays = staff.contains(&known.person) && known.permissions == permissions;
        if stays && engagement.is_active {
            kept.push(known.person);
            continue;
        }
        rows.engagements().dismiss(known.id).await?;
    }
    for person in staff.into_iter().filter(|person| !kept.contains(person)) {
        let assignment = Assignment {
            id: AssignmentId::new(&ctx.services.clock, ctx.random()),
            engagement: engagement.id,
            person,
            permissions: permissions.clone(),
            is_active: true,
        };
        rows.engagements().assign(&assignment).await?;
    }
    look_after(ctx, tx, before).await?;
    Ok(engagement.id.0)
}

async fn save_record(
    ctx: &Ctx,
    tx: &Tx<'_>,
    line: &RecordLine,
    known: Option<RecordId>,
) -> Result<Uuid, NotTaken> {
    let Some(number) = comparable(&line.record_no) else {
        return Err(Wrong::field("record_no", "1 to 60 characters").into());
    };
    let (valid_from, valid_to) = term(&line.valid_from, line.valid_to.as_deref())?;
    let enterprise = enterprise(tx, "enterprise", &line.enterprise).await?;
    let handlers = people(tx, "handlers", &line.handlers).await?;
    let rows = tx.rows();
    let same = rows.cross_region().find_by_number(line.record_kind, &number).await?;
    if let (Some(known), Some(same)) = (known, same)
        && known != same
    {
        return Err(Wrong::field("record_no", "another record has this number").into());
    }
    let fresh = || RecordId::new(&ctx.services.clock, ctx.random());
    let record = CrossRegionRecord {
        id: known.or(same).unwrap_or_else(fresh),
        enterprise,
        kind: line.record_kind,
        record_no: line.record_no.trim().to_owned(),
        project_name: line.project_name.clone(),
        division: line.division.clone(),
        tax_authority: line.tax_authority.clone(),
        valid_from,
        valid_to,
        is_open: !line.is_closed,
        permissions: line.permissions.iter().cloned().collect(),
    };
    let before = at_work(ctx, tx, enterprise).await?;
    rows.cross_region().save(&record, &handlers).await?;
    look_after(ctx, tx, before).await?;
    Ok(record.id.0)
}

fn term(from: &str, to: Option<&str>) -> Result<(Day, Option<Day>), Wrong> {
    let day = |field: &str, text: &str| {
        Day::parse(text).ok_or_else(|| Wrong::field(field, "a day such as 2026-11-24 is needed"))
    };
    let valid_from = day("valid_from", from)?;
    let valid_to = to.map(|to| day("valid_to", to)).transpose()?;
    if valid_to.is_some_and(|end| end < valid_from) {
        return Err(Wrong::field("valid_to", "is before valid_from"));
    }
    Ok((valid_from, valid_to))
}

async fn enterprise(tx: &Tx<'_>, field: &str, number: &str) -> Result<EnterpriseId, NotTaken> {
    let found = tx.rows().enterprises().find_by_number(&normalise(number)).await?;
    let unknown = || Wrong::field(field, format!("no enterprise answers to {number}"));
    Ok(found.map(|found| found.id).ok_or_else(unknown)?)
}

/// Numbers of people never stand in a report.
async fn person(tx: &Tx<'_>, field: &str, number: &str) -> Result<PersonId, NotTaken> {
    let found = tx.rows().people().find_by_document(&normalise(number)).await?;
    Ok(found.ok_or_else(|| Wrong::field(field, "nobody is known by this document number"))?)
}

async fn people(tx: &Tx<'_>, field: &str, numbers: &[String]) -> Result<Vec<PersonId>, NotTaken> {
    let mut found = Vec::new();
    for number in numbers {
        let person = person(tx, field, number).await?;
        if !found.contains(&person) {
            found.push(person);
        }
    }
    Ok(found)
}
