//! A file of lines, of any length: taken by portions, with a word on each line that was not taken or not
//! as it says, and a mark after each portion. A run that was broken off goes on from its mark, where what
//! was read until there is still the same; the lines after the mark that were taken already are
//! `unchanged`, as any line is that comes twice.

use std::io::{self, BufRead};

use crate::base::secret::hex;
use crate::domain::audit::AuditEvent;
use crate::flows::feed::lines::Lines;
use crate::flows::feed::not_taken::Outcome;
use crate::flows::feed::report::{Format, ReportedLine, Totals};
use crate::flows::feed::taking::take;
use crate::flows::{Ctx, Fault};
use crate::store::feed::Mark;

/// Lines that are looked at together.
const AT_ONCE: usize = 512;

/// Where lines come from.
#[derive(Clone, Copy)]
pub struct Source<'s> {
    /// Who tells them, for the audit.
    pub by: &'s str,
    pub format: Format,
    /// Of lines that do not name theirs.
    pub kind: Option<&'s str>,
}

/// What is heard while lines are taken.
pub enum Heard {
    /// An earlier run came as far as this line, and what it had read is still the same.
    GoesOn(u64, Totals),
    /// There was an earlier run, and what it had read has changed: all is read again.
    Changed,
    Failed(ReportedLine),
    Remarked(ReportedLine),
    /// So far.
    Through(Totals),
}

/// Takes every line of a file that is right. `name`: of the file, under which its mark is kept; `open`
/// begins to read it, a second time where it has changed.
pub async fn import_file<T: BufRead + Send>(
    ctx: &Ctx,
    source: Source<'_>,
    name: &str,
    open: impl Fn() -> io::Result<T> + Send + Sync,
    mut hear: impl FnMut(Heard) + Send,
) -> Result<Totals, Fault> {
    // The same lines read as another kind are others.
    let name = format!("{} {name}", source.kind.unwrap_or("feed"));
    let again = || open().map(|text| Lines::of(text, source.format)).map_err(unreadable);
    let (mut lines, mut totals) = (again()?, Totals::default());
    if let Some(mark) = ctx.rows().feed().mark(&name).await? {
        if is_at(ctx, &mut lines, &mark)? {
            let Mark { applied, unchanged, failed, remarked, .. } = mark;
            totals = Totals { applied, unchanged, failed, remarked };
            hear(Heard::GoesOn(mark.line, totals));
        } else {
            lines = again()?;
            hear(Heard::Changed);
        }
    }
    while portion(ctx, source, &mut lines, &mut totals, &mut hear).await? {
        hear(Heard::Through(totals));
        keep(ctx, &name, &mark_of(ctx, &lines, totals)).await?;
    }
    end(ctx, source, totals, Some(&name)).await?;
    Ok(totals)
}

/// The same of a text that is short enough to be sent again.
pub(super) async fn import_text(
    ctx: &Ctx,
    source: Source<'_>,
    text: impl BufRead + Send,
    mut hear: impl FnMut(Heard) + Send,
) -> Result<Totals, Fault> {
    let (mut lines, mut totals) = (Lines::of(text, source.format), Totals::default());
    while portion(ctx, source, &mut lines, &mut totals, &mut hear).await? {}
    end(ctx, source, totals, None).await?;
    Ok(totals)
}

/// `false`: there were no more lines.
async fn portion(
    ctx: &Ctx,
    source: Source<'_>,
    lines: &mut Lines<'_>,
    totals: &mut Totals,
    hear: &mut (impl FnMut(Heard) + Send),
) -> Result<bool, Fault> {
    let mut read = Vec::with_capacity(AT_ONCE);
    while read.len() < AT_ONCE
        && let Some(told) = lines.next().map_err(unreadable)?
    {
        read.push((told.line, lines.entry(told, source.kind)));
    }
    let is_some = !read.is_empty();
    for (line, outcome) in take(ctx, read).await? {
        match outcome {
            Outcome::Applied(remarks) => {
                totals.applied += 1;
                totals.remarked += u64::from(!remarks.is_empty());
                for why in remarks {
                    hear(Heard::Remarked(ReportedLine { line, why }));
                }
            }
            Outcome::Unchanged => totals.unchanged += 1,
            Outcome::Failed(why) => {
                totals.failed += 1;
                hear(Heard::Failed(ReportedLine { line, why }));
            }
        }
    }
    Ok(is_some)
}

/// Reads as far as the mark; `false`: the lines until there are others than they were.
fn is_at(ctx: &Ctx, lines: &mut Lines<'_>, mark: &Mark) -> Result<bool, Fault> {
    while lines.last() < mark.line {
        if lines.next().map_err(unreadable)?.is_none() {
            return Ok(false);
        }
    }
    Ok(fingerprint(ctx, lines) == mark.fingerprint)
}

fn mark_of(ctx: &Ctx, lines: &Lines<'_>, totals: Totals) -> Mark {
    let Totals { applied, unchanged, failed, remarked } = totals;
    let (line, fingerprint) = (lines.last(), fingerprint(ctx, lines));
    Mark { line, fingerprint, applied, unchanged, failed, remarked }
}

async fn keep(ctx: &Ctx, name: &str, mark: &Mark) -> Result<(), Fault> {
    let tx = ctx.begin().await?;
    tx.rows().feed().keep_mark(name, mark).await?;
    Ok(tx.commit().await?)
}

fn fingerprint(ctx: &Ctx, lines: &Lines<'_>) -> Vec<u8> {
    ctx.rows().feed().fingerprint(&hex(&lines.hash()))
}

async fn end(
    ctx: &Ctx,
    source: Source<'_>,
    totals: Totals,
    name: Option<&str>,
) -> Result<(), Fault> {
    let (by, Totals { applied, failed, .. }) = (source.by.to_owned(), totals);
    let tx = ctx.begin().await?;
    if let Some(name) = name {
        tx.rows().feed().drop_mark(name).await?;
    }
    tx.note(AuditEvent::FeedImported { by, applied, failed });
    Ok(tx.commit().await?)
}

fn unreadable(error: io::Error) -> Fault {
    Fault::Internal(format!("the lines cannot be read on: {error}"))
}
