//! What one connection is doing: requests at work, and answers on their way. An answer keeps its seat
//! until the client has taken it, wherever it waits: for the client's window of HTTP/2, or for the
//! network. Of one connection no more is handed on at a time than is written.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::header::CONTENT_TYPE;
use axum::response::Response;
use http_body::{Frame, SizeHint};
use tokio::time::Instant;

use crate::web::crowd::Seat;

/// Bytes that may be handed on of a connection and not be written yet.
const MOST_OWED: usize = 32 * 1024;

/// Bytes of an answer that are handed on last: HTTP/2 asks for them when the client's window has room
/// again, so that the answer lasts for as long as the client leaves it waiting.
const TAIL: usize = 256;

/// How long a connection may do nothing.
pub(super) struct Patience {
    /// Before the first request is whole, the handshake of TLS included.
    pub first: Duration,
    /// Between two requests: longer than proxies keep an idle connection, so that they close it
    /// first.
    pub between: Duration,
    /// For a part of an answer that is there.
    pub taking: Duration,
}

pub(super) struct Doing(Mutex<State>);

struct State {
    n_requests: usize,
    has_asked: bool,
    /// Since when there was no request, and nothing was said of one.
    quiet_since: Instant,
    /// Answers whose next part nobody has come for, and since when.
    left: HashMap<u64, Instant>,
    n_answers: u64,
    /// Bytes that were handed on and are not written yet.
    owed: usize,
    /// Answers that wait until more is written.
    waiting: HashMap<u64, Waker>,
}

impl Doing {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(State {
            n_requests: 0,
            has_asked: false,
            quiet_since: Instant::now(),
            left: HashMap::new(),
            n_answers: 0,
            owed: 0,
            waiting: HashMap::new(),
        })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A request begins; `seat`: of its answer.
    pub(super) fn at_work(self: &Arc<Self>, seat: Seat) -> AtWork {
        let mut state = self.state();
        state.n_requests += 1;
        state.has_asked = true;
        AtWork { doing: Arc::clone(self), seat: Some(seat) }
    }

    /// So much was written to the network.
    pub(super) fn has_written(&self, n: usize) {
        let mut state = self.state();
        if state.has_asked {
            state.quiet_since = Instant::now();
        }
        state.owed = state.owed.saturating_sub(n);
        let awake = state.awake();
        drop(state);
        awake.into_values().for_each(Waker::wake);
    }

    /// Nothing waits for the network any more.
    pub(super) fn has_flushed(&self) {
        let mut state = self.state();
        state.owed = 0;
        let awake = state.awake();
        drop(state);
        awake.into_values().for_each(Waker::wake);
    }

    /// Whether nobody has any business with the connection.
    pub(super) fn is_over(&self, patience: &Patience) -> bool {
        let state = self.state();
        let most = if state.has_asked { patience.between } else { patience.first };
        let is_idle = state.n_requests == 0 && state.left.is_empty();
        (is_idle && state.quiet_since.elapsed() >= most)
            || state.left.values().any(|since| since.elapsed() >= patience.taking)
    }
}

impl State {
    /// Whether this answer may go on; if not, it is woken when it may.
    fn has_room(&mut self, number: u64, context: &Context<'_>) -> bool {
        let has_room = self.owed <= MOST_OWED;
        if !has_room {
            self.waiting.insert(number, context.waker().clone());
        }
        has_room
    }

    /// Who may go on now.
    fn awake(&mut self) -> HashMap<u64, Waker> {
        if self.owed <= MOST_OWED { std::mem::take(&mut self.waiting) } else { HashMap::new() }
    }
}

/// A request at work.
pub(super) struct AtWork {
    doing: Arc<Doing>,
    seat: Option<Seat>,
}

impl AtWork {
    /// The handler is done. Streams of events have seats of their own.
    pub(super) fn answers(mut self, response: Response) -> Response {
        let is_stream = response
            .headers()
            .get(CONTENT_TYPE)
            .is_some_and(|value| value.as_bytes().starts_with(b"text/event-stream"));
        let seat = self.seat.take().filter(|_| !is_stream);
        response.map(|body| {
            let mut state = self.doing.state();
            state.n_answers += 1;
            let number = state.n_answers;
            state.left.insert(number, Instant::now());
            let doing = Arc::clone(&self.doing);
            Body::new(Taken { body, tail: None, doing, number, _seat: seat })
        })
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        let mut state = self.doing.state();
        state.n_requests -= 1;
        state.quiet_since = Instant::now();
    }
}

/// An answer on its way.
struct Taken {
    body: Body,
    tail: Option<Bytes>,
    doing: Arc<Doing>,
    number: u64,
    _seat: Option<Seat>,
}

impl Taken {
    /// The last part but for its tail, which is of its own memory.
    fn without_tail(&mut self, frame: Frame<Bytes>) -> Frame<Bytes> {
        if !self.body.is_end_stream() {
            return frame;
        }
        match frame.into_data() {
            Ok(mut data) if data.len() > TAIL => {
                let tail = data.split_off(data.len() - TAIL);
                self.tail = Some(Bytes::copy_from_slice(&tail));
                Frame::data(data)
            }
            Ok(data) => Frame::data(data),
            Err(frame) => frame,
        }
    }
}

impl HttpBody for Taken {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = &mut *self;
        let mut state = this.doing.state();
        if !state.has_room(this.number, context) {
            return Poll::Pending;
        }
        state.left.remove(&this.number);
        drop(state);
        let frame = match this.tail.take() {
            Some(tail) => Frame::data(tail),
            None => match ready!(Pin::new(&mut this.body).poll_frame(context)) {
                Some(Ok(frame)) => this.without_tail(frame),
                end => return Poll::Ready(end),
            },
        };
        let mut state = this.doing.state();
        state.owed += frame.data_ref().map_or(0, Bytes::len);
        state.left.insert(this.number, Instant::now());
        drop(state);
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.tail.is_none() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let tail = self.tail.as_ref().map_or(0, |tail| tail.len() as u64);
        let (inner, mut all) = (self.body.size_hint(), SizeHint::new());
        if let Some(most) = inner.upper() {
            all.set_upper(most + tail);
        }
        all.set_lower(inner.lower() + tail);
        all
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        let mut state = self.doing.state();
        state.left.remove(&self.number);
        state.waiting.remove(&self.number);
    }
}
