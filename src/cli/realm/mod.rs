//! `hufu realm`: looking at realm files before they are live, and bringing them there.

mod explain;
mod files;
mod read;
mod versions;

use std::path::{Path, PathBuf};

use clap::Subcommand;

use crate::cli::place::Place;
use crate::cli::result::{CliResult, say};
use crate::cli::start::Wanted;
use crate::config::Settings;
use crate::realm::certificates::CertificatesFile;
use crate::realm::file::{EntrancesFile, FactorsFile, RealmFile, RolesFile};
use crate::realm::format::format;
use crate::realm::registration::ClientFile;
use crate::realm::resource::ResourceFile;
use files::{laid_over, listed, write};
use read::{check_mixed, read};

#[derive(Subcommand)]
pub enum RealmAct {
    /// Every mistake at <file:line:column>; exit 1 when there is one.
    Validate {
        folder: PathBuf,
        /// Literal secrets are allowed.
        #[arg(long)]
        demo: bool,
    },
    /// The JSON Schema of a file: realm, entrances, factors, roles, certificates, client, resource.
    Schema { file: String },
    /// What would change against the version that was served last, and how many people and applications
    /// that touches.
    Plan {
        folder: PathBuf,
        /// JSON, one object.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        place: Place,
    },
    /// How the files that are served, and the version that runs, differ from a reviewed folder; exit 1
    /// when they do.
    Drift {
        folder: PathBuf,
        /// JSON, one object.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        place: Place,
    },
    /// Why somebody would get the token that they would get: entrance, factors, consent and every claim,
    /// each with its file and line, or the row that causes it.
    Explain(Box<explain::ExplainArguments>),
    /// The versions that were served, newest first.
    History {
        realm: String,
        #[arg(long, default_value_t = 20)]
        limit: u32,
        /// JSON, one object a line.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        place: Place,
    },
    /// Writes the files of a version that was served into a folder that is not there yet.
    Export {
        realm: String,
        to: PathBuf,
        /// Otherwise the newest.
        #[arg(long)]
        generation: Option<i64>,
        #[command(flatten)]
        place: Place,
    },
    /// Brings a version that was served before back to where the server reads, checked and planned like
    /// any other; it becomes the newest.
    Rollback {
        realm: String,
        generation: i64,
        /// Show the plan, and change nothing.
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        place: Place,
    },
    /// Validates, shows the plan, and copies the files to where the server reads them.
    Apply {
        folder: PathBuf,
        /// Also remove served files that the folder no longer has.
        #[arg(long)]
        prune: bool,
    },
    /// Writes every file of a folder in the one way; comments stay.
    Fmt {
        folder: PathBuf,
        /// Change nothing; exit 1 when a file is written otherwise.
        #[arg(long)]
        check: bool,
    },
}

pub async fn run(
    act: RealmAct,
    settings: impl FnOnce() -> Result<Settings, crate::config::SettingsError>,
) -> CliResult {
    match act {
        RealmAct::Validate { folder, demo } => {
            let realm = read(&folder, demo)?;
            say(format_args!(
                "{}: {} clients, {} APIs, version {}",
                realm.id,
                realm.clients.len(),
                realm.resources.len(),
                realm.hash
            ))?;
            Ok(())
        }
        RealmAct::Schema { file } => schema(&file),
        RealmAct::Plan { folder, json, place } => {
            let wanted = Wanted::of(&place.over(settings()?))?;
            versions::plan(&read(&folder, false)?, &wanted, json).await
        }
        RealmAct::Apply { folder, prune } => {
            let (realm, wanted) = (read(&folder, false)?, Wanted::of(&settings()?)?);
            versions::plan(&realm, &wanted, false).await?;
            let served = wanted.realms.join(&realm.id);
            if folder.canonicalize()? == served.canonicalize().unwrap_or_default() {
                say("These are the served files already; the server reads them by itself.")?;
                return Ok(());
            }
            if !prune {
                check_mixed(&realm.id, &laid_over(&realm.files, &served)?)?;
            }
            write(&realm.files, &served, prune)
        }
        RealmAct::Drift { folder, json, place } => {
            versions::drift(&folder, &Wanted::of(&place.over(settings()?))?, json).await
        }
        RealmAct::Explain(arguments) => explain::run(*arguments, settings()?).await,
        RealmAct::History { realm, limit, json, place } => {
            versions::history(&realm, limit, &Wanted::of(&place.over(settings()?))?, json).await
        }
        RealmAct::Export { realm, to, generation, place } => {
            versions::export(&realm, &to, generation, &Wanted::of(&place.over(settings()?))?).await
        }
        RealmAct::Rollback { realm, generation, dry_run, place } => {
            let wanted = Wanted::of(&place.over(settings()?))?;
            versions::rollback(&realm, generation, dry_run, &wanted).await
        }
        RealmAct::Fmt { folder, check } => fmt(&folder, check),
    }
}

fn schema(file: &str) -> CliResult {
    let schema = match file {
        "realm" => schemars::schema_for!(RealmFile),
        "entrances" => schemars::schema_for!(EntrancesFile),
        "factors" => schemars::schema_for!(FactorsFile),
        "roles" => schemars::schema_for!(RolesFile),
        "certificates" => schemars::schema_for!(CertificatesFile),
        "client" => schemars::schema_for!(ClientFile),
        "resource" => schemars::schema_for!(ResourceFile),
        _ => {
            return Err("realm, entrances, factors, roles, certificates, client or resource".into());
        }
    };
    say(format_args!("{}", serde_json::to_string_pretty(&schema)?))?;
    Ok(())
}

fn fmt(folder: &Path, check: bool) -> CliResult {
    let mut otherwise = 0;
    for name in listed(folder, &["toml"])? {
        let path = folder.join(name);
        let text = std::fs::read_to_string(&path)?;
        let formatted = format(&text).ok_or_else(|| format!("{}: not TOML", path.display()))?;
        if formatted != text {
            otherwise += 1;
            say(format_args!("{}", path.display()))?;
            if !check {
                std::fs::write(&path, formatted)?;
            }
        }
    }
    if check && otherwise > 0 {
        return Err(format!("{otherwise} files are written otherwise").into());
    }
    Ok(())
}
