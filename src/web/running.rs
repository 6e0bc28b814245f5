//! The handlers at work, also those whose client is gone: a process that stops waits for them.

use std::sync::Arc;

use tokio::sync::watch;

#[derive(Clone, Default)]
pub struct Running(Arc<watch::Sender<usize>>);

/// One handler, until it is dropped.
pub struct Place(Arc<watch::Sender<usize>>);

impl Running {
    pub fn enter(&self) -> Place {
        self.0.send_modify(|n| *n += 1);
        Place(Arc::clone(&self.0))
    }

    pub async fn all_done(&self) {
        let _ = self.0.subscribe().wait_for(|n| *n == 0).await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.send_modify(|n| *n -= 1);
    }
}
