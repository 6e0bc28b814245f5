//! A hall's line of a feed: what was collected of a person stands for itself until they register (R-12,
//! It makes no person and no account.

use uuid::Uuid;

use crate::base::clock::Day;
use crate::domain::audit::AuditEvent;
use crate::domain::feed::{HallRecordLine, Wrong};
use crate::domain::hall::HallRecord;
use crate::domain::number::country::by_alpha;
use crate::domain::number::document::{DocumentNumber, DocumentType};
use crate::domain::number::name::PersonName;
use crate::domain::number::normalise;
use crate::domain::number::phone::Phone;
use crate::domain::number::resident::Sex;
use crate::domain::person::DocumentEnd;
use crate::flows::Ctx;
use crate::flows::feed::among::{Candidate, Once};
use crate::flows::feed::not_taken::{NotTaken, Saved};
use crate::store::Tx;
use crate::store::hall_records::NewRecord;

fn parse(line: &HallRecordLine, today: Day) -> Result<HallRecord, Wrong> {
    let kind = DocumentType::parse(&line.document_type)
        .ok_or_else(|| Wrong::field("document_type", "no such kind of document"))?;
    let number = DocumentNumber::parse(kind, &line.document, today)
        .map_err(|error| Wrong::field("document", error))?;
    let told = line.sex.as_deref().map(|sex| Sex::parse(sex.trim()));
    let sex = match (number.sex, told) {
        (_, Some(None)) => return Err(Wrong::field("sex", "male or female")),
        (Some(carried), Some(Some(told))) if carried != told => {
            return Err(Wrong::field("sex", "the number says another"));
        }
        (carried, told) => carried.or(told.flatten()),
    };
    let end = |text: &str| match text {
        "long_term" => Ok(DocumentEnd::Never),
        _ => Day::parse(text)
            .map(DocumentEnd::On)
            .ok_or_else(|| Wrong::field("document_valid_to", "no such day")),
    };
    let phone = line.phone.as_deref().map(Phone::parse).transpose();
    let collected_on = Day::parse(&line.collected_on).filter(|day| *day <= today);
    Ok(HallRecord {
        name: PersonName::parse(&line.name).map_err(|error| Wrong::field("name", error))?,
        sex,
        nationality: nationality(line, &number)?,
        document_ends: line.document_valid_to.as_deref().map(end).transpose()?,
        phone: phone.map_err(|error| Wrong::field("phone", error))?,
        verified_by_sight: line.verified_by_sight,
        portrait: line.portrait.as_deref().map(portrait).transpose()?,
        collected_on: collected_on
            .ok_or_else(|| Wrong::field("collected_on", "a day until today is needed"))?,
        collected_by: line.collected_by.trim().to_owned(),
        number,
    })
}

fn nationality(line: &HallRecordLine, number: &DocumentNumber) -> Result<String, Wrong> {
    let told = line.nationality.as_deref().map(normalise);
    match (number.nationality(), told) {
        (Some(carried), Some(told)) if carried != told => {
            Err(Wrong::field("nationality", "the document says another"))
        }
        (Some(carried), _) => Ok(carried.to_owned()),
        (None, Some(told)) if by_alpha(&told).is_some() => Ok(told),
        (None, _) => Err(Wrong::field("nationality", "three letters (ISO 3166-1 alpha-3)")),
    }
}

fn portrait(text: &str) -> Result<String, Wrong> {
    let text = text.trim().to_ascii_lowercase();
    let is_hash = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hash.then_some(text).ok_or_else(|| Wrong::field("portrait", "64 hexadecimal digits"))
}

/// `known`: what an older version of the line became.
pub(super) async fn save_hall_record(
    ctx: &Ctx,
    tx: &Tx<'_>,
    line: &HallRecordLine,
    known: Option<Uuid>,
) -> Result<Saved, NotTaken> {
    let new = NewRecord { row: ctx.new_row_id(), record: parse(line, ctx.now().day())? };
    let records = tx.rows().hall_records();
    let current = records.current(&new.record.number).await?;
    // The same collection, said anew, is no other.
    let other = current.filter(|current| Some(current.row) != known);
    let is_former = other.is_some_and(|other| other.outlasts(new.record.collected_on));
    records.put(&new, (known, is_former), tx.now()).await?;
    note(tx, new.row, &new.record);
    let reason = "kept as a former one: a newer collection counts";
    let remark = is_former.then(|| Wrong::field("collected_on", reason));
    Ok(Saved { target: new.row, remarks: remark.into_iter().collect() })
}

fn note(tx: &Tx<'_>, row: Uuid, record: &HallRecord) {
    tx.note(AuditEvent::HallRecordKept { record: row, kind: record.number.kind.name().to_owned() });
}

/// Adds those of many lines of whose document halls had collected nothing, nor does another line. The
/// row of each; `None`: it is to be looked at alone.
pub(super) async fn add_unknown(
    ctx: &Ctx,
    tx: &Tx<'_>,
    lines: &[Candidate<'_, HallRecordLine>],
) -> Result<Vec<Option<Uuid>>, NotTaken> {
    let today = ctx.now().day();
    let told: Vec<Option<HallRecord>> =
        lines.iter().map(|one| parse(one.line, today).ok()).collect();
    let numbers: Vec<DocumentNumber> =
        told.iter().flatten().map(|record| record.number.clone()).collect();
    let known = tx.rows().hall_records().known(&numbers).await?;
    let one_number = Once::among(numbers);
    let (mut new, mut added) = (Vec::new(), Vec::with_capacity(lines.len()));
    for (candidate, record) in lines.iter().zip(told) {
        let is_free = |record: &HallRecord| {
            candidate.is_new && one_number.has(&record.number) && !known.contains(&record.number)
        };
        let record = record.filter(is_free);
        let record = record.map(|record| NewRecord { row: ctx.new_row_id(), record });
        added.push(record.as_ref().map(|new| new.row));
        new.extend(record);
    }
    tx.rows().hall_records().add_all(&new).await?;
    for NewRecord { row, record } in &new {
        note(tx, *row, record);
    }
    Ok(added)
}
