//! Lines into their rows: what nobody knew in a few statements (`bulk`), every other line in a
//! transaction of its own.

use std::collections::HashSet;

use crate::domain::feed::{Entry, Wrong};
use crate::flows::feed::bulk;
use crate::flows::feed::not_taken::{NotTaken, Outcome};
use crate::flows::feed::rows::save;
use crate::flows::{Ctx, Fault};
use crate::store::StoreError;

pub(super) type Parsed = (u64, Result<Entry, Wrong>);

/// In their order, as if each were taken alone.
pub(super) async fn take(ctx: &Ctx, mut lines: Vec<Parsed>) -> Result<Vec<(u64, Outcome)>, Fault> {
    let mut outcomes = Vec::with_capacity(lines.len());
    while !lines.is_empty() {
        let rest = lines.split_off(run(&lines));
        take_run(ctx, lines, &mut outcomes).await?;
        lines = rest;
    }
    Ok(outcomes)
}

/// How many lines from the first on are of one kind, each about another entry. Wrong ones are of any.
fn run(lines: &[Parsed]) -> usize {
    let (mut kind, mut keys) = (None, HashSet::new());
    for (at, (_, parsed)) in lines.iter().enumerate() {
        let Ok(entry) = parsed else { continue };
        let is_other = *kind.get_or_insert(entry.line.kind()) != entry.line.kind();
        if is_other || !keys.insert(entry.source_key.as_str()) {
            return at;
        }
    }
    lines.len()
}

async fn take_run(
    ctx: &Ctx,
    lines: Vec<Parsed>,
    outcomes: &mut Vec<(u64, Outcome)>,
) -> Result<(), Fault> {
    let entries: Vec<&Entry> =
        lines.iter().filter_map(|(_, parsed)| parsed.as_ref().ok()).collect();
    let together = match entries.len() {
        0 | 1 => Vec::new(),
        _ => bulk::take(ctx, &entries).await?,
    };
    let mut together = together.into_iter();
    for (line, parsed) in &lines {
        let outcome = match parsed {
            Err(why) => Outcome::Failed(why.clone()),
            Ok(entry) => match together.next().flatten() {
                Some(outcome) => outcome,
                None => alone(ctx, *line, entry).await?,
            },
        };
        outcomes.push((*line, outcome));
    }
    Ok(())
}

async fn alone(ctx: &Ctx, line: u64, entry: &Entry) -> Result<Outcome, Fault> {
    let mut applied = apply(ctx, entry).await;
    if applied.as_ref().is_err_and(is_beaten) {
        applied = apply(ctx, entry).await;
    }
    match applied {
        Ok(outcome) => Ok(outcome),
        Err(NotTaken::Wrong(why)) => Ok(Outcome::Failed(why)),
        Err(NotTaken::Fault(fault)) => {
            let Some(refusal) = fault.refusal() else { return Err(fault) };
            tracing::warn!(%fault, line, "The database refused a line");
            Ok(Outcome::Failed(Wrong::line(refusal.code())))
        }
    }
}

/// Of two that wait for each other the database ends one, and of two that add the same one is faster: once more it
/// finds what the other did.
fn is_beaten(why: &NotTaken) -> bool {
    let NotTaken::Fault(Fault::Store(error)) = why else { return false };
    matches!(error, StoreError::Conflict(_) | StoreError::GaveWay(_))
}

async fn apply(ctx: &Ctx, entry: &Entry) -> Result<Outcome, NotTaken> {
    let (kind, key) = (entry.line.kind(), entry.source_key.as_str());
    let tx = ctx.begin().await?;
    let known = tx.rows().feed().find(kind, &entry.source_key).await?;
    if known.is_some_and(|(version, _)| version >= entry.version) {
        return Ok(Outcome::Unchanged);
    }
    let saved = save(ctx, &tx, &entry.line, known.map(|(_, target)| target)).await?;
    let known = known.map(|(version, _)| version);
    if !tx.rows().feed().record(kind, key, known, entry.version, saved.target).await? {
        return Ok(Outcome::Unchanged);
    }
    tx.commit().await?;
    Ok(Outcome::Applied(saved.remarks))
}
