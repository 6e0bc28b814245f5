//! The trial signature of the environment check: what a certificate would be worth at the door. It is
//! signed for another purpose, so that it opens none.

use crate::certificate::challenge::Purpose;
use crate::domain::refusal::Refusal;
use crate::flows::certificate::asking::{Answer, Asked, ask, signer};
use crate::flows::certificate::worth;
use crate::flows::{Ctx, Stop};

/// Nobody is known, and no sign-in has begun.
const NOBODY: &str = "check";

/// Of one place in a minute.
const TRIALS_PER_MINUTE: u32 = 10;

pub fn challenge(ctx: &Ctx) -> Asked {
    ask(ctx, NOBODY, Purpose::Check)
}

/// Refused as the door would, but whose the certificate is hears nobody.
pub async fn judge(ctx: &Ctx, answer: Answer<'_>) -> Result<(), Stop> {
    let minute = format!("certificate-trials/{}", ctx.place());
    let (count, retry_after) = ctx.ephemeral().count(&minute, 60).await?;
    if count > TRIALS_PER_MINUTE {
        return Err(Refusal::Locked { retry_after }.into());
    }
    let signer = signer(ctx, NOBODY, Purpose::Check, answer).await?;
    worth::of(ctx, &signer).await?;
    Ok(())
}
