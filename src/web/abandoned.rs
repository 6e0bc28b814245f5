//! Handlers whose client has hung up or has waited too long: they go on by themselves to their end,
//! so that nothing they do is left half done. A process that stops waits for them.
//!
//! Only so many: whoever sends requests and hangs up must not make the server work without limit.
//! A handler beyond that is dropped where it is, as if the process had died there, which no
//! acknowledged fact minds.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tracing::{Instrument, Span};

/// At work at the same time without a client.
const MOST: u32 = 64;

#[derive(Clone)]
pub struct Abandoned(Arc<Semaphore>);

impl Default for Abandoned {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(MOST as usize)))
    }
}

impl Abandoned {
    /// The handler, tied to its client while there is one.
    pub fn keep<F: Future<Output: Send> + Send + 'static>(&self, handler: F) -> Kept<F> {
        Kept {
            handler: Some(Box::pin(handler)),
            has_begun: false,
            places: self.clone(),
            span: Span::current(),
        }
    }

    /// Waits until none is left.
    pub async fn all_done(&self) {
        let _ = self.0.acquire_many(MOST).await;
    }
}

/// A handler that outlives this future once it has begun.
pub struct Kept<F: Future<Output: Send> + Send + 'static> {
    handler: Option<Pin<Box<F>>>,
    has_begun: bool,
    places: Abandoned,
    /// Entered by whoever waits for it; by nobody once they have left.
    span: Span,
}

impl<F: Future<Output: Send> + Send + 'static> Future for Kept<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        self.has_begun = true;
        // One that panics is not put back: there is nothing to go on with.
        let Some(mut handler) = self.handler.take() else { return Poll::Pending };
        let polled = handler.as_mut().poll(context);
        if polled.is_pending() {
            self.handler = Some(handler);
        }
        polled
    }
}

impl<F: Future<Output: Send> + Send + 'static> Drop for Kept<F> {
    fn drop(&mut self) {
        let Some(handler) = self.handler.take().filter(|_| self.has_begun) else { return };
        let place = Arc::clone(&self.places.0).try_acquire_owned();
        if let (Ok(place), Ok(runtime)) = (place, Handle::try_current()) {
            let rest = async move {
                handler.await;
                drop(place);
            };
            runtime.spawn(rest.instrument(self.span.clone()));
        }
    }
}
