//! Work that no request waits for: deliver back-channel logouts, drop what has expired, learn of
//! keys that another process rotated.

use std::time::Duration;

use crate::cli::start::own_ctx;
use crate::flows::keys;
use crate::flows::logout::deliver_due;
use crate::web::app::App;

/// Runs for the life of the process.
pub async fn run(app: App) {
    let mut ticks = tokio::time::interval(Duration::from_secs(1));
    let mut n = 0_u64;
    loop {
        ticks.tick().await;
        for realm in app.realms() {
            if let Err(fault) = deliver_due(&own_ctx(&app, &realm)).await {
                tracing::warn!(%fault, realm = realm.id, "Back-channel logouts could not be delivered");
            }
        }
        n += 1;
        if n.is_multiple_of(30) {
            app.services().ephemeral.sweep();
            for realm in app.realms() {
                if let Err(fault) = keys::load(app.services(), &realm).await {
                    tracing::warn!(%fault, realm = realm.id, "Signing keys could not be read again");
                }
            }
        }
    }
}
