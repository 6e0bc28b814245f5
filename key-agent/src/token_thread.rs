//! The one thread that touches tokens: many drivers must not be called from two, and some never come
//! back. Whoever waits does so for 20 seconds; what they asked for is not done behind their back.

use std::sync::mpsc;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::protocol::{Code, Refusal};
use crate::tokens::Tokens;

pub const PATIENCE: Duration = Duration::from_secs(20);

type Work = Box<dyn FnOnce(&mut Tokens) + Send>;

pub struct TokenThread {
    queue: mpsc::Sender<Work>,
    patience: Duration,
}

impl TokenThread {
    /// Drivers are loaded on the thread that will use them.
    pub fn start(
        make: impl FnOnce() -> Tokens + Send + 'static,
        patience: Duration,
    ) -> std::io::Result<Self> {
        let (queue, work) = mpsc::channel::<Work>();
        std::thread::Builder::new().name("tokens".to_owned()).spawn(move || {
            let mut tokens = make();
            while let Ok(work) = work.recv() {
                work(&mut tokens);
            }
        })?;
        Ok(Self { queue, patience })
    }

    pub async fn call<T: Send + 'static>(
        &self,
        act: impl FnOnce(&mut Tokens) -> T + Send + 'static,
    ) -> Result<T, Refusal> {
        let (answer, waiting) = oneshot::channel();
        let work = Box::new(move |tokens: &mut Tokens| {
            // Nobody waits any more: no PIN is used up, nothing is signed.
            if !answer.is_closed() {
                let _ = answer.send(act(tokens));
            }
        });
        let failed = |why: &str| Refusal::new(Code::Backend).because(why);
        self.queue.send(work).map_err(|_| failed("the driver has ended the thread of tokens"))?;
        match tokio::time::timeout(self.patience, waiting).await {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(_)) => Err(failed("the driver has ended the thread of tokens")),
            Err(_) => Err(failed("the token does not answer; pull it out and plug it in again")),
        }
    }
}
