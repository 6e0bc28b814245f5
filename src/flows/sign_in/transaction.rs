//! A sign-in on its way: begun for a request or a page, taken a step further, used up once.
//! Which step is due stands in `domain::login`.

use serde::{Deserialize, Serialize};

use crate::base::secret::Secret;
use crate::domain::entrance::{Audience, Entrance};
use crate::domain::login::{LoginTransaction, Progress, Purpose, TRANSACTION_SECONDS, Then};
use crate::domain::refusal::Refusal;
use crate::ephemeral::Slot;
use crate::flows::sign_in::transaction;
use crate::flows::{Ctx, Fault, Stop};
use crate::realm::RealmEntrance;
use crate::store::Tx;

pub const LOGIN: Slot<LoginTransaction> = Slot::new("login");

/// A new sign-in for an authorization request, or for a plain link of the portal.
pub async fn begin(ctx: &Ctx, then: Then) -> Result<LoginTransaction, Fault> {
    start(ctx, Purpose::SignIn, then, Progress::Begun).await
}

/// A new transaction that may have come some way already.
pub async fn start(
    ctx: &Ctx,
    purpose: Purpose,
    then: Then,
    progress: Progress,
) -> Result<LoginTransaction, Fault> {
    let transaction = LoginTransaction {
        id: ctx.random().short_token(),
        expires_at: ctx.now().plus(TRANSACTION_SECONDS),
        purpose,
        then,
        turn: u32::from(progress != Progress::Begun),
        progress,
    };
    let key = transaction.id.clone();
    ctx.ephemeral().put(&LOGIN, &key, &transaction, TRANSACTION_SECONDS).await?;
    Ok(transaction)
}

pub async fn find(ctx: &Ctx, id: &str) -> Result<Option<LoginTransaction>, Fault> {
    Ok(ctx.ephemeral().get(&LOGIN, id).await?)
}

/// Saves a step forward; `E_STATE` when another tab was faster.
pub async fn advance(
    ctx: &Ctx,
    from: &LoginTransaction,
    to: LoginTransaction,
) -> Result<LoginTransaction, Stop> {
    let swapped = ctx.ephemeral().swap(&LOGIN, &from.id, from, &to).await?;
    if swapped { Ok(to) } else { Err(Refusal::State.into()) }
}

/// Uses a transaction up for what it ends in: of two tabs that finish, one does.
pub async fn use_up(tx: &Tx<'_>, transaction: &LoginTransaction) -> Result<(), Stop> {
    match tx.use_up("login", &transaction.id, transaction.expires_at).await? {
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

/// Ends a transaction without a session.
pub async fn abandon(ctx: &Ctx, transaction: &LoginTransaction) -> Result<(), Fault> {
    ctx.ephemeral().forget(&transaction::LOGIN, &transaction.id).await?;
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
