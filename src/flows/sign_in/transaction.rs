//! A sign-in on its way: begun for a request or a page, taken a step further, used up once. Nothing of
//! it is kept before somebody has proved something; until then the browser holds it
//! (`web::transaction`). Which step is due stands in `domain::login`.

use serde::{Deserialize, Serialize};

use crate::base::secret::Secret;
use crate::domain::entrance::{Audience, Entrance};
use crate::domain::login::{LoginTransaction, Progress, Purpose, TRANSACTION_SECONDS, Then};
use crate::domain::refusal::Refusal;
use crate::ephemeral::{Share, Slot};
use crate::flows::{Ctx, Fault, Stop};
use crate::realm::RealmEntrance;
use crate::store::Tx;

pub const LOGIN: Slot<LoginTransaction> = Slot::new("login");

/// Sign-ins with more than a browser can hold, before anything is proved.
const BEGUN: Slot<LoginTransaction> = Slot::of(Share::Anybody, "begun");

/// A new sign-in for an authorization request, or for a plain link of the portal. It is the caller's
/// to remember.
pub fn new(ctx: &Ctx, then: Then) -> LoginTransaction {
    of(ctx, Purpose::SignIn, then, Progress::Begun)
}

/// One that has come so far already.
pub fn of(ctx: &Ctx, purpose: Purpose, then: Then, progress: Progress) -> LoginTransaction {
    LoginTransaction {
        id: ctx.random().short_token(),
        expires_at: ctx.now().plus(TRANSACTION_SECONDS),
        purpose,
        then,
        turn: u32::from(progress != Progress::Begun),
        progress,
    }
}

/// Remembers one that no browser can hold.
pub async fn keep_begun(ctx: &Ctx, transaction: &LoginTransaction) -> Result<(), Fault> {
    Ok(ctx.ephemeral().put(&BEGUN, &transaction.id, transaction, TRANSACTION_SECONDS).await?)
}

/// Remembers a new one of somebody who has proved something already.
pub async fn keep(ctx: &Ctx, transaction: &LoginTransaction) -> Result<(), Fault> {
    Ok(ctx.ephemeral().put(&LOGIN, &transaction.id, transaction, TRANSACTION_SECONDS).await?)
}

/// One in which somebody has proved something.
pub async fn find(ctx: &Ctx, id: &str) -> Result<Option<LoginTransaction>, Fault> {
    Ok(ctx.ephemeral().get(&LOGIN, id).await?)
}

/// Whether another request has taken it further, or ended it, since it was read.
pub async fn has_gone_on(ctx: &Ctx, transaction: &LoginTransaction) -> Result<bool, Fault> {
    Ok(find(ctx, &transaction.id).await?.as_ref() != Some(transaction))
}

/// Whether what was proved in it still counts: nobody has ended the account's sign-ins since. A step
/// within a session ends with the session.
async fn counts(ctx: &Ctx, transaction: &LoginTransaction) -> Result<bool, Fault> {
    let is_sign_in = transaction.purpose == Purpose::SignIn;
    let Some(proved) = transaction.proved().filter(|_| is_sign_in) else { return Ok(true) };
    let account = ctx.rows().accounts().find(proved.account).await?;
    Ok(account.is_some_and(|account| account.era == proved.era))
}

/// The same if it still counts, or one in which nobody has yet. `held`: as the browser holds it; it may
/// do so for longer than the sign-in lasts, so what was used up does not begin again.
pub async fn find_begun(
    ctx: &Ctx,
    id: &str,
    held: Option<LoginTransaction>,
) -> Result<Option<LoginTransaction>, Fault> {
    if let Some(found) = find(ctx, id).await? {
        return Ok(counts(ctx, &found).await?.then_some(found));
    }
    let begun = match held {
        Some(held) => Some(held),
        None => ctx.ephemeral().get(&BEGUN, id).await?,
    };
    let Some(begun) = begun.filter(|begun| begun.expires_at > ctx.now()) else { return Ok(None) };
    Ok((!is_used_up(ctx, id).await?).then_some(begun))
}

/// Whether a sign-in has ended in something.
pub async fn is_used_up(ctx: &Ctx, id: &str) -> Result<bool, Fault> {
    Ok(ctx.rows().is_used_up(KIND, id).await?)
}

/// Saves a step forward; `E_STATE` when another tab was faster.
pub async fn advance(
    ctx: &Ctx,
    from: &LoginTransaction,
    to: LoginTransaction,
) -> Result<LoginTransaction, Stop> {
    let ephemeral = ctx.ephemeral();
    let is_saved = match from.progress {
        // Of what nothing was kept, the first step is the first that is kept.
        Progress::Begun => {
            let seconds = from.expires_at.since(ctx.now());
            ephemeral.replace(&LOGIN, &from.id, None, &to, seconds).await?
        }
        _ => ephemeral.swap(&LOGIN, &from.id, from, &to).await?,
    };
    if is_saved { Ok(to) } else { Err(Refusal::State.into()) }
}

/// The kind under which sign-ins are used up.
const KIND: &str = "login";

/// Uses a transaction up for what it ends in: of two tabs that finish, one does.
pub async fn use_up(tx: &Tx<'_>, transaction: &LoginTransaction) -> Result<(), Stop> {
    match tx.use_up(KIND, &transaction.id, transaction.expires_at).await? {
        true => Ok(()),
        false => Err(Refusal::State.into()),
    }
}

/// The door of this id, if the application that waits may be reached through it.
pub fn admitted_door<'c>(
    ctx: &'c Ctx,
    transaction: &LoginTransaction,
    id: &str,
) -> Option<&'c Entrance> {
    let audience = audience(ctx, transaction);
    let fits = |door: &&RealmEntrance| {
        door.entrance.id == id && audience.is_none_or(|audience| audience == door.entrance.audience)
    };
    ctx.realm.doors().find(fits).map(|door| &door.entrance)
}

/// The audience of the application that waits; the portal's plain link leaves it open.
pub fn audience(ctx: &Ctx, transaction: &LoginTransaction) -> Option<Audience> {
    let client = ctx.realm.clients.get(transaction.request()?.get("client_id")?)?;
    Some(client.serves)
}

/// Ends a transaction without a session; of two tabs it does not matter which ends it. One in which
/// nobody has proved anything leaves nothing behind.
pub async fn abandon(ctx: &Ctx, transaction: &LoginTransaction) -> Result<(), Fault> {
    if transaction.progress == Progress::Begun {
        return Ok(());
    }
    let tx = ctx.begin().await?;
    tx.use_up(KIND, &transaction.id, transaction.expires_at).await?;
    tx.commit().await?;
    ctx.forget(&LOGIN, &transaction.id).await;
    Ok(())
}

/// What a sign-in has just ended in, for the same browser that asks once more: a second click takes the
/// place of the first, whose answer then reaches nobody.
#[derive(Clone, Serialize, Deserialize)]
pub struct Finished {
    /// The session's cookie, sealed.
    pub cookie: String,
    pub to: String,
}

const FINISHED: Slot<Finished> = Slot::new("finished");
/// Longer than somebody clicks again.
const FINISHED_SECONDS: i64 = 30;

pub async fn finish(ctx: &Ctx, transaction: &LoginTransaction, cookie: &Secret, to: &str) {
    let sealed =
        ctx.services.secrets.cookie.seal_text(ctx.random(), &ctx.realm.id, cookie.expose());
    let finished = Finished { cookie: sealed, to: to.to_owned() };
    let kept = ctx.ephemeral().put(&FINISHED, &transaction.id, &finished, FINISHED_SECONDS).await;
    if let Err(error) = kept {
        tracing::warn!(%error, "The end of a sign-in is not kept for a second click");
    }
}

/// The cookie of the session and where it leads; `id` is one that this browser has proved to hold.
pub async fn finished(ctx: &Ctx, id: &str) -> Result<Option<(Secret, String)>, Fault> {
    let Some(found) = ctx.ephemeral().get(&FINISHED, id).await? else { return Ok(None) };
    let opened = ctx.services.secrets.cookie.open_sealed_text(&ctx.realm.id, &found.cookie);
    Ok(opened.ok().map(|cookie| (Secret::new(cookie), found.to)))
}
