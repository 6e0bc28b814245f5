//! Which version of a realm's files runs: recorded when it is first served, told by a metric.

use crate::domain::audit::AuditEvent;
use crate::flows::{Fault, Services};
use crate::realm::Realm;
use crate::realm::file::{Keys, Lifetimes};
use crate::realm::plan::{Change, Settings, changes};
use crate::store::Store;
use crate::store::realms::RealmVersion;

/// How this version differs from the one that was recorded last; all of it when there is none.
pub async fn plan(store: &Store, realm: &Realm) -> Result<Vec<Change>, Fault> {
    Ok(changes(&latest(store, &realm.id).await?, &realm.settings))
}

async fn latest(store: &Store, realm: &str) -> Result<Settings, Fault> {
    let Some(latest) = store.rows(realm).realm_versions().latest().await? else {
        return Ok(Settings::new());
    };
    serde_json::from_str(&latest.snapshot).map_err(|error| Fault::Internal(error.to_string()))
}

/// How long a new key of a realm is announced, in seconds, by the files that were served last.
pub async fn announcement(store: &Store, realm: &str) -> Result<i64, Fault> {
    let said = latest(store, realm).await?;
    Ok(seconds(&said, "keys.announcement").unwrap_or(Keys::default().announcement))
}

/// For how long what a key of the realm has signed is good, in seconds, by the same files.
pub async fn longest_token(store: &Store, realm: &str) -> Result<i64, Fault> {
    let (said, usual) = (latest(store, realm).await?, Lifetimes::default());
    let access_token = seconds(&said, "lifetimes.access_token").unwrap_or(usual.access_token);
    let id_token = seconds(&said, "lifetimes.id_token").unwrap_or(usual.id_token);
    Ok(access_token.max(id_token))
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
    let version = RealmVersion { generation, hash: realm.hash.clone(), snapshot };
    let now = services.clock.now();
    let tx = services.store.begin(&realm.id, now).await?;
    if tx.rows().realm_versions().add(&version, now).await? {
        let event = AuditEvent::RealmApplied { hash: version.hash, generation };
        tx.note(event);
    }
    tx.commit().await?;
    Ok(generation)
}

/// The gauge that tells which version this process serves; 0 says that it does no longer.
pub async fn tell(services: &Services, realm: &Realm, is_served: bool) -> Result<(), Fault> {
    let known = services.store.rows(&realm.id).realm_versions().generation_of(&realm.hash).await?;
    let labels = [
        ("realm", realm.id.clone()),
        ("hash", realm.hash.clone()),
        ("generation", known.unwrap_or_default().to_string()),
    ];
    metrics::gauge!("hufu_realm_version", &labels).set(if is_served { 1.0 } else { 0.0 });
    Ok(())
}
