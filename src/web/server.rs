//! Listeners: http or https, until a signal says to stop; requests on their way are finished.

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use axum::Router;
use axum_server::Handle;
use axum_server::tls_openssl::OpenSSLAcceptor;

use crate::web::app::App;
use crate::web::tls::TlsFiles;

/// What a stop waits for what is on its way.
const PATIENCE: Duration = Duration::from_secs(10);

/// Whoever has not finished asking by then is cut off.
const TO_ASK: Duration = Duration::from_secs(10);

/// Takes an address: whoever connects from now on is served. The error names it.
pub fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    TcpListener::bind(address)
        .map_err(|error| std::io::Error::new(error.kind(), format!("{address}: {error}")))
}

/// Serves until the process is told to stop.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    tls: Option<TlsFiles>,
) -> std::io::Result<()> {
    let handle = Handle::new();
    let stopping = handle.clone();
    tokio::spawn(async move {
        stop_signal().await;
        stopping.graceful_shutdown(Some(PATIENCE));
    });
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let mut server = axum_server::from_tcp(listener)?.handle(handle);
    server.http_builder().http1().header_read_timeout(TO_ASK);
    let Some(files) = tls else { return server.serve(service).await };
    let config = files.config()?;
    tokio::spawn(files.watch(config.clone()));
    server.acceptor(OpenSSLAcceptor::new(config)).serve(service).await
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
