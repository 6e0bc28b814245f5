//! Listeners: http or https, until the node leaves; requests on their way are finished.

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use axum::Router;
use axum_server::Handle;
use axum_server::tls_openssl::OpenSSLAcceptor;
use tokio::task::JoinHandle;

use crate::web::app::App;
use crate::web::stopping::{Door, Peer, Stage, Stopping};
use crate::web::tls::TlsFiles;

/// What a stop waits for what is on its way.
const PATIENCE: Duration = Duration::from_secs(10);

/// Whoever has connected before the door was closed has so long to say what for.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// Whoever has not finished asking by then is cut off.
const TO_ASK: Duration = Duration::from_secs(10);

/// Takes an address: whoever connects from now on is served. The error names it.
pub fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    TcpListener::bind(address)
        .map_err(|error| std::io::Error::new(error.kind(), format!("{address}: {error}")))
}

/// Serves until the node has left.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    tls: Option<TlsFiles>,
    stopping: &Stopping,
) -> std::io::Result<()> {
    let handle: Handle<Peer> = Handle::new();
    let (ending, closed) = (handle.clone(), stopping.reached(Stage::Closed));
    tokio::spawn(async move {
        closed.await;
        tokio::time::sleep(LAST_WORDS).await;
        ending.graceful_shutdown(Some(PATIENCE));
    });
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let door = Door::new(listener, stopping)?;
    let mut server = axum_server::Server::<Peer>::from_listener(door).handle(handle);
    server.http_builder().http1().header_read_timeout(TO_ASK);
    let Some(files) = tls else { return server.serve(service).await };
    let (config, seen) = files.load()?;
    tokio::spawn(files.watch(config.clone(), seen));
    server.acceptor(OpenSSLAcceptor::new(config)).serve(service).await
}

/// Waits, not for ever, for handlers whose clients are gone already, and for the jobs to put down what
/// they are at.
pub async fn work_off(app: &App, jobs: JoinHandle<()>) {
    let _ =
        tokio::time::timeout(PATIENCE, async { tokio::join!(app.abandoned().all_done(), jobs) })
            .await;
}
