//! The versions of a realm: what another would change, how what runs differs from what was reviewed, and
//! how a former one comes back.

use std::path::Path;

use serde_json::{Value, json};

use super::files::write;
use super::read::read_of_data;
use crate::base::clock::{Clock, Timestamp};
use crate::cli::place::Opened;
use crate::cli::result::{CliResult, Failure, remark, say, tell};
use crate::cli::start::{Wanted, realm_or_complaints};
use crate::config::variable;
use crate::flows::versions;
use crate::realm::Realm;
use crate::realm::check::{Surroundings, load_version};
use crate::realm::files::Files;
use crate::realm::plan::{Change, Reach};
use crate::store::connect::migration_status;

pub async fn plan(realm: &Realm, wanted: &Wanted, json: bool) -> CliResult {
    let has_database = migration_status(&wanted.database).await?.is_some();
    let plan = if has_database {
        let Opened { store, clock, .. } = Opened::at(wanted).await?;
        versions::plan(Some(&store), realm, clock.now()).await?
    } else {
        versions::plan(None, realm, Clock::system().now()).await?
    };
    if json {
        say(json!({
            "realm": realm.id,
            "hash": realm.hash,
            "changes": plan.changes.iter().map(change).collect::<Vec<_>>(),
            "touches": plan.touched.iter().map(touched).collect::<Vec<_>>(),
        }))?;
        return Ok(());
    }
    for change in &plan.changes {
        say(format_args!("{change}"))?;
    }
    for one in &plan.touched {
        let applications = match one.applications {
            1 => "1 application".to_owned(),
            count => format!("{count} applications"),
        };
        let people = match one.people {
            1 => "1 person".to_owned(),
            count => format!("{count} people"),
        };
        say(format_args!("touches {}: {people}, {applications}", whom(&one.reach)))?;
    }
    say(format_args!("{}: {} changes", realm.id, plan.changes.len()))?;
    Ok(())
}

/// As it is told to people.
fn whom(reach: &Reach) -> String {
    match reach {
        Reach::Client(id) => format!("client {id} (people with a grant for it)"),
        Reach::Resource(id) => format!("API {id}"),
        Reach::IdentityType(name) => format!("identity type {name} (people who have it)"),
        Reach::Entrance(id) => format!("entrance {id} (people signed in by it)"),
        Reach::Realm => "the whole realm".to_owned(),
    }
}

fn touched(one: &versions::Touched) -> Value {
    let (kind, name) = match &one.reach {
        Reach::Client(id) => ("client", Some(id)),
        Reach::Resource(id) => ("resource", Some(id)),
        Reach::IdentityType(name) => ("identity_type", Some(name)),
        Reach::Entrance(id) => ("entrance", Some(id)),
        Reach::Realm => ("realm", None),
    };
    json!({"kind": kind, "name": name, "people": one.people, "applications": one.applications})
}

fn change(change: &Change) -> Value {
    match change {
        Change::Added { path, to } => json!({"path": path, "to": to}),
        Change::Changed { path, from, to } => json!({"path": path, "from": from, "to": to}),
        Change::Removed { path, from } => json!({"path": path, "from": from}),
    }
}

/// Against the files on this machine, and against the version that was served last.
pub async fn drift(folder: &Path, wanted: &Wanted, json: bool) -> CliResult {
    let reviewed = read_of_data(folder)?;
    let opened = Opened::at(wanted).await?;
    opened.check_realm(&reviewed.id).await?;
    let running = versions::latest_files(&opened.store, &reviewed.id).await?;
    let running = running.ok_or("the version that runs was recorded without its files")?;
    let served = wanted.realms.join(&reviewed.id);
    let mut lines = Vec::new();
    match read_of_data(&served) {
        Ok(served) => lines.extend(differences("served", &reviewed.files, &served.files)),
        Err(error) => remark(format_args!("{}: {error}\n", served.display())),
    }
    lines.extend(differences("running", &reviewed.files, &running));
    for (place, file, how) in &lines {
        let shape = json!({"where": place, "file": file, "how": how});
        tell(json, &shape, format_args!("{place}: {file} {how}"))?;
    }
    match lines.len() {
        0 if json => Ok(()),
        0 => Ok(say(format_args!("{}: no drift", reviewed.id))?),
        count => Err(format!("{}: {count} differences", reviewed.id).into()),
    }
}

/// Of each file: `differs`, `is missing` there, or `is not reviewed`.
fn differences(
    place: &'static str,
    reviewed: &Files,
    there: &Files,
) -> Vec<(&'static str, String, &'static str)> {
    let how = |name: &str, bytes: &[u8]| match there.get(name) {
        Some(own) if own == bytes => None,
        Some(_) => Some("differs"),
        None => Some("is missing"),
    };
    let known = reviewed.iter().filter_map(|(name, bytes)| Some((name, how(name, bytes)?)));
    let unknown = there.iter().filter(|(name, _)| reviewed.get(name).is_none());
    let all = known.chain(unknown.map(|(name, _)| (name, "is not reviewed")));
    all.map(|(name, how)| (place, name.to_owned(), how)).collect()
}

pub async fn history(realm: &str, limit: u32, wanted: &Wanted, json: bool) -> CliResult {
    let opened = Opened::at(wanted).await?;
    opened.check_realm(realm).await?;
    for (version, changes) in versions::history(&opened.store, realm, limit.into()).await? {
        let at: Timestamp = version.applied_at;
        let is_kept = version.files.is_some();
        let shape = json!({
            "generation": version.generation,
            "applied_at": at.rfc3339(),
            "hash": version.hash,
            "changes": changes,
            "has_files": is_kept,
        });
        let kept = if is_kept { "" } else { ", without files" };
        let (generation, at, hash) = (version.generation, at.for_people(), version.hash);
        tell(json, &shape, format_args!("{generation} {at} {hash} {changes} changes{kept}"))?;
    }
    Ok(())
}

pub async fn export(realm: &str, to: &Path, generation: Option<i64>, wanted: &Wanted) -> CliResult {
    let opened = Opened::at(wanted).await?;
    opened.check_realm(realm).await?;
    let files = match generation {
        Some(generation) => recorded(&opened, realm, generation).await?,
        None => versions::latest_files(&opened.store, realm)
            .await?
            .ok_or("the newest version was recorded without its files")?,
    };
    if to.exists() {
        return Err(format!("{} is there already", to.display()).into());
    }
    std::fs::create_dir_all(to)?;
    write(&files, to, false)
}

async fn recorded(opened: &Opened, realm: &str, generation: i64) -> Result<Files, Failure> {
    let found = versions::files(&opened.store, realm, generation).await?;
    let missing = || {
        format!(
            "{realm} has no version {generation} with its files: `hufu realm history {realm}` shows \
             those that there are"
        )
    };
    Ok(found.ok_or_else(missing)?)
}

/// What this program no longer takes is not brought back.
pub async fn rollback(realm: &str, generation: i64, dry_run: bool, wanted: &Wanted) -> CliResult {
    let opened = Opened::at(wanted).await?;
    opened.check_realm(realm).await?;
    let files = recorded(&opened, realm, generation).await?;
    let surroundings = Surroundings {
        is_demo: wanted.is_demo,
        replace: wanted.replace.clone(),
        environment: &variable,
    };
    let former = realm_or_complaints(load_version(realm, &files, &surroundings))?;
    plan(&former, wanted, false).await?;
    if dry_run {
        return Ok(());
    }
    write(&files, &wanted.realms.join(realm), true)
}
