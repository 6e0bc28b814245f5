//! Listeners: http or https, until a signal says to stop; requests on their way are finished.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use axum::Router;
use axum_server::Handle;
use axum_server::tls_openssl::OpenSSLConfig;

use crate::web::app::App;

/// What a stop waits for what is on its way.
const PATIENCE: Duration = Duration::from_secs(10);

/// Whoever has not finished asking by then is cut off.
const TO_ASK: Duration = Duration::from_secs(10);

/// Serves until the process is told to stop.
pub async fn serve(
    address: SocketAddr,
    router: Router,
    tls: Option<(&Path, &Path)>,
) -> std::io::Result<()> {
    let handle = Handle::new();
    let stopping = handle.clone();
    tokio::spawn(async move {
        stop_signal().await;
        stopping.graceful_shutdown(Some(PATIENCE));
    });
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let Some((certificate, key)) = tls else {
        let mut server = axum_server::bind(address).handle(handle);
        server.http_builder().http1().header_read_timeout(TO_ASK);
        return server.serve(service).await;
    };
    let config = tls_config(certificate, key)?;
    let mut server = axum_server::bind_openssl(address, config).handle(handle);
    server.http_builder().http1().header_read_timeout(TO_ASK);
    server.serve(service).await
}

fn tls_config(certificate: &Path, key: &Path) -> std::io::Result<OpenSSLConfig> {
    OpenSSLConfig::from_pem_chain_file(certificate, key)
        .map_err(|error| std::io::Error::other(format!("{}: {error}", certificate.display())))
}

/// Whether these would be served.
pub fn check_tls(certificate: &Path, key: &Path) -> std::io::Result<()> {
    tls_config(certificate, key).map(|_| ())
}

/// Waits, not for ever, for handlers whose clients are gone already.
pub async fn work_off(app: &App) {
    let _ = tokio::time::timeout(PATIENCE, app.abandoned().all_done()).await;
}

/// Ctrl-C, or SIGTERM as service managers send it.
async fn stop_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
        }
        Err(_) => {
            let _ = tokio::signal::ctrl_c().await;
        }
    }
}
