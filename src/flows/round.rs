//! A job's round over many rows, each in a transaction of its own: one that makes no sense, or cannot be
//! dealt with, is told of and left aside, and the next has its turn.

use crate::flows::{Ctx, Fault, Stop};
use crate::store::found::Found;

pub struct Round<'c> {
    realm: &'c str,
    job: &'static str,
    n_done: usize,
}

impl<'c> Round<'c> {
    /// `job`: as the metric names it.
    pub fn of(ctx: &'c Ctx, job: &'static str) -> Self {
        Self { realm: &ctx.realm.id, job, n_done: 0 }
    }

    /// How many were dealt with.
    pub fn n_done(&self) -> usize {
        self.n_done
    }

    /// `work`: whether there was anything to do. Of several nodes one does it, and the others find it done.
    /// `Err`: what all rows need is away.
    pub async fn take<T, F>(
        &mut self,
        found: Found<T>,
        work: impl FnOnce(T) -> F,
    ) -> Result<(), Fault>
    where
        F: Future<Output = Result<bool, Stop>>,
    {
        let done = match found.row {
            Ok(row) => work(row).await,
            Err(fault) => Err(fault.into()),
        };
        match Stop::refusal(done) {
            Ok(done) => self.n_done += usize::from(done.is_ok_and(|is_done| is_done)),
            Err(Stop::Fault(fault)) if fault.is_temporary() => return Err(fault),
            Err(stop) => {
                let (realm, job, row) = (self.realm, self.job, found.id);
                tracing::error!(%stop, realm, job, %row, "A row is left aside, and tried again later");
                metrics::counter!("hufu_rows_left_aside_total", "job" => job).increment(1);
            }
        }
        Ok(())
    }
}

/// Once an hour over all nodes. An hour in which it failed is free again, for whoever is next.
pub async fn hourly<T>(
    ctx: &Ctx,
    what: &str,
    work: impl Future<Output = Result<T, Fault>>,
) -> Result<Option<T>, Fault> {
    let hour = format!("{}/{what}", ctx.realm.id);
    if !ctx.ephemeral().by_jobs().mark(&hour, 3600).await? {
        return Ok(None);
    }
    let done = work.await;
    if done.is_err()
        && let Err(error) = ctx.ephemeral().by_jobs().unmark(&hour).await
    {
        tracing::warn!(%error, what, "An hour in which nothing was done is not free again");
    }
    done.map(Some)
}
