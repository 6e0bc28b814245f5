//! Cross-regional records that a person may enter (S-05 to S-08, AC-52).

use crate::base::id::{EnterpriseId, PersonId};
use crate::domain::authorisation::Authorisation;
use crate::domain::cross_region::{CrossRegionRecord, RecordKind};
use crate::domain::enterprise::Enterprise;
use crate::domain::number::record::RecordNumber;
use crate::flows::identity::load::sees_all_records;
use crate::flows::{Ctx, Fault};
use crate::store::cross_region::{OpenRecords, RecordQuery};

/// A list of records; `cut`: how many it was cut to, where there are more.
pub struct Records<T> {
    pub shown: Vec<T>,
    pub cut: Option<u32>,
}

impl<T> Records<T> {
    pub fn none() -> Self {
        Self { shown: Vec::new(), cut: None }
    }
}

/// What a long list is narrowed by: a record's own number, the beginning of a division, an authority.
#[derive(Clone, Copy, Default)]
pub struct Narrowed<'a> {
    pub record_no: Option<&'a RecordNumber>,
    pub division: &'a str,
    pub authority: &'a str,
}

/// Of what was read up to one more than is shown.
fn cut<T>(found: &mut Vec<T>, most: u32) -> Option<u32> {
    let shown = usize::try_from(most).ok().filter(|most| found.len() > *most)?;
    found.truncate(shown);
    Some(most)
}

/// The records of one kind that a person may enter in an enterprise; `record_no` finds one (S-05).
pub async fn records(
    ctx: &Ctx,
    person: PersonId,
    enterprise: EnterpriseId,
    kind: RecordKind,
    record_no: Option<&RecordNumber>,
) -> Result<Records<CrossRegionRecord>, Fault> {
    let rows = ctx.rows();
    let known = rows.enterprises().find(enterprise).await?;
    let Some(known) = known.filter(|known| known.status.is_alive()) else {
        return Ok(Records::none());
    };
    let authorisations = rows.authorisations().list(person, enterprise).await?;
    let sees_all = sees_all_records(ctx, &known, &authorisations).is_some();
    let query = RecordQuery {
        enterprise,
        kind,
        handler: (!sees_all).then_some(person),
        record_no,
        today: ctx.now().day(),
        limit: i64::from(MOST_RECORDS) + 1,
    };
    let mut shown = rows.cross_region().list(&query).await?;
    let cut = cut(&mut shown, MOST_RECORDS);
    Ok(Records { shown, cut })
}

/// Every record of a kind that a person may enter, with whose it is: those of enterprises in which
/// they see all, and those that name them (AC-52). However many enterprises they have, it is two reads.
pub async fn all_records(
    ctx: &Ctx,
    person: PersonId,
    kind: RecordKind,
    narrowed: Narrowed<'_>,
) -> Result<Records<(CrossRegionRecord, String)>, Fault> {
    let (rows, today) = (ctx.rows(), ctx.now().day());
    let held = rows.standings().held_now(person, today, 0, i64::MAX).await?;
    let sees_all = |(one, enterprise): &&(Authorisation, Enterprise)| {
        sees_all_records(ctx, enterprise, std::slice::from_ref(one)).is_some()
    };
    let mut enterprises: Vec<EnterpriseId> =
        held.iter().filter(sees_all).map(|(_, enterprise)| enterprise.id).collect();
    enterprises.dedup();
    let query = OpenRecords {
        person,
        enterprises: &enterprises,
        kind,
        record_no: narrowed.record_no,
        division: narrowed.division,
        authority: narrowed.authority,
        today,
        limit: u64::from(MOST_OPEN) + 1,
    };
    let mut found = rows.cross_region().open(&query).await?;
    let cut = cut(&mut found, MOST_OPEN);
    let alive = found.into_iter().filter(|(_, enterprise)| enterprise.status.is_alive());
    let shown = alive.map(|(record, enterprise)| (record, enterprise.name)).collect();
    Ok(Records { shown, cut })
}

/// Records in one list; others are found by their number.
const MOST_RECORDS: u32 = 200;
/// The same over all enterprises, where filters narrow it.
const MOST_OPEN: u32 = 2000;
