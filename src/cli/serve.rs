//! `hufu serve`: the realms on one listener, health on another, the officers' console on a third.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::cli::reload::watch;
use crate::cli::result::CliResult;
use crate::cli::start::{Wanted, start};
use crate::config::Settings;
use crate::jobs;
use crate::telemetry;
use crate::web::router::{console_within, operations, router_within};
use crate::web::server;
use crate::web::stopping::{Signals, Stopping};
use crate::web::tls::TlsFiles;

/// Flags, stronger than the environment, which is stronger than the file.
#[derive(Args)]
pub struct ServeArguments {
    #[arg(long)]
    listen: Option<SocketAddr>,
    #[arg(long)]
    operations_listen: Option<SocketAddr>,
    /// The officers' console; without it, it is not served.
    #[arg(long)]
    console_listen: Option<SocketAddr>,
    #[arg(long)]
    data: Option<PathBuf>,
    #[arg(long)]
    realms: Option<PathBuf>,
    /// `json` or `text`.
    #[arg(long)]
    log: Option<String>,
}

impl ServeArguments {
    pub fn over(self, settings: Settings) -> Settings {
        Settings {
            listen: self.listen.or(settings.listen),
            operations_listen: self.operations_listen.or(settings.operations_listen),
            console_listen: self.console_listen.or(settings.console_listen),
            data: self.data.or(settings.data),
            realms: self.realms.or(settings.realms),
            log: self.log.or(settings.log),
            ..settings
        }
    }
}

/// Where the realms are served.
pub fn listen(settings: &Settings) -> SocketAddr {
    settings.listen.unwrap_or_else(|| ([127, 0, 0, 1], 8080).into())
}

/// Where health and counters are.
pub fn operations_listen(settings: &Settings) -> SocketAddr {
    settings.operations_listen.unwrap_or_else(|| ([127, 0, 0, 1], 9090).into())
}

/// Longer than what looks after nodes takes to see that one is not ready.
const STOP_DELAY: Duration = Duration::from_secs(5);

pub async fn run(settings: Settings) -> CliResult {
    telemetry::start(settings.log.as_deref() == Some("json"), "info");
    let counters = telemetry::counters();
    let wanted = Wanted::of(&settings)?;
    let mut signals = Signals::listen()?;
    // The first process of a container hears no signal but those that it listens to, and a start may take long;
    // a step of the schema that is broken off runs again.
    let started = tokio::select! {
        started = start(&wanted) => started?,
        () = signals.next() => return Ok(()),
    };
    let faces = server::listen(listen(&settings))?;
    let health = server::listen(operations_listen(&settings))?;
    let officers = settings.console_listen.map(server::listen).transpose()?;
    let tls = match (settings.tls_certificate.clone(), settings.tls_key.clone()) {
        (Some(certificate), Some(key)) => Some(TlsFiles { certificate, key }),
        (None, None) => None,
        _ => return Err("tls_certificate and tls_key are needed together".into()),
    };
    let app = started.app;
    if let Some(counters) = counters.clone() {
        tokio::spawn(telemetry::add_up(counters));
    }
    let render = move || {
        counters
            .as_ref()
            .map(metrics_exporter_prometheus::PrometheusHandle::render)
            .unwrap_or_default()
    };
    let stopping = app.stopping().clone();
    let delay = settings.stop_delay.map_or(STOP_DELAY, Duration::from_millis);
    tokio::spawn(stopping.clone().at_a_signal(signals, delay));
    let house = tokio::spawn(jobs::run(app.clone()));
    tokio::spawn(watch(app.clone(), wanted));
    let (listen, operations_listen) = (faces.local_addr()?, health.local_addr()?);
    tracing::info!(%listen, %operations_listen, console_listen = ?settings.console_listen, "Listening");
    let time_out = settings.time_out();
    let router_of_faces = router_within(app.clone(), time_out);
    let console = async {
        let Some(officers) = officers else { return std::future::pending().await };
        let routes = console_within(&app, time_out);
        server::serve_within(officers, routes, tls.clone(), settings.gate(), &stopping).await
    };
    let faces = async {
        let gate = settings.gate().of(app.clone());
        server::serve_within(faces, router_of_faces, tls.clone(), gate, &stopping).await
    };
    // Health is told to the end, when nobody is served any more.
    let always = Stopping::default();
    tokio::select! {
        left = faces => left?,
        left = console => left?,
        failed = server::serve(health, operations(app.clone(), render), None, &always) => failed?,
    }
    server::work_off(&app, house).await;
    Ok(())
}
