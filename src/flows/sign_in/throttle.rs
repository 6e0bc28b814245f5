//! Who may try now: failures are counted before they are judged, so that parallel guesses all count
//! (E-09); the one that reaches the limit locks the account.

use crate::base::id::AccountId;
use crate::base::secret::Hashed;
use crate::domain::audit::AuditEvent;
use crate::domain::number::normalise;
use crate::domain::refusal::Refusal;
use crate::flows::sign_in::typed::{Credentials, Typed};
use crate::flows::{Ctx, Fault, Stop};

/// Whether the account may sign in at this moment, by whatever way: a lock, or its end, may have come
/// since it was asked last (rule 5).
pub async fn admits(ctx: &Ctx, id: AccountId) -> Result<(), Stop> {
    let account = ctx.rows().accounts().find(id).await?;
    Ok(account.ok_or(Refusal::Credentials)?.may_sign_in(ctx.now())?)
}

/// Counts before it judges, so that parallel guesses are all counted (E-09).
pub async fn throttle(ctx: &Ctx, form: &Credentials, typed: &Typed) -> Result<(), Stop> {
    let (ephemeral, limits) = (ctx.ephemeral(), &ctx.realm.limits);
    let locked = typed.account.as_ref().and_then(|account| account.locked_for(ctx.now()));
    if let Some(retry_after) = locked {
        return Err(Refusal::Locked { retry_after }.into());
    }
    let mut counters = vec![
        (typed.counter.clone(), limits.max_failures),
        (format!("address/{}", ctx.ip), limits.max_failures_per_address),
    ];
    if !form.enterprise_number.is_empty() {
        let number = Hashed::of(&normalise(&form.enterprise_number)).to_text();
        counters.push((format!("enterprise/{number}"), limits.max_failures_per_enterprise));
    }
    for (key, most) in counters {
        let (count, retry_after) = ephemeral.count(&key, limits.window).await?;
        if count > most {
            return Err(Refusal::Locked { retry_after }.into());
        }
    }
    Ok(())
}

/// The person's own failures are forgotten. Of the counters that people share only this attempt
/// is taken back: a sign-in of one's own must not clear what one tried on others.
pub async fn forget_failures(ctx: &Ctx, form: &Credentials, typed: &Typed) -> Result<(), Fault> {
    let ephemeral = ctx.ephemeral();
    let number = Hashed::of(&normalise(&form.enterprise_number)).to_text();
    ephemeral.reset(&typed.counter).await?;
    ephemeral.uncount(&format!("address/{}", ctx.ip)).await?;
    ephemeral.uncount(&format!("enterprise/{number}")).await?;
    Ok(())
}

/// The failure that reaches the limit locks the account.
pub async fn fail(ctx: &Ctx, typed: &Typed) -> Result<(), Fault> {
    let Some(account) = &typed.account else { return Ok(()) };
    let key = typed.counter.clone();
    let failures = ctx.ephemeral().counted(&key).await?;
    let now = ctx.now();
    let until = ctx.realm.lockout.lock_until(failures, account.n_locks, now);
    let Some(until) = until else { return Ok(()) };
    let tx = ctx.begin().await?;
    if tx.rows().accounts().lock(account.id, account.n_locks, until).await? {
        let event = AuditEvent::AccountLocked { account: account.id, until };
        tx.note(event);
    }
    tx.commit().await?;
    ctx.ephemeral().reset(&key).await?;
    Ok(())
}
