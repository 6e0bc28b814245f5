//! What officers collect of people at the counter: a record of one document, marked as seen and with a
//! portrait where face and document were compared. It feeds registration (R-12, R-13, R-18, D-03) as what the
//! halls' own systems tell does (`feed`). A correction is a new version; the former ones stay.

use uuid::Uuid;

use crate::base::id::{PersonId, RecordVersionId};
use crate::base::secret::{hex, sha256};
use crate::domain::audit::AuditEvent;
use crate::domain::collection::{Portrait, TypedRecord};
use crate::domain::hall::HallRecord;
use crate::domain::help::Helper;
use crate::domain::number::document::{DocumentNumber, DocumentType};
use crate::domain::picture::bare;
use crate::domain::refusal::Refusal;
use crate::flows::officer::{Subject, look, note};
use crate::flows::{Ctx, Stop};
use crate::store::Tx;
use crate::store::hall_records::NewPortrait;

pub use crate::store::hall_records::Version;

/// Portraits that one officer's place sends in an hour, wrong ones included.
const MOST_PORTRAITS: u32 = 200;
const HOUR: i64 = 3600;

/// What halls have of a document, the newest first; empty where nothing. `E_FORMAT`: it is no number of that
/// kind.
pub async fn find(
    ctx: &Ctx,
    officer: &Helper,
    (kind, number): (&str, &str),
) -> Result<Vec<Version>, Stop> {
    let kind = DocumentType::parse(kind).ok_or_else(|| Refusal::format("document_type"))?;
    let number = DocumentNumber::parse(kind, number, ctx.now().day());
    let number = number.map_err(|_| Refusal::format("document"))?;
    let found = ctx.rows().hall_records().versions(&number).await?;
    let about = found.first().map(|one| one.id.to_string());
    let subject = Subject { person: whose(ctx, &number).await?, about, ..Subject::default() };
    look(ctx, officer, "find-hall-record", subject).await?;
    Ok(found)
}

/// One version with all others of its document, the newest first.
pub async fn look_at(
    ctx: &Ctx,
    officer: &Helper,
    id: RecordVersionId,
) -> Result<Vec<Version>, Stop> {
    let found = ctx.rows().hall_records().versions_of(id).await?;
    look_at_one(ctx, officer, "look-at-hall-record", (id, &found)).await?;
    Ok(found)
}

/// The portrait of a version. What earlier releases have kept as it came is shown without what a camera wrote
/// beside it, too.
pub async fn portrait(
    ctx: &Ctx,
    officer: &Helper,
    id: RecordVersionId,
) -> Result<(Portrait, Vec<u8>), Stop> {
    let found = ctx.rows().hall_records().portrait(id).await?;
    let (portrait, content) = found.ok_or(Refusal::State)?;
    let versions = ctx.rows().hall_records().versions_of(id).await?;
    look_at_one(ctx, officer, "look-at-portrait", (id, &versions)).await?;
    let content = bare(portrait.kind, &content).unwrap_or(content);
    Ok((Portrait { size: content.len(), ..portrait }, content))
}

/// `E_STATE`: there is none.
async fn look_at_one(
    ctx: &Ctx,
    officer: &Helper,
    act: &str,
    (id, versions): (RecordVersionId, &[Version]),
) -> Result<(), Stop> {
    let first = versions.first().ok_or(Refusal::State)?;
    let person = whose(ctx, &first.record.number).await?;
    let subject = Subject { person, about: Some(id.to_string()), ..Subject::default() };
    look(ctx, officer, act, subject).await
}

/// The person whose document it is or was, also a void one: they are told of the look.
async fn whose(ctx: &Ctx, number: &DocumentNumber) -> Result<Option<PersonId>, Stop> {
    Ok(ctx.rows().people().standing(number).await?.map(|(person, _)| person))
}

/// What an officer has typed and taken.
pub struct Collected<'a> {
    pub typed: TypedRecord<'a>,
    /// The version that is corrected; `None`: nothing is known of the document.
    pub seen: Option<RecordVersionId>,
    /// Empty: as before.
    pub portrait: &'a [u8],
}

/// The new version. `E_STATE`: somebody else has collected or corrected it meanwhile; `E_FORMAT` also where the
/// number is another document's than the version that is corrected.
pub async fn keep(
    ctx: &Ctx,
    officer: &Helper,
    collected: Collected<'_>,
) -> Result<RecordVersionId, Stop> {
    let (count, retry_after) =
        ctx.ephemeral().by_officers().count(&format!("portrait/{}", officer.name()), HOUR).await?;
    if count > MOST_PORTRAITS {
        return Err(Refusal::OtpRate { retry_after }.into());
    }
    let today = ctx.now().day();
    let stood = match collected.seen {
        Some(id) => {
            let versions = ctx.rows().hall_records().versions_of(id).await?;
            versions.into_iter().find(|one| one.id == id)
        }
        None => None,
    };
    let new = collected.typed.parse(today, stood.as_ref().map(|one| &one.record))?;
    let taken = match collected.portrait {
        [] => None,
        content => Some(Portrait::of(content)?),
    };
    let person = whose(ctx, &new.number).await?;
    let tx = ctx.begin().await?;
    let records = tx.rows().hall_records();
    let known = records.versions(&new.number).await?;
    let newest = known.first().filter(|one| one.is_current);
    if newest.map(|one| one.id) != collected.seen {
        let is_another = collected.seen.is_some() && newest.is_none();
        return Err(if is_another { Refusal::format("document") } else { Refusal::State }.into());
    }
    let kept = newest.and_then(|one| one.portrait_id);
    let hash = match (&taken, newest) {
        (Some((_, content)), _) => Some(hex(&sha256(content))),
        (None, newest) => newest.and_then(|one| one.record.portrait.clone()),
    };
    new.check_seen(hash.is_some())?;
    let record = HallRecord {
        portrait: hash,
        collected_on: today,
        collected_by: officer.name().to_owned(),
        ..new
    };
    let id = RecordVersionId::new(&ctx.services.clock, ctx.random());
    let portrait_id = match taken {
        Some((portrait, content)) => {
            let (row, at) = (ctx.new_row_id(), ctx.now());
            records.add_portrait(&NewPortrait { id: row, portrait, content: &content, at }).await?;
            Some(row)
        }
        None => kept,
    };
    put(&tx, id, &record, portrait_id).await?;
    let act = if collected.seen.is_some() { "correct-hall-record" } else { "collect-hall-record" };
    note(&tx, officer, act, Subject { person, about: Some(id.to_string()), ..Subject::default() });
    tx.commit().await?;
    Ok(id)
}

async fn put(
    tx: &Tx<'_>,
    id: RecordVersionId,
    record: &HallRecord,
    portrait_id: Option<Uuid>,
) -> Result<(), Stop> {
    let kind = record.number.kind.name().to_owned();
    tx.rows().hall_records().supersede(&record.number, tx.now()).await?;
    tx.rows().hall_records().add(id, record, portrait_id).await?;
    tx.note(AuditEvent::HallRecordKept { record: id.0, kind });
    Ok(())
}
