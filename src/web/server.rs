//! Listeners: http or https, until a signal says to stop; requests on their way are finished.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use axum::Router;
use axum_server::Handle;
use axum_server::tls_openssl::OpenSSLConfig;

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
        stopping.graceful_shutdown(Some(Duration::from_secs(10)));
    });
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    match tls {
        Some((certificate, key)) => {
            let config = OpenSSLConfig::from_pem_chain_file(certificate, key)
                .map_err(|error| std::io::Error::other(error.to_string()))?;
            axum_server::bind_openssl(address, config).handle(handle).serve(service).await
        }
        None => axum_server::bind(address).handle(handle).serve(service).await,
    }
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
