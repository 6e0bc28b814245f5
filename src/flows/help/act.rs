//! What a helper does for one account: each in one transaction, with its audit, the applications told
//! where a sign-in ends, and the person told always. `E_STATE`: the account is not there any more, or
//! there is nothing to do.

use crate::base::id::{AccountId, SessionId};
use crate::domain::help::{Helper, Removable};
use crate::domain::notice::NoticeKind;
use crate::domain::person::Account;
use crate::domain::refusal::Refusal;
use crate::flows::notify::cause::Cause;
use crate::flows::notify::person::warn_person;
use crate::flows::notify::tell;
use crate::flows::people;
use crate::flows::sign_in::factor::change::remove_all;
use crate::flows::{Ctx, Fault, Stop};
use crate::store::Tx;

async fn live(tx: &Tx<'_>, id: AccountId) -> Result<Account, Stop> {
    let account = tx.rows().accounts().find(id).await?;
    Ok(account.filter(Account::is_live).ok_or(Refusal::State)?)
}

/// By every phone and the e-mail address: one of them may be in wrong hands.
async fn told(ctx: &Ctx, tx: Tx<'_>, account: &Account, kind: NoticeKind) -> Result<(), Stop> {
    warn_person(ctx, &tx, account.person, kind, None).await?;
    Ok(tx.commit().await?)
}

/// Also those past their time, whose tokens may live on, and whoever is on their way in.
async fn end_all(ctx: &Ctx, tx: &Tx<'_>, account: &Account) -> Result<usize, Fault> {
    tx.rows().accounts().begin_era(account.id).await?;
    let all = tx.rows().sessions().unended_of(account.id).await?;
    for session in &all {
        tell::end_session(ctx, tx, *session, Cause::ByBureau).await?;
    }
    Ok(all.len())
}

/// Nobody signs in to it until it is unlocked, and whoever is signed in is out.
pub async fn lock(ctx: &Ctx, helper: &Helper, id: AccountId) -> Result<(), Stop> {
    let tx = ctx.begin().await?;
    let account = live(&tx, id).await?;
    if !people::lock_account(&tx, helper, &account).await? {
        return Err(Refusal::State.into());
    }
    end_all(ctx, &tx, &account).await?;
    told(ctx, tx, &account, NoticeKind::AccountLocked).await
}

/// What the bureau has locked, or wrong passwords and codes have (E-09), from everywhere and on every
/// node. What an address has guessed of others stays its own.
pub async fn unlock(ctx: &Ctx, helper: &Helper, id: AccountId) -> Result<(), Stop> {
    let tx = ctx.begin().await?;
    let account = live(&tx, id).await?;
    if !people::unlock_account(&tx, helper, &account).await? {
        return Err(Refusal::State.into());
    }
    told(ctx, tx, &account, NoticeKind::AccountUnlocked).await
}

/// Everywhere; how many that were. None is no refusal: that nobody is signed in was to be so.
pub async fn end_sessions(ctx: &Ctx, helper: &Helper, id: AccountId) -> Result<usize, Stop> {
    let tx = ctx.begin().await?;
    let account = live(&tx, id).await?;
    let count = end_all(ctx, &tx, &account).await?;
    people::note_help(&tx, helper, "end-sessions", Some(account.person), Some(id));
    match count {
        0 => tx.commit().await?,
        _ => told(ctx, tx, &account, NoticeKind::SessionsEnded).await?,
    }
    Ok(count)
}

/// One browser.
pub async fn end_session(ctx: &Ctx, helper: &Helper, id: SessionId) -> Result<(), Stop> {
    let tx = ctx.begin().await?;
    let session = tx.rows().sessions().find_live(id).await?.ok_or(Refusal::State)?;
    let account = live(&tx, session.account).await?;
    tell::end_session(ctx, &tx, id, Cause::ByBureau).await?;
    people::note_help(&tx, helper, "end-session", Some(account.person), Some(account.id));
    told(ctx, tx, &account, NoticeKind::SessionsEnded).await
}

/// All of one kind; sign-ins that rest on it go on, and end by [`end_sessions`].
pub async fn remove_factor(
    ctx: &Ctx,
    helper: &Helper,
    id: AccountId,
    what: Removable,
) -> Result<(), Stop> {
    let tx = ctx.begin().await?;
    let account = live(&tx, id).await?;
    if !remove_all(&tx, id, what, ctx.now()).await? {
        return Err(Refusal::State.into());
    }
    let act = format!("remove-{}", what.name());
    people::note_help(&tx, helper, &act, Some(account.person), Some(id));
    told(ctx, tx, &account, NoticeKind::FactorReset).await
}

/// The next sign-in by it goes on to a new one, after a second factor that no browser is spared; whoever
/// is signed in stays so. What it has begun and not ended is over: a sign-in on its way, a phone that waits.
pub async fn expire_password(ctx: &Ctx, helper: &Helper, id: AccountId) -> Result<(), Stop> {
    let tx = ctx.begin().await?;
    let account = live(&tx, id).await?;
    if !people::expire_password(&tx, helper, &account).await? {
        return Err(Refusal::State.into());
    }
    people::drop_awaited_phone(&tx, id).await?;
    told(ctx, tx, &account, NoticeKind::PasswordExpired).await
}
