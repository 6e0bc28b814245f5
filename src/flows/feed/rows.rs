//! One line of a feed into its rows.

use uuid::Uuid;

use crate::base::id::{
    AssignmentId, AuthorisationId, EngagementId, EnterpriseId, PersonId, RecordId,
};
use crate::domain::cross_region::CrossRegionRecord;
use crate::domain::engagement::{Assignment, Engagement};
use crate::domain::enterprise::{Enterprise, RegistryStatus};
use crate::domain::feed::{EngagementLine, EnterpriseLine, Line, RecordLine, Wrong};
use crate::domain::non_resident::is_ours;
use crate::domain::number::record::RecordNumber;
use crate::domain::number::taxpayer::TaxpayerNumber;
use crate::domain::number::unit::UnitNumber;
use crate::domain::profile::EnterpriseProfile;
use crate::flows::Ctx;
use crate::flows::feed::among::{Candidate, Once};
use crate::flows::feed::authorisations::save_authorisation;
use crate::flows::feed::ends::{end, end_anyway, end_uninsured, not_followed, without};
use crate::flows::feed::fields::{division, enterprise, known_people, people, permissions, term};
use crate::flows::feed::hall::save_hall_record;
use crate::flows::feed::not_taken::{NotTaken, Saved};
use crate::flows::feed::people::save_person;
use crate::flows::feed::profile::parsed;
use crate::flows::notify::tell::{at_work_in, look_after};
use crate::flows::relations::writer::end_all_in;
use crate::store::Tx;
use crate::store::enterprises::NewEnterprise;

/// One line into its rows. `known`: the row that an older version became. What it ends is ended whatever else it
/// says (E-23, G-17).
pub async fn save(
    ctx: &Ctx,
    tx: &Tx<'_>,
    line: &Line,
    known: Option<Uuid>,
) -> Result<Saved, NotTaken> {
    let (mut rest, mut left_out): (Option<Line>, Vec<Wrong>) = (None, Vec::new());
    loop {
        let line = rest.as_ref().unwrap_or(line);
        let why = match follow(ctx, tx, line, known).await {
            Ok(mut saved) => {
                saved.remarks.extend(left_out.iter().map(not_followed));
                return Ok(saved);
            }
            Err(NotTaken::Wrong(why)) => why,
            fault => return fault,
        };
        let is_gone = left_out.iter().any(|one| one.field == why.field);
        let Some(less) = without(ctx, tx, line, &why).await?.filter(|_| !is_gone) else {
            return end_anyway(ctx, tx, line, known, why).await;
        };
        left_out.push(why);
        rest = Some(less);
    }
}

async fn follow(
    ctx: &Ctx,
    tx: &Tx<'_>,
    line: &Line,
    known: Option<Uuid>,
) -> Result<Saved, NotTaken> {
    line.check_texts()?;
    let target = match line {
        Line::Person(line) => return save_person(ctx, tx, line, known.map(PersonId)).await,
        Line::Enterprise(line) => save_enterprise(ctx, tx, line, known.map(EnterpriseId)).await,
        Line::Authorisation(line) => {
            return save_authorisation(ctx, tx, line, known.map(AuthorisationId)).await;
        }
        Line::Engagement(line) => save_engagement(ctx, tx, line, known.map(EngagementId)).await,
        Line::Record(line) => save_record(ctx, tx, line, known.map(RecordId)).await,
        Line::HallRecord(line) => return save_hall_record(ctx, tx, line, known).await,
    };
    Ok(target?.into())
}

/// What an enterprise's line says, parsed. Its id is new.
struct Told {
    enterprise: Enterprise,
    /// All that it answers to, each once.
    numbers: Vec<TaxpayerNumber>,
    profile: Option<EnterpriseProfile>,
}

impl Told {
    fn parse(ctx: &Ctx, line: &EnterpriseLine) -> Result<Self, Wrong> {
        let number = |field: &str, text: &str| {
            TaxpayerNumber::registered(text).map_err(|error| Wrong::field(field, error))
        };
        let uscc = line.uscc.as_deref().map(|text| number("uscc", text)).transpose()?;
        let tin = line.tin.as_deref().map(|text| number("tin", text)).transpose()?;
        let Some(tin) = tin.or_else(|| uscc.clone()) else {
            return Err(Wrong::field("tin", "`tin` or `uscc` is needed"));
        };
        let mut numbers: Vec<TaxpayerNumber> = uscc.iter().chain([&tin]).cloned().collect();
        for former in &line.former_numbers {
            numbers.push(number("former_numbers", former)?);
        }
        numbers.sort();
        numbers.dedup();
        let unit_number = line.unit_number.as_deref().map(UnitNumber::parse).transpose();
        let enterprise = Enterprise {
            id: EnterpriseId::new(&ctx.services.clock, ctx.random()),
            registration_no: line.registration_no.clone(),
            uscc,
            tin,
            name: line.name.clone(),
            kind: line.kind,
            status: RegistryStatus(line.status.clone()),
            province: match &line.province {
                Some(province) => division("province", province)?,
                None => ctx.realm.home_province.clone(),
            },
            tax_authority: line.tax_authority.clone(),
            pays_social_insurance: line.pays_social_insurance,
            unit_number: unit_number.map_err(|error| Wrong::field("unit_number", error))?,
            certificate_authorities: known_authorities(ctx, line)?,
        };
        let today = ctx.now().day();
        let profile = line.profile.as_ref().map(|told| parsed(told, today)).transpose()?;
        Ok(Self { enterprise, numbers, profile })
    }
}

/// Whose certificates it has; a name that the realm does not know is a mistake of either.
fn known_authorities(ctx: &Ctx, line: &EnterpriseLine) -> Result<Vec<String>, Wrong> {
    let named = line.certificate_authorities.clone().unwrap_or_default();
    if let Some(unknown) = named.iter().find(|id| ctx.realm.certificates.authority(id).is_none()) {
        let why = format!("the realm takes no certificates of `{unknown}`");
        return Err(Wrong::field("certificate_authorities", why));
    }
    Ok(named)
}

/// Adds those of many lines whose enterprise nobody knows and whose numbers are nobody's, nor another
/// line's. The row of each; `None`: it is to be looked at alone.
pub(super) async fn add_unknown(
    ctx: &Ctx,
    tx: &Tx<'_>,
    lines: &[Candidate<'_, EnterpriseLine>],
) -> Result<Vec<Option<Uuid>>, NotTaken> {
    let rows = tx.rows();
    let told: Vec<Option<Told>> = lines.iter().map(|one| Told::parse(ctx, one.line).ok()).collect();
    let numbers: Vec<TaxpayerNumber> =
        told.iter().flatten().flat_map(|told| told.numbers.clone()).collect();
    let keys: Vec<&str> = lines.iter().map(|one| one.line.registration_no.as_str()).collect();
    let (known, taken) = (
        rows.enterprises().known(&keys).await?,
        rows.enterprises().find_by_numbers(&numbers).await?,
    );
    let units: Vec<UnitNumber> =
        told.iter().flatten().filter_map(|told| told.enterprise.unit_number.clone()).collect();
    let taken_units = rows.enterprises().known_units(&units).await?;
    let (one_key, one_number) = (Once::among(keys), Once::among(numbers));
    let one_unit = Once::among(units.iter().map(UnitNumber::as_str));
    let is_free = |told: &Told| {
        let key = told.enterprise.registration_no.as_str();
        let mut numbers = told.numbers.iter();
        let mut unit = told.enterprise.unit_number.iter().map(UnitNumber::as_str);
        one_key.has(&key)
            && !known.contains(key)
            && numbers.all(|number| one_number.has(number) && !taken.contains_key(number))
            && unit.all(|unit| one_unit.has(&unit) && !taken_units.contains(unit))
    };
    let (mut new, mut profiles) = (Vec::new(), Vec::new());
    let mut added = Vec::with_capacity(lines.len());
    for (candidate, told) in lines.iter().zip(told) {
        let told = told.filter(|told| candidate.is_new && is_free(told));
        added.push(told.map(|Told { enterprise, numbers, profile }| {
            let id = enterprise.id;
            profiles.extend(profile.map(|profile| (id, profile)));
            new.push(NewEnterprise { enterprise, numbers });
            id.0
        }));
    }
    rows.enterprises().add_all(&new).await?;
    rows.relations().add_profiles(&profiles).await?;
    Ok(added)
}

async fn save_enterprise(
    ctx: &Ctx,
    tx: &Tx<'_>,
    line: &EnterpriseLine,
    known: Option<EnterpriseId>,
) -> Result<Uuid, NotTaken> {
    let (rows, Told { enterprise, numbers, profile }) = (tx.rows(), Told::parse(ctx, line)?);
    let same = rows.enterprises().find_by_registration_no(&line.registration_no).await?;
    let same = match same {
        None => ours(tx, &enterprise).await?,
        same => same,
    };
    let id = same.as_ref().map(|same| same.id);
    if known.is_some_and(|known| Some(known) != id) {
        let reason = "the line was of an enterprise with another number";
        return Err(Wrong::field("registration_no", reason).into());
    }
    for number in &numbers {
        let found = rows.enterprises().find_by_number(number).await?;
        if found.is_some_and(|found| Some(found.id) != id) {
            let is_present = *number == enterprise.tin || Some(number) == enterprise.uscc.as_ref();
            let field = if is_present { "tin" } else { "former_numbers" };
            let reason = format!("{} belongs to another enterprise", number.as_str());
            return Err(Wrong::field(field, reason).into());
        }
    }
    if let Some(unit) = &enterprise.unit_number {
        let found = rows.enterprises().find_by_unit_number(unit).await?;
        if found.is_some_and(|found| Some(found.id) != id) {
            return Err(Wrong::field("unit_number", "belongs to another enterprise").into());
        }
    }
    let unit_number = same.as_ref().and_then(|same| same.unit_number.clone());
    let enterprise = Enterprise {
        id: id.unwrap_or(enterprise.id),
        unit_number: enterprise.unit_number.or(unit_number),
        certificate_authorities: match (&line.certificate_authorities, &same) {
            (None, Some(same)) => same.certificate_authorities.clone(),
            _ => enterprise.certificate_authorities,
        },
        ..enterprise
    };
    // What it is decides who may act for it, too: an agency's staff for its clients.
    let stops = same.as_ref().is_some_and(|same| {
        let dies = same.status.is_alive() && !enterprise.status.is_alive();
        dies || same.kind != enterprise.kind
    });
    let before = if stops { at_work_in(ctx, tx, enterprise.id).await? } else { Vec::new() };
    let paid = same.as_ref().is_some_and(|same| same.pays_social_insurance);
    rows.enterprises().save(&enterprise, &numbers).await?;
    look_after(ctx, tx, before).await?;
    if paid && !enterprise.pays_social_insurance {
        end_uninsured(ctx, tx, enterprise.id).await?;
    }
    if enterprise.status.is_deregistered() {
        end_all_in(ctx, tx, enterprise.id).await?;
    }
    if let Some(profile) = &profile {
        rows.relations().save_profile(enterprise.id, profile).await?;
    }
    Ok(enterprise.id.0)
}

/// A non-resident enterprise that got its code here is one that the core tells for the first time, under a
/// serial number of its own from then on: by the code that was issued, not by any other that leads to it.
async fn ours(tx: &Tx<'_>, told: &Enterprise) -> Result<Option<Enterprise>, NotTaken> {
    let enterprises = tx.rows().enterprises();
    let known = enterprises.find_by_number(&told.tin).await?;
    let known = known.filter(|known| {
        is_ours(&known.registration_no) && known.kind == told.kind && known.tin == told.tin
    });
    let Some(known) = known else { return Ok(None) };
    enterprises.set_registration_no(known.id, &told.registration_no).await?;
    Ok(Some(known))
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
    let rows = tx.rows();
    // What the line was wrongly is over first; then it may be about what another line has told rightly.
    let is_corrected = match known {
        Some(known) => is_of_others(ctx, tx, known, (agency, client)).await?,
        None => false,
    };
    let known = known.filter(|_| !is_corrected);
    let live = rows.engagements().find_live(agency, client).await?;
    // A corrected line that is over ends what it had become, and nothing of another line.
    let live = live.filter(|_| !(is_corrected && line.is_ended));
    if let (Some(known), Some(live)) = (known, live)
        && known != live
        && !line.is_ended
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
    let before = at_work_in(ctx, tx, client).await?;
    rows.engagements().save(&engagement).await?;
    if !engagement.is_active {
        // Whoever looks back sees that it ended, and who acted in it.
        look_after(ctx, tx, before).await?;
        return Ok(engagement.id.0);
    }
    // Of what is over nobody asks whom and what it names: an end is never refused for that (G-17).
    let staff = people(ctx, tx, "staff", &line.staff).await?;
    let permissions = permissions(ctx, &line.permissions)?;
    let mut kept = Vec::new();
    for known in rows.engagements().staff(engagement.id).await? {
        if staff.contains(&known.person) && known.permissions == permissions {
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

/// Whether an older version of the line has named another agency or client: then it is corrected, and what
/// it said is over for whoever works by it (G-17).
async fn is_of_others(
    ctx: &Ctx,
    tx: &Tx<'_>,
    known: EngagementId,
    told: (EnterpriseId, EnterpriseId),
) -> Result<bool, NotTaken> {
    let engagements = tx.rows().engagements();
    let Some((_, client)) = engagements.sides(known).await?.filter(|sides| *sides != told) else {
        return Ok(false);
    };
    end(ctx, tx, known, client).await?;
    Ok(true)
}

async fn save_record(
    ctx: &Ctx,
    tx: &Tx<'_>,
    line: &RecordLine,
    known: Option<RecordId>,
) -> Result<Uuid, NotTaken> {
    let record_no =
        RecordNumber::parse(&line.record_no).map_err(|error| Wrong::field("record_no", error))?;
    let (valid_from, valid_to) = term(&line.valid_from, line.valid_to.as_deref())?;
    let enterprise = enterprise(tx, "enterprise", &line.enterprise).await?;
    let rows = tx.rows();
    let same = rows.cross_region().find_by_number(line.record_kind, &record_no).await?;
    if let (Some(known), Some(same)) = (known, same)
        && known != same
    {
        return Err(Wrong::field("record_no", "another record has this number").into());
    }
    let fresh = || RecordId::new(&ctx.services.clock, ctx.random());
    let id = known.or(same).unwrap_or_else(fresh);
    // What closes is refused for nobody and nothing that it names (G-17).
    let (handlers, permissions) = if line.is_closed {
        let handlers = known_people(tx, "handlers", &line.handlers).await?;
        (handlers, line.permissions.iter().cloned().collect())
    } else {
        let handlers = people(ctx, tx, "handlers", &line.handlers).await?;
        (handlers, permissions(ctx, &line.permissions)?)
    };
    let record = CrossRegionRecord {
        id,
        enterprise,
        kind: line.record_kind,
        record_no,
        project_name: line.project_name.clone(),
        division: division("division", &line.division)?,
        tax_authority: line.tax_authority.clone(),
        valid_from,
        valid_to,
        is_open: !line.is_closed,
        permissions,
    };
    let former = rows.cross_region().enterprise_of(record.id).await?;
    let mut before = at_work_in(ctx, tx, enterprise).await?;
    // Whoever sees all records of the enterprise that it leaves sees this one no longer.
    if let Some(former) = former.filter(|former| *former != enterprise) {
        before.extend(at_work_in(ctx, tx, former).await?);
    }
    rows.cross_region().save(&record, &handlers, ctx.now()).await?;
    look_after(ctx, tx, before).await?;
    Ok(record.id.0)
}
