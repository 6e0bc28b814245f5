//! `hufu realm`: looking at realm files before they are live, and bringing them there.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Subcommand;

use crate::cli::place::Opened;
use crate::cli::result::{CliResult, Failure, remark, say};
use crate::cli::start::Wanted;
use crate::config::{Settings, variable};
use crate::flows::versions;
use crate::realm::Realm;
use crate::realm::check::{Surroundings, load};
use crate::realm::file::{EntrancesFile, FactorsFile, RealmFile, RolesFile};
use crate::realm::format::format;
use crate::realm::plan::changes;
use crate::realm::registration::ClientFile;
use crate::realm::resource::ResourceFile;
use crate::store::connect::migration_status;

#[derive(Subcommand)]
pub enum RealmAct {
    /// Every mistake at <file:line:column>; exit 1 when there is one.
    Validate {
        folder: PathBuf,
        /// Literal secrets are allowed.
        #[arg(long)]
        demo: bool,
    },
    /// The JSON Schema of a file: realm, entrances, factors, roles, client, resource.
    Schema { file: String },
    /// What would change against the version that was served last.
    Plan { folder: PathBuf },
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
        RealmAct::Plan { folder } => plan(&read(&folder, false)?, &settings()?).await,
        RealmAct::Apply { folder, prune } => {
            let (realm, settings) = (read(&folder, false)?, settings()?);
            plan(&realm, &settings).await?;
            apply(&folder, &Wanted::of(&settings)?.realms.join(&realm.id), prune)
        }
        RealmAct::Fmt { folder, check } => fmt(&folder, check),
    }
}

fn read(folder: &Path, is_demo: bool) -> Result<Realm, Failure> {
    let surroundings = Surroundings { is_demo, replace: Vec::new(), environment: &variable };
    // `.` and `..` have a name, too; a link is named as it is, like where it is served.
    let folder = match folder.file_name() {
        Some(_) => folder.to_owned(),
        None => folder.canonicalize().unwrap_or_else(|_| folder.to_owned()),
    };
    match load(&folder, &surroundings) {
        Ok(realm) => {
            for one in &realm.remarks {
                remark(format_args!("Remark: {one}\n"));
            }
            Ok(realm)
        }
        Err(complaints) => {
            for complaint in &complaints {
                remark(format_args!("{complaint}\n"));
            }
            Err(format!("{} mistakes", complaints.len()).into())
        }
    }
}

fn schema(file: &str) -> CliResult {
    let schema = match file {
        "realm" => schemars::schema_for!(RealmFile),
        "entrances" => schemars::schema_for!(EntrancesFile),
        "factors" => schemars::schema_for!(FactorsFile),
        "roles" => schemars::schema_for!(RolesFile),
        "client" => schemars::schema_for!(ClientFile),
        "resource" => schemars::schema_for!(ResourceFile),
        _ => return Err("realm, entrances, factors, roles, client or resource".into()),
    };
    say(format_args!("{}", serde_json::to_string_pretty(&schema)?))?;
    Ok(())
}

async fn plan(realm: &Realm, settings: &Settings) -> CliResult {
    let wanted = Wanted::of(settings)?;
    let changes = match migration_status(&wanted.database).await? {
        // Nothing was ever served: all of it is new.
        None => changes(&BTreeMap::new(), &realm.settings),
        Some(_) => versions::plan(&Opened::at(&wanted).await?.store, realm).await?,
    };
    for change in &changes {
        say(format_args!("{change}"))?;
    }
    say(format_args!("{}: {} changes", realm.id, changes.len()))?;
    Ok(())
}

/// Each file is replaced as a whole, so that a server that reads meanwhile sees no half of one.
fn apply(from: &Path, to: &Path, prune: bool) -> CliResult {
    if from.canonicalize()? == to.canonicalize().unwrap_or_default() {
        say("These are the served files already; the server reads them by itself.")?;
        return Ok(());
    }
    let wanted = files(from)?;
    for name in &wanted {
        let (source, target) = (from.join(name), to.join(name));
        let text = std::fs::read(&source)?;
        if std::fs::read(&target).is_ok_and(|there| there == text) {
            continue;
        }
        if let Some(folder) = target.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let beside = target.with_extension("new");
        std::fs::write(&beside, text)?;
        std::fs::rename(&beside, &target)?;
        say(format_args!("wrote {}", target.display()))?;
    }
    for name in files(to)?.into_iter().filter(|name| !wanted.contains(name)) {
        let target = to.join(name);
        if prune {
            std::fs::remove_file(&target)?;
            say(format_args!("removed {}", target.display()))?;
        } else {
            say(format_args!("kept {} (--prune removes it)", target.display()))?;
        }
    }
    Ok(())
}

/// Relative names of all TOML and agreement files, in order.
fn files(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(inside) = folders.pop() {
        for entry in std::fs::read_dir(inside)? {
            let path = entry?.path();
            let ending = path.extension().and_then(|ending| ending.to_str());
            if path.is_dir() {
                folders.push(path);
            } else if let (Some("toml" | "md"), Ok(name)) = (ending, path.strip_prefix(folder)) {
                found.push(name.to_owned());
            }
        }
    }
    found.sort();
    Ok(found)
}

fn fmt(folder: &Path, check: bool) -> CliResult {
    let mut otherwise = 0;
    for name in files(folder)? {
        let path = folder.join(name);
        if path.extension().is_none_or(|ending| ending != "toml") {
            continue;
        }
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
