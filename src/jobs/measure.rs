//! Gauges that somebody has to look up: what waits for whom, how old keys are, which files run, how full
//! pools and the password lanes are. One that nobody sets any more is forgotten (`telemetry`), so a realm
//! that is gone leaves none behind.

use crate::domain::signing_key::active;
use crate::flows::{Fault, Services, versions};
use crate::realm::Realm;
use crate::realm::client::Client;
use crate::store::deliveries::{Channel, Receiver};
use crate::web::app::{App, Listener};

pub async fn realm(services: &Services, realm: &Realm) {
    if let Err(fault) = measure(services, realm).await {
        tracing::warn!(%fault, realm = realm.id, "What waits could not be counted");
    }
}

async fn measure(services: &Services, realm: &Realm) -> Result<(), Fault> {
    let (rows, now) = (services.store.rows(&realm.id), services.clock.now());
    versions::tell(services, realm, true).await?;
    let keys = rows.keys().times().await?;
    for algorithm in &realm.algorithms {
        if let Some(key) = active(&keys, algorithm.name(), now) {
            let labels = [("realm", realm.id.clone()), ("algorithm", algorithm.name().to_owned())];
            metrics::gauge!("hufu_key_age_seconds", &labels).set(as_f64(now.since(key.active_at)));
        }
    }
    let waiting = rows.deliveries().backlog().await?;
    for to in receivers(realm).filter(|to| waiting.iter().all(|one| one.to != *to)) {
        tell(&realm.id, &to, 0, 0);
    }
    for one in &waiting {
        tell(&realm.id, &one.to, one.n, now.since(one.oldest));
    }
    Ok(())
}

/// Everybody for whom something could wait: nothing does is worth telling, too.
fn receivers(realm: &Realm) -> impl Iterator<Item = Receiver> {
    let texts = Receiver { client_id: String::new(), channel: Channel::Sms };
    realm.clients.values().flat_map(|client| channels(client)).chain([texts])
}

fn channels(client: &Client) -> impl Iterator<Item = Receiver> {
    let known = [
        (Channel::Logout, client.backchannel_logout_uri.is_some()),
        (Channel::Relation, client.relation_events.is_some()),
        (Channel::Push, client.event_endpoint.is_some()),
    ];
    let receiver = |channel| Receiver { client_id: client.client_id.clone(), channel };
    known.into_iter().filter(|(_, is_told)| *is_told).map(move |(channel, _)| receiver(channel))
}

fn tell(realm: &str, to: &Receiver, n: i64, age: i64) {
    let labels = [
        ("realm", realm.to_owned()),
        ("client", to.client_id.clone()),
        ("channel", to.channel.name().to_owned()),
    ];
    metrics::gauge!("hufu_deliveries_waiting", &labels).set(as_f64(n));
    metrics::gauge!("hufu_deliveries_oldest_seconds", &labels).set(as_f64(age));
}

/// How much of what is bounded is taken.
pub fn room(app: &App) {
    for (share, size) in app.services().short_lived_sizes() {
        let size = as_f64(i64::try_from(size).unwrap_or(i64::MAX));
        metrics::gauge!("hufu_short_lived_bytes", "share" => share).set(size);
    }
    for listener in Listener::ALL {
        for (what, crowd) in app.crowds_at(listener).named() {
            let n = i64::try_from(crowd.n_inside()).unwrap_or(i64::MAX);
            let labels = [("what", what), ("listener", listener.name())];
            metrics::gauge!("hufu_inside", &labels).set(as_f64(n));
        }
    }
}

pub fn connections(services: &Services) {
    for known in services.store.connections() {
        metrics::gauge!("hufu_database_connections", "pool" => known.pool).set(known.open);
        let idle = u32::try_from(known.idle).unwrap_or(u32::MAX);
        metrics::gauge!("hufu_database_connections_idle", "pool" => known.pool).set(idle);
    }
}

pub fn password_lanes(services: &Services) {
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    for lane in [&services.hashing, &services.console_hashing] {
        let (load, of) = (lane.load(), lane.listener());
        metrics::gauge!("hufu_password_lane_used", "listener" => of).set(count(load.at_work));
        metrics::gauge!("hufu_password_lane_waiting", "listener" => of).set(count(load.waiting));
    }
}

/// Exact as far as anybody counts.
fn as_f64(n: i64) -> f64 {
    i32::try_from(n).map_or(f64::MAX, f64::from)
}
