//! Takes what the registry and the business systems tell: by file (`hufu import`) or through the
//! administrator's interface. A line is taken whole or not at all, the same line twice is one, and
//! a wrong line does not hold up the others.

mod authorisations;
pub mod fields;
pub mod fixtures;
mod hall;
pub mod not_taken;
mod people;
mod phones;
mod profile;
mod rows;

use std::io::BufRead;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::domain::audit::AuditEvent;
use crate::domain::feed::{Entry, Wrong};
use crate::flows::feed::not_taken::NotTaken;
use crate::flows::{Ctx, Fault};

pub use authorisations::put_authorisation;
pub use people::add_person;
pub use rows::save;

/// How the lines of a file are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// One JSON object a line.
    JsonLines,
    /// A table whose first row names the fields; several values in a cell stand between blanks.
    Csv,
}

/// What became of the lines.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    pub applied: u64,
    /// This version or a newer one was known.
    pub unchanged: u64,
    pub failed: Vec<FailedLine>,
    /// Of lines that were taken: what of them was not followed.
    pub remarks: Vec<FailedLine>,
}

#[derive(Debug, Serialize)]
pub struct FailedLine {
    /// Counted from one.
    pub line: u64,
    #[serde(flatten)]
    pub why: Wrong,
}

/// Takes every line that is right and reports the others. `kind`: of lines that do not name theirs.
pub async fn import(
    ctx: &Ctx,
    by: &str,
    text: impl BufRead,
    format: Format,
    kind: Option<&str>,
) -> Result<Report, Fault> {
    let mut report = Report::default();
    for (line, fields) in read(text, format) {
        let entry = fields.and_then(|fields| Entry::parse(kind, fields));
        let outcome = match entry {
            Ok(entry) => apply(ctx, &entry).await,
            Err(why) => Err(why.into()),
        };
        match outcome {
            Ok(Some(remark)) => {
                report.applied += 1;
                report.remarks.extend(remark.map(|why| FailedLine { line, why }));
            }
            Ok(None) => report.unchanged += 1,
            Err(NotTaken::Wrong(why)) => report.failed.push(FailedLine { line, why }),
            Err(NotTaken::Fault(fault)) => {
                let refusal = fault.refusal();
                let Some(refusal) = refusal else { return Err(fault) };
                tracing::warn!(%fault, line, "The database refused a line");
                report.failed.push(FailedLine { line, why: Wrong::line(refusal.code()) });
            }
        }
    }
    let event = AuditEvent::FeedImported {
        by: by.to_owned(),
        applied: report.applied,
        failed: u64::try_from(report.failed.len()).unwrap_or(u64::MAX),
    };
    let tx = ctx.begin().await?;
    tx.note(event);
    tx.commit().await?;
    Ok(report)
}

type Fields = Result<Map<String, Value>, Wrong>;

fn read(text: impl BufRead, format: Format) -> Vec<(u64, Fields)> {
    let mut found = Vec::new();
    match format {
        Format::JsonLines => {
            for (number, line) in (1..).zip(text.lines()) {
                match line {
                    Ok(line) if line.trim().is_empty() => {}
                    Ok(line) => {
                        found.push((number, serde_json::from_str(&line).map_err(Wrong::line)));
                    }
                    Err(error) => found.push((number, Err(Wrong::line(error)))),
                }
            }
        }
        Format::Csv => {
            let mut table = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text);
            let names = table.headers().cloned().unwrap_or_default();
            for row in table.records() {
                match row {
                    Ok(row) => {
                        let number = row.position().map_or(0, csv::Position::line);
                        let cells = names.iter().zip(&row);
                        let fields = cells.map(|(name, cell)| (name.to_owned(), cell.into()));
                        found.push((number, Ok(fields.collect())));
                    }
                    Err(error) => {
                        let number = error.position().map_or(0, csv::Position::line);
                        found.push((number, Err(Wrong::line(error))));
                    }
                }
            }
        }
    }
    found
}

/// With what is to be remarked; `None`: the version is not newer than what is known.
async fn apply(ctx: &Ctx, entry: &Entry) -> Result<Option<Option<Wrong>>, NotTaken> {
    let (kind, key) = (entry.line.kind(), entry.source_key.as_str());
    let tx = ctx.begin().await?;
    let known = tx.rows().feed().find(kind, &entry.source_key).await?;
    if known.is_some_and(|(version, _)| version >= entry.version) {
        return Ok(None);
    }
    let saved = save(ctx, &tx, &entry.line, known.map(|(_, target)| target)).await?;
    let known = known.map(|(version, _)| version);
    if !tx.rows().feed().record(kind, key, known, entry.version, saved.target).await? {
        return Ok(None);
    }
    tx.commit().await?;
    Ok(Some(saved.remark))
}
