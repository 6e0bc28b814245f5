//! Realm files are read again when they change and on SIGHUP. A version with mistakes is told of
//! and left aside: the last good one stays.

use std::path::Path;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use super::result::Failure;
use super::start::{Wanted, found_folders, read_realm};
use crate::flows::{keys, versions};
use crate::web::app::App;

/// Runs for the life of the process.
pub async fn watch(app: App, wanted: Wanted) {
    let mut seen = fingerprint(&wanted.realms);
    let mut ticks = tokio::time::interval(Duration::from_secs(2));
    let Ok(mut hangup) = signal(SignalKind::hangup()) else { return };
    loop {
        let asked = tokio::select! {
            _ = ticks.tick() => false,
            _ = hangup.recv() => true,
        };
        let now = fingerprint(&wanted.realms);
        if !asked && now == seen {
            continue;
        }
        seen = now;
        if let Err(error) = reload(&app, &wanted).await {
            tracing::error!(%error, "Realm files could not be read again");
        }
    }
}

/// Replaces every realm whose files are good and differ, and drops those whose folder was taken away;
/// returns how many were replaced.
pub async fn reload(app: &App, wanted: &Wanted) -> Result<usize, Failure> {
    let mut replaced = 0;
    let folders = found_folders(&wanted.realms)?;
    for realm in app.realms() {
        if !folders.iter().any(|folder| folder.ends_with(&realm.id)) {
            app.remove(&realm.id);
            tracing::warn!(realm = realm.id, "The realm's folder is gone: it is no longer served");
            metrics::counter!("hufu_realm_reloads_total", "outcome" => "removed").increment(1);
        }
    }
    for folder in folders {
        let realm = match read_realm(&folder, wanted) {
            Ok(realm) => realm,
            Err(complaints) => {
                tracing::error!(%complaints, "A realm has mistakes; its last good version stays");
                metrics::counter!("hufu_realm_reloads_total", "outcome" => "refused").increment(1);
                continue;
            }
        };
        if app.realm(&realm.id).is_some_and(|now| now.hash == realm.hash) {
            continue;
        }
        keys::load(app.services(), &realm).await?;
        let generation = versions::record(app.services(), &realm).await?;
        if let Some(before) = app.realm(&realm.id) {
            versions::tell(&before, generation - 1, false);
        }
        versions::tell(&realm, generation, true);
        tracing::info!(
            realm = realm.id,
            hash = realm.hash,
            generation,
            "Realm {} was read again",
            realm.id
        );
        metrics::counter!("hufu_realm_reloads_total", "outcome" => "applied").increment(1);
        app.replace(realm);
        replaced += 1;
    }
    Ok(replaced)
}

/// Names, sizes and times of all files: cheap, and different after any change.
fn fingerprint(folder: &Path) -> Vec<(std::path::PathBuf, u64, Option<std::time::SystemTime>)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.metadata() {
                Ok(metadata) if metadata.is_dir() => folders.push(entry.path()),
                Ok(metadata) => {
                    found.push((entry.path(), metadata.len(), metadata.modified().ok()));
                }
                Err(_) => {}
            }
        }
    }
    found.sort();
    found
}
