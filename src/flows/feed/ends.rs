//! What the registry ends is over, whatever else its line says: what of that is wrong is left as it was and
//! remarked on (E-23, G-17, invariant 9).

use uuid::Uuid;

use crate::base::id::{EngagementId, EnterpriseId, RecordId};
use crate::domain::acting::ActingIdentity;
use crate::domain::enterprise::RegistryStatus;
use crate::domain::feed::{EngagementLine, Line, RecordLine, Wrong};
use crate::domain::number::record::RecordNumber;
use crate::flows::feed::fields::enterprise;
use crate::flows::feed::not_taken::{NotTaken, Saved};
use crate::flows::identity::load;
use crate::flows::notify::cause::{Cause, Initiator};
use crate::flows::notify::tell::{at_work_in, end_session, look_after};
use crate::flows::{Ctx, Fault};
use crate::store::Tx;

/// An engagement or a record whose line says that it is over and is wrong in something else. `known`: what an
/// older version of the line became.
pub(super) async fn end_anyway(
    ctx: &Ctx,
    tx: &Tx<'_>,
    line: &Line,
    known: Option<Uuid>,
    why: Wrong,
) -> Result<Saved, NotTaken> {
    // By a text that nobody could keep nothing is looked up.
    if known.is_none() && line.check_texts().is_err() {
        return Err(why.into());
    }
    let target = match line {
        Line::Engagement(line) if line.is_ended => {
            end_engagement(ctx, tx, line, known.map(EngagementId)).await?
        }
        Line::Record(line) if line.is_closed => {
            close_record(ctx, tx, line, known.map(RecordId)).await?
        }
        _ => None,
    };
    match target {
        Some(target) => Ok(Saved { target, remarks: vec![not_followed(&why)] }),
        None => Err(why.into()),
    }
}

pub(super) fn not_followed(why: &Wrong) -> Wrong {
    Wrong { field: why.field.clone(), reason: format!("not followed: {}", why.reason) }
}

async fn end_engagement(
    ctx: &Ctx,
    tx: &Tx<'_>,
    line: &EngagementLine,
    known: Option<EngagementId>,
) -> Result<Option<Uuid>, NotTaken> {
    let known = match known {
        None => {
            let agency = enterprise(tx, "agency", &line.agency).await?;
            let client = enterprise(tx, "client", &line.client).await?;
            tx.rows().engagements().find_live(agency, client).await?
        }
        known => known,
    };
    let Some(known) = known else { return Ok(None) };
    let Some((_, client)) = tx.rows().engagements().sides(known).await? else { return Ok(None) };
    end(ctx, tx, known, client).await?;
    Ok(Some(known.0))
}

/// An engagement is over for whoever works by it.
pub(super) async fn end(
    ctx: &Ctx,
    tx: &Tx<'_>,
    engagement: EngagementId,
    client: EnterpriseId,
) -> Result<(), Fault> {
    let before = at_work_in(ctx, tx, client).await?;
    tx.rows().engagements().end(engagement).await?;
    look_after(ctx, tx, before).await
}

async fn close_record(
    ctx: &Ctx,
    tx: &Tx<'_>,
    line: &RecordLine,
    known: Option<RecordId>,
) -> Result<Option<Uuid>, NotTaken> {
    let records = tx.rows().cross_region();
    let known = match (known, RecordNumber::parse(&line.record_no)) {
        (None, Ok(number)) => records.find_by_number(line.record_kind, &number).await?,
        (known, _) => known,
    };
    let Some(known) = known else { return Ok(None) };
    let Some(enterprise) = records.enterprise_of(known).await? else { return Ok(None) };
    let before = at_work_in(ctx, tx, enterprise).await?;
    records.close(known).await?;
    look_after(ctx, tx, before).await?;
    Ok(Some(known.0))
}

/// The line of an enterprise that is over without what is wrong of it, which stays as it was: of the authorities
/// those that the realm knows. `None`: it is no such line, or says nothing without that.
pub(super) async fn without(
    ctx: &Ctx,
    tx: &Tx<'_>,
    line: &Line,
    why: &Wrong,
) -> Result<Option<Line>, NotTaken> {
    let (Line::Enterprise(line), Some(field)) = (line, &why.field) else { return Ok(None) };
    let is_over = !RegistryStatus(line.status.clone()).is_alive();
    if !is_over || line.registration_no.contains(char::is_control) {
        return Ok(None);
    }
    let same = tx.rows().enterprises().find_by_registration_no(&line.registration_no).await?;
    let Some(same) = same else { return Ok(None) };
    let mut rest = line.clone();
    match field.split(['.', '[']).next() {
        Some("certificate_authorities") => {
            if let Some(named) = &mut rest.certificate_authorities {
                named.retain(|id| ctx.realm.certificates.authority(id).is_some());
            }
        }
        Some("unit_number") => rest.unit_number = None,
        Some("profile") => rest.profile = None,
        Some("former_numbers") => rest.former_numbers.clear(),
        Some("uscc" | "tin") => {
            rest.uscc = same.uscc.map(String::from);
            rest.tin = Some(same.tin.into());
        }
        Some("name") => rest.name = same.name,
        Some("province") => rest.province = Some(same.province),
        Some("tax_authority") => rest.tax_authority = same.tax_authority,
        _ => return Ok(None),
    }
    Ok(Some(Line::Enterprise(rest)))
}

/// Whoever came in by a door that is for payers of social insurance, of a unit that pays it no longer (I-04).
pub(super) async fn end_uninsured(
    ctx: &Ctx,
    tx: &Tx<'_>,
    enterprise: EnterpriseId,
) -> Result<(), Fault> {
    for session in tx.rows().sessions().acting_for(enterprise, ctx.now()).await? {
        let audience = ctx.realm.audience_of(&session.entrance);
        let rows = tx.rows().reading();
        let gives = load::look(ctx, rows, session.person, session.acting).await?;
        if let Ok(ActingIdentity::Enterprise(held)) = gives
            && !audience.admits(&held.enterprise, &held.identity_type)
        {
            let cause = Cause::IdentityEnded(Initiator::System);
            end_session(ctx, tx, session.id, cause).await?;
        }
    }
    Ok(())
}
