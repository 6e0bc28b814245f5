//! `hufu audit`: whether the chain of what happened in a realm is whole.

use std::path::PathBuf;

use crate::cli::place::{Opened, Place};
use crate::cli::result::{CliResult, remark, say};
use crate::cli::start::Wanted;
use crate::config::Settings;
use crate::domain::audit_chain::Checkpoint;

#[derive(clap::Args)]
pub struct AuditArguments {
    realm: String,
    /// A file of such checkpoints, one a line, that the chain must still have.
    #[arg(long)]
    checkpoints: Option<PathBuf>,
    #[command(flatten)]
    place: Place,
}

pub async fn run(arguments: AuditArguments, settings: Settings) -> CliResult {
    let AuditArguments { realm, checkpoints, place } = arguments;
    let text = checkpoints.map(std::fs::read_to_string).transpose()?.unwrap_or_default();
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    let known: Option<Vec<Checkpoint>> = lines.map(Checkpoint::parse).collect();
    let known = known.ok_or("a line of the checkpoints is not `<number> <hash>`")?;
    let opened = Opened::at(&Wanted::of(&place.over(settings))?).await?;
    opened.check_realm(&realm).await?;
    let report = opened.store.rows(&realm).records().verify_audit(&known).await?;
    if let Some(fault) = report.fault {
        return Err(fault.into());
    }
    remark(format_args!("{} links, all fit", report.last.sequence));
    say(report.last)?;
    Ok(())
}
