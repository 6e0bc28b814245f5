//! Which version of a realm's files runs: recorded when it is first served, told by a metric.

use crate::base::clock::Timestamp;
use crate::domain::audit::AuditEvent;
use crate::flows::{Fault, Services};
use crate::realm::Realm;
use crate::realm::file::{Keys, Lifetimes};
use crate::realm::files::Files;
use crate::realm::plan::{Change, Reach, Settings, changes, reaches};
use crate::store::realms::RealmVersion;
use crate::store::{Reading, Rows, Store};

/// What a version of the files would change against the one that was recorded last, and whom.
pub struct Plan {
    pub changes: Vec<Change>,
    pub touched: Vec<Touched>,
}

pub struct Touched {
    pub reach: Reach,
    pub people: u64,
    pub applications: usize,
}

/// All of it is new where there is no store, or no version in it.
pub async fn plan(store: Option<&Store>, realm: &Realm, now: Timestamp) -> Result<Plan, Fault> {
    let before = match store {
        Some(store) => latest(store, &realm.id).await?,
        None => Settings::new(),
    };
    let changes = changes(&before, &realm.settings);
    let mut touched = Vec::new();
    for reach in reaches(&changes, &before, &realm.settings) {
        let people = match store {
            Some(store) => people(&store.rows(&realm.id), &reach, now).await?,
            None => 0,
        };
        touched.push(Touched { applications: applications(realm, &reach), people, reach });
    }
    Ok(Plan { changes, touched })
}

async fn people(rows: &Rows<'_, Reading>, reach: &Reach, now: Timestamp) -> Result<u64, Fault> {
    Ok(match reach {
        Reach::Client(client) => rows.people_of_client(client, now).await?,
        Reach::IdentityType(name) => rows.people_of_type(name).await?,
        Reach::Entrance(id) => rows.people_of_entrance(id, now).await?,
        Reach::Resource(_) | Reach::Realm => rows.people_count().await?,
    })
}

/// Of the files as they will be.
fn applications(realm: &Realm, reach: &Reach) -> usize {
    let clients = realm.clients.values();
    match reach {
        Reach::Client(_) => 1,
        Reach::Resource(identifier) => realm.resources.get(identifier).map_or(0, |resource| {
            clients.filter(|one| resource.may_be_asked_for_by(&one.client_id)).count()
        }),
        Reach::IdentityType(_) => clients.filter(|one| one.scopes.contains("tax_identity")).count(),
        Reach::Entrance(_) | Reach::Realm => clients.len(),
    }
}

/// Newest first, with how many settings each changed against the one before it.
pub async fn history(
    store: &Store,
    realm: &str,
    limit: u64,
) -> Result<Vec<(RealmVersion, usize)>, Fault> {
    let mut versions = store.rows(realm).realm_versions().all(limit.saturating_add(1)).await?;
    let said = versions.iter().map(settings).collect::<Result<Vec<_>, _>>()?;
    let none = Settings::new();
    let older = said.iter().skip(1).chain([&none]);
    let counts: Vec<usize> =
        said.iter().zip(older).map(|(new, old)| changes(old, new).len()).collect();
    versions.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(versions.into_iter().zip(counts).collect())
}

/// The files of a recorded version. `None`: there is none of that number, or its files were not kept.
pub async fn files(store: &Store, realm: &str, generation: i64) -> Result<Option<Files>, Fault> {
    let found = store.rows(realm).realm_versions().find(generation).await?;
    Ok(found.and_then(|version| Files::of_text(&version.files?)))
}

/// The files that ran at a time; `None`: none did yet, or they were not kept.
pub async fn files_at(store: &Store, realm: &str, at: Timestamp) -> Result<Option<Files>, Fault> {
    let found = store.rows(realm).realm_versions().at(at).await?;
    Ok(found.and_then(|version| Files::of_text(&version.files?)))
}

/// The files of the version that was recorded last; `None`: they were not kept, or nothing was.
pub async fn latest_files(store: &Store, realm: &str) -> Result<Option<Files>, Fault> {
    let latest = store.rows(realm).realm_versions().latest().await?;
    Ok(latest.and_then(|version| Files::of_text(&version.files?)))
}

fn settings(version: &RealmVersion) -> Result<Settings, Fault> {
    serde_json::from_str(&version.snapshot).map_err(|error| Fault::Internal(error.to_string()))
}

async fn latest(store: &Store, realm: &str) -> Result<Settings, Fault> {
    let Some(latest) = store.rows(realm).realm_versions().latest().await? else {
        return Ok(Settings::new());
    };
    settings(&latest)
}

/// How long a new key of a realm is announced, in seconds, by the files that were served last.
pub async fn announcement(store: &Store, realm: &str) -> Result<i64, Fault> {
    let said = latest(store, realm).await?;
    Ok(seconds(&said, "keys.announcement").unwrap_or(Keys::default().announcement))
}

/// For how long what a key of the realm has signed is good, in seconds, by the same files: an API may have a
/// lifetime of its own.
pub async fn longest_token(store: &Store, realm: &str) -> Result<i64, Fault> {
    let (said, usual) = (latest(store, realm).await?, Lifetimes::default());
    let access_token = seconds(&said, "lifetimes.access_token").unwrap_or(usual.access_token);
    let id_token = seconds(&said, "lifetimes.id_token").unwrap_or(usual.id_token);
    let of_apis = said.iter().filter(|(path, _)| {
        path.starts_with("resources/") && path.ends_with(": access_token_lifetime")
    });
    let of_apis = of_apis.filter_map(|(_, seconds)| seconds.parse::<i64>().ok());
    Ok(of_apis.chain([access_token, id_token]).max().unwrap_or_default())
}

fn seconds(said: &Settings, key: &str) -> Option<i64> {
    said.get(&format!("realm.toml: {key}"))?.parse().ok()
}

/// Records a version that was not the last one; returns its generation. Of several nodes that
/// begin to serve it at once, one records it.
pub async fn record(services: &Services, realm: &Realm) -> Result<i64, Fault> {
    let latest = services.store.rows(&realm.id).realm_versions().latest().await?;
    let generation = match latest {
        Some(latest) if latest.hash == realm.hash => return Ok(latest.generation),
        Some(latest) => latest.generation + 1,
        None => 1,
    };
    let snapshot = serde_json::to_string(&realm.settings)
        .map_err(|error| Fault::Internal(error.to_string()))?;
    let now = services.clock.now();
    let version = RealmVersion {
        generation,
        hash: realm.hash.clone(),
        snapshot,
        files: Some(realm.files.to_text()),
        applied_at: now,
    };
    let tx = services.store.begin(&realm.id, now).await?;
    if tx.rows().realm_versions().add(&version).await? {
        let event = AuditEvent::RealmApplied { hash: version.hash, generation };
        tx.note(event);
    }
    tx.commit().await?;
    Ok(generation)
}

/// The gauge that tells which version this process serves; 0 says that it does no longer.
pub async fn tell(services: &Services, realm: &Realm, is_served: bool) -> Result<(), Fault> {
    let known = services.store.rows(&realm.id).realm_versions().generation_of(&realm.hash).await?;
    set_gauge(realm, known.unwrap_or_default(), is_served);
    Ok(())
}

/// The same of a generation that is known.
pub fn set_gauge(realm: &Realm, generation: i64, is_served: bool) {
    let labels = [
        ("realm", realm.id.clone()),
        ("hash", realm.hash.clone()),
        ("generation", generation.to_string()),
    ];
    metrics::gauge!("hufu_realm_version", &labels).set(if is_served { 1.0 } else { 0.0 });
}
