//! `hufu serve`: the realms on one listener, health on another.

use super::CliResult;
use super::reload::watch;
use super::start::{Wanted, start};
use crate::config::Settings;
use crate::web::router::{operations, router};
use crate::web::server::serve;
use crate::{jobs, telemetry};

pub async fn run(settings: Settings) -> CliResult {
    telemetry::start(settings.log.as_deref() == Some("json"), "info");
    let counters = telemetry::counters();
    let wanted = Wanted::of(&settings)?;
    let started = start(&wanted).await?;
    let listen = settings.listen.unwrap_or_else(|| ([127, 0, 0, 1], 8080).into());
    let health = settings.operations_listen.unwrap_or_else(|| ([127, 0, 0, 1], 9090).into());
    let tls = settings.tls_certificate.as_deref().zip(settings.tls_key.as_deref());
    let app = started.app;
    let render = move || counters.as_ref().map(|one| one.render()).unwrap_or_default();
    tokio::spawn(jobs::run(app.clone()));
    tokio::spawn(watch(app.clone(), wanted));
    tracing::info!(%listen, %health, "Listening");
    tokio::try_join!(
        serve(listen, router(app.clone()), tls),
        serve(health, operations(app, render), None)
    )?;
    Ok(())
}
