//! Work that no request waits for: deliver back-channel logouts and events, let authorisations
//! expire, drop what is over, learn of keys that another process rotated.

use std::time::Duration;

use crate::cli::start::own_ctx;
use crate::flows::{Fault, Services, events, expiry, keys, logout};
use crate::web::app::App;

/// What has ended stays for a day, for whoever asks what happened.
const KEPT_SECONDS: i64 = 86_400;

/// Runs for the life of the process.
pub async fn run(app: App) {
    let mut ticks = tokio::time::interval(Duration::from_secs(1));
    let mut n = 0_u64;
    loop {
        ticks.tick().await;
        for realm in app.realms() {
            let ctx = own_ctx(&app, &realm);
            if let Err(fault) = logout::deliver_due(&ctx).await {
                tracing::warn!(%fault, realm = realm.id, "Back-channel logouts could not be delivered");
            }
            if let Err(fault) = events::deliver_due(&ctx).await {
                tracing::warn!(%fault, realm = realm.id, "Events could not be delivered");
            }
        }
        n += 1;
        if n.is_multiple_of(30) {
            app.services().ephemeral.sweep();
            if let Err(fault) = sweep(app.services()).await {
                tracing::warn!(%fault, "Expired rows could not be swept");
            }
            for realm in app.realms() {
                if let Err(fault) = expiry::run(&own_ctx(&app, &realm)).await {
                    tracing::warn!(%fault, realm = realm.id, "Authorisations could not expire");
                }
                if let Err(fault) = keys::load(app.services(), &realm).await {
                    tracing::warn!(%fault, realm = realm.id, "Signing keys could not be read again");
                }
            }
        }
    }
}

/// Removes a bounded number of rows that ended a day ago; returns how many.
pub async fn sweep(services: &Services) -> Result<u64, Fault> {
    let before = services.clock.now().plus(-KEPT_SECONDS);
    let tx = services.store.begin().await?;
    let swept = tx.rows().sweep().ended_before(before).await?;
    tx.commit().await?;
    Ok(swept)
}
