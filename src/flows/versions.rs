//! Which version of a realm's files runs: recorded when it is first served, told by a metric.

use crate::domain::audit::AuditEvent;
use crate::flows::{Fault, Services};
use crate::realm::Realm;
use crate::realm::file::Keys;
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
    let seconds = said.get("realm.toml: keys.announcement").and_then(|text| text.parse().ok());
    Ok(seconds.unwrap_or(Keys::default().announcement))
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

/// The gauge that tells which version this process serves.
pub fn tell(realm: &Realm, generation: i64, is_served: bool) {
    let labels = [
        ("realm", realm.id.clone()),
        ("hash", realm.hash.clone()),
        ("generation", generation.to_string()),
    ];
    metrics::gauge!("hufu_realm_version", &labels).set(if is_served { 1.0 } else { 0.0 });
}
