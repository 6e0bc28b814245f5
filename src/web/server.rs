//! Listeners: http or https, until the node leaves; requests on their way are finished.

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use axum::Router;
use axum_server::tls_openssl::OpenSSLAcceptor;
use axum_server::{Handle, Server};
use tokio::task::JoinHandle;

use crate::web::app::App;
use crate::web::connection::Gate;
use crate::web::stopping::{Door, Peer, Stage, Stopping};
use crate::web::tls::TlsFiles;

/// What a stop waits for what is on its way.
const PATIENCE: Duration = Duration::from_secs(10);

/// Whoever has connected before the door was closed has so long to say what for.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// Of a request without its body.
const LONGEST_HEAD: u32 = 32 * 1024;

/// Requests at once on one connection of HTTP/2.
const STREAMS: u32 = 64;

/// What a client of HTTP/2 may send before we have read it.
const WINDOW: u32 = 64 * 1024;

/// How long a client of HTTP/2 may leave a ping unanswered.
const TO_ANSWER: Duration = Duration::from_secs(20);

/// Takes an address: whoever connects from now on is served. The error names it.
pub fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    TcpListener::bind(address)
        .map_err(|error| std::io::Error::new(error.kind(), format!("{address}: {error}")))
}

/// Serves until the node has left, as many as are usual.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    tls: Option<TlsFiles>,
    stopping: &Stopping,
) -> std::io::Result<()> {
    serve_within(listener, router, tls, Gate::default(), stopping).await
}

/// `gate`: how many connections there may be.
pub async fn serve_within(
    listener: TcpListener,
    router: Router,
    tls: Option<TlsFiles>,
    gate: Gate,
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
    let mut server = Server::<Peer>::from_listener(door).handle(handle);
    limit(&mut server);
    let Some(files) = tls else { return server.acceptor(gate).serve(service).await };
    let (config, seen) = files.load()?;
    tokio::spawn(files.watch(config.clone(), seen));
    server.acceptor(OpenSSLAcceptor::new(config).acceptor(gate)).serve(service).await
}

/// What one connection may make us keep.
fn limit(server: &mut Server<Peer>) {
    let builder = server.http_builder();
    builder.http1().max_buf_size(LONGEST_HEAD as usize);
    builder
        .http2()
        .max_header_list_size(LONGEST_HEAD)
        .max_concurrent_streams(STREAMS)
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(2 * WINDOW)
        .max_send_buf_size(WINDOW as usize)
        .keep_alive_interval(TO_ANSWER)
        .keep_alive_timeout(TO_ANSWER);
}

/// Waits, not for ever, for handlers whose clients are gone already, and for the jobs to put down what
/// they are at.
pub async fn work_off(app: &App, jobs: JoinHandle<()>) {
    let _ =
        tokio::time::timeout(PATIENCE, async { tokio::join!(app.abandoned().all_done(), jobs) })
            .await;
}
