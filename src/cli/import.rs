//! `hufu import`: what the registry and the business systems tell, from a file. Needs the database and
//! the realm's files, and none of the realm's secrets.

use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::path::PathBuf;

use crate::cli::place::{Opened, Place};
use crate::cli::result::{CliResult, remark, say};
use crate::cli::start::{Wanted, realm_of_data, services};
use crate::config::Settings;
use crate::ephemeral::Ephemeral;
use crate::flows::Ctx;
use crate::flows::feed::{Format, import};

#[derive(clap::Args)]
pub struct ImportArguments {
    realm: String,
    /// A table (`.csv`) or one JSON object a line.
    file: PathBuf,
    /// What the lines are when they do not say it: `person`, `enterprise`, `authorisation`,
    /// `engagement` or `record`.
    #[arg(long)]
    kind: Option<String>,
    /// Where lines that were not taken are listed; beside the file by default.
    #[arg(long)]
    report: Option<PathBuf>,
    #[command(flatten)]
    place: Place,
}

pub async fn run(arguments: ImportArguments, settings: Settings) -> CliResult {
    let wanted = Wanted::of(&arguments.place.over(settings))?;
    let opened = Opened::at(&wanted).await?;
    opened.check_realm(&arguments.realm).await?;
    let realm = realm_of_data(&wanted.realms.join(&arguments.realm))?;
    // What is told waits in the database, for the running server to send.
    let clock = opened.clock.clone();
    let ephemeral = Ephemeral::in_memory(clock.clone());
    let services = services(&wanted, &opened.master, opened.store, ephemeral, clock)?;
    let file = &arguments.file;
    let opened = File::open(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let is_table = file.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("csv"));
    let format = if is_table { Format::Csv } else { Format::JsonLines };
    let (ctx, kind) = (Ctx::own(&services, &realm), arguments.kind.as_deref());
    let report = import(&ctx, "hufu import", BufReader::new(opened), format, kind).await?;
    say(format_args!(
        "{} applied, {} unchanged, {} failed",
        report.applied,
        report.unchanged,
        report.failed.len()
    ))?;
    for remarked in &report.remarks {
        remark(format_args!("{}:{}: {}", file.display(), remarked.line, remarked.why));
    }
    if report.failed.is_empty() {
        return Ok(());
    }
    let beside = || PathBuf::from(format!("{}.report.jsonl", file.display()));
    let path = arguments.report.unwrap_or_else(beside);
    let mut written = BufWriter::new(File::create(&path)?);
    for failed in &report.failed {
        writeln!(written, "{}", serde_json::to_string(failed)?)?;
        remark(format_args!("{}:{}: {}", file.display(), failed.line, failed.why));
    }
    written.flush()?;
    Err(format!("{} lines were not taken, see {}", report.failed.len(), path.display()).into())
}
