//! What an answer does not wait for: how long it takes would tell whether somebody exists. It is done
//! right after, in a task of its own, and nobody hears whether it worked but the log.

use tokio::task::JoinHandle;
use tracing::{Instrument, Span};

use crate::flows::Stop;

/// Begins the work. Whoever is not told of its end drops the handle.
pub fn aside(work: impl Future<Output = Result<(), Stop>> + Send + 'static) -> JoinHandle<()> {
    let done = async {
        match work.await {
            Ok(()) => {}
            // Nobody to tell: they may not be who they say.
            Err(Stop::Refused(refusal)) => {
                tracing::info!(code = refusal.code(), "Nothing was done")
            }
            Err(stop) => tracing::warn!(error = %stop, "What was to be done aside failed"),
        }
    };
    tokio::spawn(done.instrument(Span::current()))
}
