//! Connections: how many there may be, and how long each may be open without asking, without taking what
//! it has asked for, and between two requests. One that is over is closed; a connection at which a
//! request is at work is nobody's here (`layers`).

use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::http::{Request, StatusCode};
use axum::response::{IntoResponse, Response};
use axum_server::accept::Accept;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep};
use tower::Service;

use crate::domain::place::Place;
use crate::web::answer::with_retry_after;
use crate::web::app::App;
use crate::web::client_ip::Proxies;
use crate::web::crowd::{Crowd, Most, Seat};
use crate::web::doing::{Doing, Patience};
use crate::web::headers::of_early;

/// How many connections there may be, unless the settings say otherwise. With TLS one takes about
/// 40 KiB. A hall of people shares an address, and each of their browsers has several connections.
pub const MOST: Most = Most { in_all: 4096, of_place: 1024 };

/// What the process leaves to other files than connections.
const OTHER_FILES: usize = 200;

/// No more than the process may open files: whoever came beyond that would also take the database's.
#[must_use]
pub fn within_open_files(most: Most) -> Most {
    let Some(files) = open_files() else { return most };
    let room = files.saturating_sub(OTHER_FILES).max(files / 2);
    if room >= most.in_all {
        return most;
    }
    tracing::warn!(
        files,
        wanted = most.in_all,
        "Fewer connections than the settings say: the process may open too few files"
    );
    Most { in_all: room, of_place: most.of_place.min(room) }
}

/// As the kernel says (`ulimit -n`).
fn open_files() -> Option<usize> {
    let limits = std::fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

const PATIENCE: Patience = Patience {
    first: Duration::from_secs(10),
    between: Duration::from_secs(75),
    taking: Duration::from_secs(20),
};

/// Where three quarters of the room are taken. Streams of events say something every 15 seconds.
const PATIENCE_IN_A_CROWD: Patience = Patience {
    first: Duration::from_secs(5),
    between: Duration::from_secs(20),
    taking: Duration::from_secs(5),
};

/// Fields of a request's head, as for HTTP/1: with HTTP/2 a few bytes name hundreds.
const MOST_FIELDS: usize = 100;

/// How often each connection is looked at.
const LOOK: Duration = Duration::from_secs(2);

/// The way in.
#[derive(Clone)]
pub struct Gate {
    connections: Arc<Crowd>,
    /// On their way; no more than there may be connections.
    answers: Arc<Crowd>,
    proxies: Proxies,
    /// Whose realms are served behind it, if any are.
    app: Option<App>,
}

impl Gate {
    /// `proxies` speak for many: one of them is counted in all alone.
    pub fn new(most: Most, proxies: Proxies) -> Self {
        let [connections, answers] = ["connection", "answer"].map(|what| Crowd::new(what, most));
        Self { connections, answers, proxies, app: None }
    }

    /// To the realms' faces, whose answers pages of other origins may read.
    #[must_use]
    pub fn of(self, app: App) -> Self {
        Self { app: Some(app), ..self }
    }

    fn place(&self, peer: IpAddr) -> Option<Place> {
        (!self.proxies.trusts(peer)).then(|| Place::of(peer))
    }

    fn let_in<S>(&self, stream: TcpStream, service: S) -> io::Result<(Watched, Noticed<S>)> {
        let place = self.place(stream.peer_addr()?.ip().to_canonical());
        let full = || io::Error::new(io::ErrorKind::QuotaExceeded, "too many connections");
        let seat = self.connections.enter(place).ok_or_else(full)?;
        let (doing, answers) = (Doing::new(), Arc::clone(&self.answers));
        let watched = Watched {
            stream,
            seat,
            doing: Arc::clone(&doing),
            answers: Arc::clone(&answers),
            place,
            stalled_since: None,
            next_look: Box::pin(sleep(LOOK)),
        };
        Ok((watched, Noticed { service, doing, answers, place, app: self.app.clone() }))
    }
}

impl Default for Gate {
    fn default() -> Self {
        Self::new(MOST, Proxies::default())
    }
}

impl<S> Accept<TcpStream, S> for Gate {
    type Stream = Watched;
    type Service = Noticed<S>;
    type Future = std::future::Ready<io::Result<(Watched, Noticed<S>)>>;

    /// One that finds no room is closed.
    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        std::future::ready(self.let_in(stream, service))
    }
}

/// The service of one connection, which notes when a request is at work and when its answer is taken.
#[derive(Clone)]
pub struct Noticed<S> {
    service: S,
    doing: Arc<Doing>,
    answers: Arc<Crowd>,
    place: Option<Place>,
    app: Option<App>,
}

impl<S, B> Service<Request<B>> for Noticed<S>
where
    S: Service<Request<B>, Response = Response>,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.service.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let refused = match self.answers.enter(self.place) {
            _ if request.headers().len() > MOST_FIELDS => {
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE.into_response()
            }
            None => with_retry_after(StatusCode::SERVICE_UNAVAILABLE.into_response(), Some(5)),
            Some(seat) => {
                let at_work = self.doing.at_work(seat);
                let answer = self.service.call(request);
                return Box::pin(async move { Ok(at_work.answers(answer.await?)) });
            }
        };
        let refused = of_early(self.app.as_ref(), request.uri(), request.headers(), refused);
        Box::pin(async { Ok(refused) })
    }
}

/// A connection that ends when it has done nothing for too long.
pub struct Watched {
    stream: TcpStream,
    seat: Seat,
    doing: Arc<Doing>,
    answers: Arc<Crowd>,
    place: Option<Place>,
    /// Since when the client takes nothing.
    stalled_since: Option<Instant>,
    next_look: Pin<Box<Sleep>>,
}

impl Watched {
    /// Asked wherever there is nothing to do but to wait.
    fn look<T>(&mut self, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        loop {
            ready!(self.next_look.as_mut().poll(context));
            let is_crowded = self.seat.is_crowded() || self.answers.is_crowded(self.place);
            let patience = if is_crowded { PATIENCE_IN_A_CROWD } else { PATIENCE };
            let is_stalled = |since: Instant| since.elapsed() >= patience.taking;
            let is_stalled = self.stalled_since.is_some_and(is_stalled);
            if is_stalled || self.doing.is_over(&patience) {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            self.next_look.as_mut().reset(Instant::now() + LOOK);
        }
    }

    fn written(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        let Poll::Ready(written) = written else {
            self.stalled_since.get_or_insert_with(Instant::now);
            return self.look(context);
        };
        self.stalled_since = None;
        self.doing.has_written(written.as_ref().copied().unwrap_or_default());
        Poll::Ready(written)
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.stream).poll_read(context, buffer) {
            Poll::Pending => self.look(context),
            read @ Poll::Ready(_) => read,
        }
    }
}

impl AsyncWrite for Watched {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.written(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.written(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        if flushed.is_ready() {
            self.doing.has_flushed();
        }
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
