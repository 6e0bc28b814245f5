//! `hufu audit`: what happened in a realm, newest or all of it, and whether its chain is whole.

use std::path::PathBuf;

use clap::Subcommand;
use serde_json::{Value, json};

use crate::base::clock::Day;
use crate::base::sm2::Sm2Public;
use crate::cli::place::{Opened, Place};
use crate::cli::result::{CliResult, Failure, remark, say, tell};
use crate::cli::start::Wanted;
use crate::config::Settings;
use crate::domain::audit_chain::Checkpoint;
use crate::store::records::AuditRow;

/// Without a word between, `hufu audit <realm>` is `verify`.
#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct AuditArguments {
    #[command(subcommand)]
    act: Option<AuditAct>,
    #[command(flatten)]
    verify: Verify,
}

#[derive(Subcommand)]
enum AuditAct {
    /// Walks the chain and prints its newest link as a checkpoint to keep elsewhere.
    Verify(Verify),
    /// The newest events, oldest first.
    Tail {
        realm: String,
        /// How many.
        #[arg(short, default_value_t = 20)]
        n: u64,
        #[command(flatten)]
        shown: Shown,
    },
    /// The public key of signed checkpoints, PEM.
    Key {
        realm: String,
        #[command(flatten)]
        place: Place,
    },
    /// Whether checkpoints were signed by the service, for whoever keeps them: needs no database.
    Signed {
        realm: String,
        /// What `hufu audit key` printed.
        #[arg(long)]
        key: PathBuf,
        /// One a line, as the log tells them.
        #[arg(long)]
        checkpoints: PathBuf,
    },
    /// Every event of a time, as JSON with its hash, one a line.
    Export {
        realm: String,
        /// The first day, `2026-11-27`; otherwise from the beginning.
        #[arg(long, value_parser = day)]
        since: Option<Day>,
        /// The last day; otherwise to the end.
        #[arg(long, value_parser = day)]
        until: Option<Day>,
        #[command(flatten)]
        place: Place,
    },
}

#[derive(clap::Args)]
struct Verify {
    #[arg(required = true)]
    realm: Option<String>,
    /// A file of such checkpoints, one a line, that the chain must still have.
    #[arg(long)]
    checkpoints: Option<PathBuf>,
    #[command(flatten)]
    shown: Shown,
}

#[derive(clap::Args)]
struct Shown {
    /// JSON, one object a line.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

/// What `--since` and `--until` take.
pub fn day(text: &str) -> Result<Day, String> {
    Day::parse(text).ok_or_else(|| "a day is needed, such as 2026-11-27".to_owned())
}

pub async fn run(arguments: AuditArguments, settings: Settings) -> CliResult {
    match arguments.act {
        None => verify(arguments.verify, settings).await,
        Some(AuditAct::Verify(arguments)) => verify(arguments, settings).await,
        Some(AuditAct::Tail { realm, n, shown }) => tail(&realm, n, shown, settings).await,
        Some(AuditAct::Key { realm, place }) => {
            let opened = open(place, settings, &realm).await?;
            let key = opened.store.rows(&realm).records().audit_public();
            Ok(say(key.to_pem()?.trim_end())?)
        }
        Some(AuditAct::Signed { realm, key, checkpoints }) => {
            signed(&realm, &std::fs::read_to_string(key)?, &std::fs::read_to_string(checkpoints)?)
        }
        Some(AuditAct::Export { realm, since, until, place }) => {
            export(&realm, (since, until), place, settings).await
        }
    }
}

async fn open(place: Place, settings: Settings, realm: &str) -> Result<Opened, Failure> {
    let opened = Opened::at(&Wanted::of(&place.over(settings))?).await?;
    opened.check_realm(realm).await?;
    Ok(opened)
}

async fn verify(arguments: Verify, settings: Settings) -> CliResult {
    let Verify { realm, checkpoints, shown } = arguments;
    let realm = realm.ok_or("a realm is needed")?;
    let text = checkpoints.map(std::fs::read_to_string).transpose()?.unwrap_or_default();
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    let known: Option<Vec<Checkpoint>> = lines.map(Checkpoint::parse).collect();
    let known = known.ok_or("a line of the checkpoints is not `<number> <hash>`")?;
    let opened = open(shown.place, settings, &realm).await?;
    let records = opened.store.rows(&realm).records();
    let report = records.verify_audit(&known).await?;
    let signed = records.signed(&report.last);
    if let Some(fault) = report.fault {
        return Err(fault.into());
    }
    remark(format_args!("{} links, all fit", report.last.sequence));
    let shape =
        json!({"sequence": report.last.sequence, "hash": report.last.hash, "signed": signed});
    tell(shown.json, &shape, signed)?;
    Ok(())
}

fn signed(realm: &str, key: &str, checkpoints: &str) -> CliResult {
    let key = Sm2Public::from_pem(key)?;
    let lines = checkpoints.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let mut n = 0;
    for (at, line) in lines {
        match Checkpoint::is_signed(line, realm, &key) {
            Some(true) => n += 1,
            Some(false) => return Err(format!("line {}: not signed by this key", at + 1).into()),
            None => return Err(format!("line {}: no signed checkpoint", at + 1).into()),
        }
    }
    Ok(say(format!("all signed: {n}"))?)
}

async fn tail(realm: &str, n: u64, shown: Shown, settings: Settings) -> CliResult {
    let opened = open(shown.place, settings, realm).await?;
    for row in opened.store.rows(realm).records().newest_links(n).await? {
        let shape = shape(&row);
        let line = line(&row, &shape);
        tell(shown.json, &shape, line)?;
    }
    Ok(())
}

async fn export(
    realm: &str,
    (since, until): (Option<Day>, Option<Day>),
    place: Place,
    settings: Settings,
) -> CliResult {
    let opened = open(place, settings, realm).await?;
    let is_wanted = |row: &AuditRow| {
        since.is_none_or(|day| row.at >= day.start()) && until.is_none_or(|day| row.at < day.end())
    };
    let mut last = 0;
    loop {
        let rows = opened.store.rows(realm).records().links_after(last, 1000).await?;
        let Some(newest) = rows.last() else { return Ok(()) };
        last = newest.sequence;
        for row in rows.iter().filter(|row| is_wanted(row)) {
            say(shape(row))?;
        }
    }
}

/// As `docs/operations.md` has it.
fn shape(row: &AuditRow) -> Value {
    // What is no JSON is shown as it stands: a chain that was changed is `verify`'s to tell.
    let event = serde_json::from_str(&row.event).unwrap_or_else(|_| json!(row.event));
    json!({
        "sequence": row.sequence,
        "at": row.at.rfc3339(),
        "event": event,
        "hash": row.hash,
    })
}

/// Number, time, act, and what it was about.
fn line(row: &AuditRow, shape: &Value) -> String {
    let event = &shape["event"];
    let act = event["action"].as_str().unwrap_or("?");
    let about = event.as_object().into_iter().flatten().filter(|(name, _)| *name != "action");
    let about: Vec<String> = about
        .map(|(name, value)| match value.as_str() {
            Some(text) => format!("{name}={text}"),
            None => format!("{name}={value}"),
        })
        .collect();
    format!("{} {} {act} {}", row.sequence, row.at.for_people(), about.join(" "))
}
