//! Takes what the registry and the business systems tell: by file (`hufu import`) or through the
//! administrator's interface. A line is taken whole or not at all, the same line twice is one, and
//! a wrong line does not hold up the others. Lines are read as they are taken, so that a file may be
//! of any length.

mod among;
mod authorisations;
mod bulk;
mod ends;
pub mod fields;
mod file;
pub mod fixtures;
mod hall;
mod lines;
pub mod not_taken;
mod people;
mod phones;
mod profile;
mod report;
mod rows;
mod taking;

use std::io::BufRead;

use crate::flows::{Ctx, Fault};

pub use authorisations::put_authorisation;
pub use file::{Heard, Source, import_file};
pub use people::add_person;
pub use report::{Format, Report, ReportedLine, Totals};
pub use rows::save;

/// Takes every line that is right and reports the others. `kind`: of lines that do not name theirs.
pub async fn import(
    ctx: &Ctx,
    by: &str,
    text: impl BufRead + Send,
    format: Format,
    kind: Option<&str>,
) -> Result<Report, Fault> {
    let (mut failed, mut remarks) = (Vec::new(), Vec::new());
    let hear = |heard| match heard {
        Heard::Failed(line) => failed.push(line),
        Heard::Remarked(line) => remarks.push(line),
        Heard::GoesOn(..) | Heard::Changed | Heard::Through(_) => {}
    };
    let totals = file::import_text(ctx, Source { by, format, kind }, text, hear).await?;
    Ok(Report { applied: totals.applied, unchanged: totals.unchanged, failed, remarks })
}
