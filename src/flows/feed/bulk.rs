//! Many lines of one kind at once. What nobody knew and what nothing else in the lines touches goes in
//! by a few statements; each other line is left to `taking`, which takes one at a time and says why it
//! does not. Both lead to the same rows and tell the same people.

use uuid::Uuid;

use crate::domain::feed::{
    AuthorisationLine, EnterpriseLine, Entry, HallRecordLine, Line, PersonLine,
};
use crate::flows::feed::among::Candidate;
use crate::flows::feed::not_taken::{NotTaken, Outcome};
use crate::flows::feed::{authorisations, hall, people, rows};
use crate::flows::{Ctx, Fault};
use crate::store::Tx;
use crate::store::feed::NewEntry;

/// What became of each entry; `None`: it is to be looked at alone.
pub(super) async fn take(ctx: &Ctx, entries: &[&Entry]) -> Result<Vec<Option<Outcome>>, Fault> {
    let Some(first) = entries.first() else { return Ok(Vec::new()) };
    let kind = first.line.kind();
    let keys: Vec<&str> = entries.iter().map(|entry| entry.source_key.as_str()).collect();
    let tx = ctx.begin().await?;
    let known = tx.rows().feed().versions(kind, &keys).await?;
    let is_old = |entry: &Entry| {
        known.get(&entry.source_key).is_some_and(|version| *version >= entry.version)
    };
    let mut outcomes: Vec<Option<Outcome>> =
        entries.iter().map(|entry| is_old(entry).then_some(Outcome::Unchanged)).collect();
    let is_new = |entry: &Entry| !known.contains_key(&entry.source_key);
    // A newer word about a relation may end another one in another enterprise: what is said after it is taken
    // after it.
    let is_newer = |entry: &&Entry| {
        matches!(entry.line, Line::Authorisation(_)) && !is_new(entry) && !is_old(entry)
    };
    let n_first = entries.iter().position(is_newer).unwrap_or(entries.len());
    let entries = &entries[..n_first];
    if !entries.iter().any(|entry| is_new(entry)) {
        return Ok(outcomes);
    }
    match add(ctx, tx, kind, entries, is_new).await {
        Ok(added) => {
            for (outcome, _) in outcomes.iter_mut().zip(added).filter(|(_, is_added)| *is_added) {
                *outcome = Some(Outcome::Applied(Vec::new()));
            }
        }
        // Somebody else was faster with one of them, or one holds what the database does not take.
        Err(NotTaken::Fault(fault)) if fault.refusal().is_none() => return Err(fault),
        Err(_) => {}
    }
    Ok(outcomes)
}

/// Whether each could be added among the others.
async fn add(
    ctx: &Ctx,
    tx: Tx<'_>,
    kind: &str,
    entries: &[&Entry],
    is_new: impl Fn(&Entry) -> bool,
) -> Result<Vec<bool>, NotTaken> {
    let added = add_rows(ctx, &tx, entries, is_new).await?;
    let known = entries.iter().zip(&added).filter_map(|(entry, target)| {
        let (source_key, version) = (entry.source_key.as_str(), entry.version);
        target.map(|target| NewEntry { source_key, version, target })
    });
    let known: Vec<NewEntry<'_>> = known.collect();
    tx.rows().feed().add_all(kind, &known).await?;
    tx.commit().await?;
    Ok(added.iter().map(Option::is_some).collect())
}

/// The rows that entries have become.
async fn add_rows(
    ctx: &Ctx,
    tx: &Tx<'_>,
    entries: &[&Entry],
    is_new: impl Fn(&Entry) -> bool,
) -> Result<Vec<Option<Uuid>>, NotTaken> {
    let (mut persons, mut enterprises) = (Vec::new(), Vec::new());
    let (mut relations, mut hall_records) = (Vec::new(), Vec::new());
    for entry in entries {
        let is_new = is_new(entry) && entry.line.check_texts().is_ok();
        match &entry.line {
            Line::Person(line) => persons.push(Candidate::<PersonLine> { line, is_new }),
            Line::Enterprise(line) => {
                enterprises.push(Candidate::<EnterpriseLine> { line, is_new });
            }
            Line::Authorisation(line) => {
                relations.push(Candidate::<AuthorisationLine> { line, is_new });
            }
            Line::HallRecord(line) => {
                hall_records.push(Candidate::<HallRecordLine> { line, is_new });
            }
            Line::Engagement(_) | Line::Record(_) => return Ok(vec![None; entries.len()]),
        }
    }
    // They are of one kind: three of the four are empty.
    let mut added = people::add_unknown(ctx, tx, &persons).await?;
    added.extend(rows::add_unknown(ctx, tx, &enterprises).await?);
    added.extend(authorisations::begin_unknown(ctx, tx, &relations).await?);
    added.extend(hall::add_unknown(ctx, tx, &hall_records).await?);
    Ok(added)
}
