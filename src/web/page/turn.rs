//! One form of a sign-in at a time. Of two clicks the slower would otherwise find used up what the faster
//! is still being judged by, and hear a refusal in a sign-in that goes well: it waits, and goes on from
//! where the first has come.

use std::time::Duration;

use crate::flows::Ctx;

/// A form that takes longer has lost its turn, as has one whose node was killed.
const LONGEST_SECONDS: i64 = 10;
const BETWEEN_LOOKS: Duration = Duration::from_millis(40);
/// After these nobody waits any more: whatever is wrong with the first, it is not ours to wait for.
const LOOKS: u32 = 125;

/// Ends when it is dropped.
pub struct Turn {
    ctx: Ctx,
    name: String,
    /// Another form went before this one.
    pub has_waited: bool,
}

impl Turn {
    pub async fn take(ctx: &Ctx, transaction: &str) -> Self {
        let name = format!("turn/{transaction}");
        let mut has_waited = false;
        for _ in 0..LOOKS {
            // A store that is full or away is told by what the form itself needs of it.
            match ctx.ephemeral().count(&name, LONGEST_SECONDS).await {
                Ok((1, _)) | Err(_) => break,
                Ok(_) => {}
            }
            has_waited = true;
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
        Self { ctx: ctx.clone(), name, has_waited }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let (ctx, name) = (self.ctx.clone(), std::mem::take(&mut self.name));
        // What is lost with a node or a store is over by itself.
        tokio::spawn(async move { ctx.ephemeral().reset(&name).await });
    }
}
