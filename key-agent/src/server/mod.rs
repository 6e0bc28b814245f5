//! The listeners on the two loopback addresses, and each connection's limits. One request a
//! connection: there is nothing here that waits for a second one.

mod request;

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use crate::agent::Agent;
use crate::peer;

/// How long a head may take, and again its body.
pub const READING: Duration = Duration::from_secs(10);
/// A page needs one or two at a time.
const MOST_CONNECTIONS: usize = 64;
const LONGEST_HEAD: usize = 16 * 1024;

/// The same port on both addresses.
pub struct Listeners {
    v4: TcpListener,
    /// None on a computer without IPv6.
    v6: Option<TcpListener>,
    pub port: u16,
}

impl Listeners {
    /// The first port that is free on both.
    pub async fn bind(ports: &[u16]) -> std::io::Result<Self> {
        let mut last = std::io::Error::other("no port is named");
        for port in ports {
            match Self::bind_one(*port).await {
                Ok(listeners) => return Ok(listeners),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    async fn bind_one(port: u16) -> std::io::Result<Self> {
        let v4 = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let port = v4.local_addr()?.port();
        let v6 = match TcpListener::bind((Ipv6Addr::LOCALHOST, port)).await {
            Ok(listener) => Some(listener),
            // Somebody else's program would hear half of our pages.
            Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => return Err(error),
            Err(_) => None,
        };
        Ok(Self { v4, v6, port })
    }

    /// For as long as it is polled.
    pub async fn serve(self, agent: Arc<Agent>, reading: Duration) {
        let free = Arc::new(Semaphore::new(MOST_CONNECTIONS));
        loop {
            // One more connection than may be open waits in the listener's queue.
            let Ok(place) = Arc::clone(&free).acquire_owned().await else { return };
            let (stream, peer) = self.accept().await;
            let Ok(ours) = stream.local_addr() else { continue };
            let is_same_person = peer::is_same_person(peer, ours);
            let asking = Asking { peer: peer.ip(), is_same_person, port: self.port, reading };
            let agent = Arc::clone(&agent);
            tokio::spawn(async move {
                let _place = place;
                one(stream, asking, &agent).await;
            });
        }
    }

    async fn accept(&self) -> (TcpStream, SocketAddr) {
        loop {
            let accepted = match &self.v6 {
                Some(v6) => tokio::select! {
                    accepted = self.v4.accept() => accepted,
                    accepted = v6.accept() => accepted,
                },
                None => self.v4.accept().await,
            };
            match accepted {
                Ok(accepted) => return accepted,
                // Out of files, or a peer that is gone again.
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }
}

/// What is known of a connection before it has said anything.
#[derive(Clone, Copy)]
struct Asking {
    peer: IpAddr,
    is_same_person: bool,
    port: u16,
    reading: Duration,
}

async fn one(stream: TcpStream, asking: Asking, agent: &Agent) {
    let answer = service_fn(async |request| {
        Ok::<_, Infallible>(request::answer(agent, asking, request).await)
    });
    let mut http = http1::Builder::new();
    http.keep_alive(false)
        .timer(TokioTimer::new())
        .header_read_timeout(asking.reading)
        .max_buf_size(LONGEST_HEAD);
    // A peer that breaks off is nobody's fault.
    let _ = http.serve_connection(TokioIo::new(stream), answer).await;
}
