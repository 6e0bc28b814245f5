//! How a node leaves: it says so and goes on serving, then takes nobody new, then finishes what is on
//! its way. Each step is told to whoever has a part in it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::connect_info::Connected;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use axum_server::{AddrListener, Address};
use futures_util::StreamExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{Mutex, watch};

/// How far it has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    Serving,
    /// No longer ready; who comes all the same is served, once a connection.
    Leaving,
    /// Takes no new connection.
    Closed,
}

#[derive(Clone)]
pub struct Stopping(Arc<watch::Sender<Stage>>);

impl Default for Stopping {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(Stage::Serving)))
    }
}

impl Stopping {
    /// Ends when the node has come so far.
    pub fn reached(&self, stage: Stage) -> impl Future<Output = ()> + Send + use<> {
        let mut seen = self.0.subscribe();
        async move {
            let _ = seen.wait_for(|now| *now >= stage).await;
        }
    }

    pub fn has_begun(&self) -> bool {
        *self.0.borrow() > Stage::Serving
    }

    /// Waits for SIGTERM, as service managers send it, or Ctrl-C, and leaves. `delay`: for how long
    /// proxies may learn of it; a second signal does not wait.
    pub async fn at_a_signal(self, mut signals: Signals, delay: Duration) {
        signals.next().await;
        tracing::info!(milliseconds = delay.as_millis(), "Told to stop: no longer ready");
        self.0.send_replace(Stage::Leaving);
        tokio::select! {
            () = tokio::time::sleep(delay) => {}
            () = signals.next() => {}
        }
        tracing::info!("Finishing what is on its way");
        self.0.send_replace(Stage::Closed);
    }

    /// What an answer is like while the node is leaving: the next request comes by another connection,
    /// and so to another node. An event stream ends, for the same reason.
    #[must_use]
    pub fn applied_to(&self, mut response: Response) -> Response {
        let close = HeaderValue::from_static("close");
        if self.has_begun() {
            response.headers_mut().insert(header::CONNECTION, close);
        }
        if !is_event_stream(&response) {
            return response;
        }
        let leaving = self.reached(Stage::Leaving);
        response.map(|body| Body::from_stream(body.into_data_stream().take_until(leaving)))
    }
}

fn is_event_stream(response: &Response) -> bool {
    let media_type = response.headers().get(header::CONTENT_TYPE);
    media_type.is_some_and(|value| value.as_bytes().starts_with(b"text/event-stream"))
}

/// What tells a process to stop.
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    pub fn listen() -> std::io::Result<Self> {
        let (terminate, interrupt) = (SignalKind::terminate(), SignalKind::interrupt());
        Ok(Self { terminate: signal(terminate)?, interrupt: signal(interrupt)? })
    }

    pub async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// A listener that takes everybody who has come until then, and is gone before the connections that it
/// took are told to end: axum-server would do both in one moment, in which a request could get lost.
pub struct Door {
    listener: Mutex<Option<TcpListener>>,
    address: SocketAddr,
    stopping: Stopping,
}

impl Door {
    pub fn new(listener: std::net::TcpListener, stopping: &Stopping) -> std::io::Result<Self> {
        listener.set_nonblocking(true)?;
        let listener = TcpListener::from_std(listener)?;
        let address = listener.local_addr()?;
        Ok(Self { listener: Mutex::new(Some(listener)), address, stopping: stopping.clone() })
    }
}

/// Who has connected.
#[derive(Clone)]
pub struct Peer(SocketAddr);

impl Connected<Peer> for SocketAddr {
    fn connect_info(Peer(address): Peer) -> Self {
        address
    }
}

impl Address for Peer {
    type Stream = TcpStream;
    type Listener = Door;
}

impl AddrListener<TcpStream, Peer> for Door {
    async fn bind_to(Peer(address): Peer) -> std::io::Result<Self> {
        Self::new(std::net::TcpListener::bind(address)?, &Stopping::default())
    }

    /// Never ends once the door is closed.
    async fn accept_stream(&self) -> std::io::Result<(TcpStream, Peer)> {
        let mut listener = self.listener.lock().await;
        if let Some(open) = &*listener {
            tokio::select! {
                biased;
                accepted = open.accept() => return accepted.map(|(stream, peer)| (stream, Peer(peer))),
                () = self.stopping.reached(Stage::Closed) => {}
            }
        }
        *listener = None;
        std::future::pending().await
    }

    fn get_local_addr(&self) -> std::io::Result<Peer> {
        Ok(Peer(self.address))
    }
}
