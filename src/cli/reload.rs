//! Realm files are read again when they or the secrets that they name change, and on SIGHUP. A version with
//! mistakes is told of and left aside: the last good one stays.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::signal::unix::{SignalKind, signal};

use super::result::Failure;
use super::start::{Wanted, found_folders, read_watched, text_of};
use crate::flows::{Fault, keys, versions};
use crate::realm::Realm;
use crate::realm::check::Refused;
use crate::web::app::App;

/// Between two looks for a realm that seems to be gone.
const BETWEEN_LOOKS: Duration = Duration::from_secs(1);

/// Runs for the life of the process.
pub async fn watch(app: App, wanted: Wanted) {
    let mut looks = Looks::default();
    let mut ticks = tokio::time::interval(Duration::from_secs(2));
    let Ok(mut hangup) = signal(SignalKind::hangup()) else { return };
    loop {
        let asked = tokio::select! {
            _ = ticks.tick() => false,
            _ = hangup.recv() => true,
        };
        looks.look(&app, &wanted, asked).await;
    }
}

/// Files are read when two looks in a row find them as they are: while somebody saves or copies them, one may be
/// missing. The first time all are read: what has changed since the start read them is found by comparing.
#[derive(Default)]
pub struct Looks {
    before: Option<Fingerprint>,
    /// When they were read last.
    seen: Option<Fingerprint>,
    /// Why they could not be, as it was told.
    told: String,
    aside: Aside,
}

impl Looks {
    /// Whether the files were read. `asked`: as they are, and all that is wrong is told again.
    pub async fn look(&mut self, app: &App, wanted: &Wanted, asked: bool) -> bool {
        let now = Some(fingerprint(&wanted.realms, &app.realms(), &self.aside.secrets));
        let is_settled = now == self.before;
        self.before.clone_from(&now);
        if !asked && (now == self.seen || !is_settled) {
            return false;
        }
        if asked {
            self.aside.told.clear();
        }
        match reload_beside(app, wanted, &mut self.aside).await {
            Ok(_) => (self.seen, self.told) = (now, String::new()),
            // Tried again at the next look, and told of once.
            Err(error) if self.told != error.to_string() => {
                tracing::error!(%error, "Realm files could not be read again");
                self.told = error.to_string();
            }
            Err(_) => {}
        }
        true
    }
}

/// Of the realms that were left aside when they were read last.
#[derive(Default)]
struct Aside {
    /// Where the secrets lie that they name: one of them may be what is wrong.
    secrets: BTreeSet<PathBuf>,
    /// What was told of them.
    told: BTreeSet<String>,
}

/// Replaces every realm whose files are good and differ, they or the secrets that they name, and drops those
/// whose folder was taken away; returns how many were replaced. What is away keeps no realm from the others' news.
pub async fn reload(app: &App, wanted: &Wanted) -> Result<usize, Failure> {
    reload_beside(app, wanted, &mut Aside::default()).await
}

async fn reload_beside(app: &App, wanted: &Wanted, aside: &mut Aside) -> Result<usize, Failure> {
    drop_missing(app, wanted).await?;
    let (mut replaced, mut failure) = (0, None);
    let folders = found_folders(&wanted.realms)?;
    let former = std::mem::take(aside);
    for folder in folders {
        let realm = match read_watched(&folder, wanted) {
            Ok(realm) => realm,
            Err(refused) => {
                aside.add(&former, &refused);
                continue;
            }
        };
        if let Some(now) = app.realm(&realm.id).filter(|now| now.hash == realm.hash) {
            if !now.secrets.are_those_of(&realm.secrets) {
                take_secrets(app, realm);
                replaced += 1;
            }
            continue;
        }
        match replace(app, realm).await {
            Ok(()) => replaced += 1,
            Err(fault) => failure = Some(fault),
        }
    }
    failure.map_or(Ok(replaced), |fault| Err(fault.into()))
}

impl Aside {
    /// One more, which is told unless it was.
    fn add(&mut self, former: &Self, refused: &Refused) {
        self.secrets.extend(refused.secrets.files().map(Path::to_owned));
        let complaints = text_of(&refused.complaints);
        if !former.told.contains(&complaints) {
            tracing::error!(%complaints, "A realm has mistakes; its last good version stays");
            metrics::counter!("hufu_realm_reloads_total", "outcome" => "refused").increment(1);
        }
        self.told.insert(complaints);
    }
}

/// The files are those that are served: there is no other version to record, and no key that it wants.
fn take_secrets(app: &App, realm: Arc<Realm>) {
    tracing::info!(realm = realm.id, "Secrets of realm {} were read again", realm.id);
    metrics::counter!("hufu_realm_reloads_total", "outcome" => "applied").increment(1);
    app.replace(realm);
}

/// What can fail comes first: keys, documents and settings of a realm are of the same files, or all stay as
/// they were.
async fn replace(app: &App, realm: Arc<Realm>) -> Result<(), Fault> {
    let services = app.services();
    let published = keys::prepare(services, &realm).await?;
    let generation = versions::record(services, &realm).await?;
    if let Some(before) = app.realm(&realm.id) {
        versions::tell(services, &before, false).await?;
    }
    versions::set_gauge(&realm, generation, true);
    tracing::info!(
        realm = realm.id,
        hash = realm.hash,
        generation,
        "Realm {} was read again",
        realm.id
    );
    metrics::counter!("hufu_realm_reloads_total", "outcome" => "applied").increment(1);
    if let Some(published) = published {
        services.keys.publish(&realm, published);
    }
    app.replace(realm);
    Ok(())
}

/// Gone is what two looks do not find: an editor, or whoever copies a new version, takes files away for
/// a moment.
async fn drop_missing(app: &App, wanted: &Wanted) -> Result<(), Failure> {
    let missing = |folders: &[PathBuf]| {
        let is_there = |realm: &Arc<Realm>| folders.iter().any(|one| one.ends_with(&realm.id));
        app.realms().into_iter().filter(|realm| !is_there(realm)).collect::<Vec<_>>()
    };
    if missing(&found_folders(&wanted.realms)?).is_empty() {
        return Ok(());
    }
    tokio::time::sleep(BETWEEN_LOOKS).await;
    for realm in missing(&found_folders(&wanted.realms)?) {
        app.remove(&realm.id);
        tracing::warn!(realm = realm.id, "The realm's folder is gone: it is no longer served");
        metrics::counter!("hufu_realm_reloads_total", "outcome" => "removed").increment(1);
        versions::tell(app.services(), &realm, false).await?;
    }
    Ok(())
}

/// A realm's folder and those in it.
const DEEPEST: usize = 4;

type Fingerprint = Vec<(PathBuf, u64, Option<SystemTime>)>;

/// Names, sizes and times of all files, wherever links lead, and of the secrets that they name, also those of
/// realms that were left aside: cheap, and different after any change.
fn fingerprint(folder: &Path, served: &[Arc<Realm>], aside: &BTreeSet<PathBuf>) -> Fingerprint {
    let mut found = Vec::new();
    let secrets = served.iter().flat_map(|realm| realm.secrets.files());
    for secret in secrets.chain(aside.iter().map(PathBuf::as_path)) {
        if let Ok(metadata) = std::fs::metadata(secret) {
            found.push((secret.to_owned(), metadata.len(), metadata.modified().ok()));
        }
    }
    let mut folders = vec![(folder.to_owned(), 0)];
    while let Some((folder, depth)) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            match std::fs::metadata(entry.path()) {
                Ok(metadata) if metadata.is_dir() && depth < DEEPEST => {
                    folders.push((entry.path(), depth + 1));
                }
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
