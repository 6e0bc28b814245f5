//! A new phone that waits a day (DEC-23): its person is told by everything that still reaches them, each
//! message with a way to stop it; their account centre stops it, too, and so does whatever begins another era of
//! the account. Else `lost_phone` binds it.

use crate::base::clock::Timestamp;
use crate::base::secret::Secret;
use crate::domain::audit::AuditEvent;
use crate::domain::notice::NoticeKind;
use crate::domain::number::phone::Phone;
use crate::domain::person::Account;
use crate::domain::refusal::Refusal;
use crate::domain::session::Session;
use crate::flows::notify::person::warn_person;
use crate::flows::{Ctx, Fault, Stop, people};
use crate::store::Tx;
use crate::store::awaited_phones::AwaitedPhone;

/// A day.
pub const WAIT_SECONDS: i64 = 86_400;

/// In place of another that waited for this account, with a day of its own. `verified_at`: when a code reached it.
/// Returns whether anything reaches the person to say so before they sign in.
pub async fn begin(
    ctx: &Ctx,
    tx: &Tx<'_>,
    account: &Account,
    (phone, verified_at): (Phone, Timestamp),
) -> Result<bool, Fault> {
    let stop = ctx.random().token();
    let awaited = AwaitedPhone {
        id: ctx.new_row_id(),
        account: account.id,
        phone,
        verified_at,
        due_at: ctx.now().plus(WAIT_SECONDS),
        era: Some(account.era),
    };
    people::drop_awaited_phone(tx, account.id).await?;
    tx.rows().awaited_phones().add(&awaited, stop.hashed()).await?;
    tx.note(AuditEvent::PhoneAwaited { account: account.id });
    let link = ctx.realm.url(&format!("/recover-phone/stop?c={}", stop.expose()));
    warn_person(ctx, tx, account.person, NoticeKind::PhoneAwaited, Some(&link)).await?;
    let person = tx.rows().people().find(account.person).await?;
    let mails = ctx.services.outbound.mails(ctx.realm.email.is_some());
    let by_mail = mails && person.is_some_and(|person| person.email.is_some());
    Ok(by_mail || !tx.rows().accounts().phones(account.id).await?.is_empty())
}

/// The one that waits for the account of this session; not one that will not be bound any more.
pub async fn of(ctx: &Ctx, session: &Session) -> Result<Option<AwaitedPhone>, Fault> {
    let Some(found) = ctx.rows().awaited_phones().of(session.account).await? else {
        return Ok(None);
    };
    let account = ctx.rows().accounts().find(session.account).await?;
    Ok(account.is_some_and(|account| found.is_of(&account)).then_some(found))
}

/// Whoever holds the secret of a message stops it; `E_STATE`: it is over.
pub async fn stop(ctx: &Ctx, secret: &Secret) -> Result<(), Stop> {
    let found = ctx.rows().awaited_phones().find(secret.hashed()).await?;
    end(ctx, found).await
}

/// Whoever is signed in stops what waits for their account, and needs no second proof for it: it only
/// keeps what is. `id`: as their page showed it; `E_STATE`: it is over, or another has taken its place.
pub async fn stop_own(ctx: &Ctx, session: &Session, id: &str) -> Result<(), Stop> {
    let found = of(ctx, session).await?;
    end(ctx, found.filter(|one| one.id.to_string() == id)).await
}

async fn end(ctx: &Ctx, found: Option<AwaitedPhone>) -> Result<(), Stop> {
    let found = found.ok_or(Refusal::State)?;
    let tx = ctx.begin().await?;
    if !tx.rows().awaited_phones().take(found.id).await? {
        return Err(Refusal::State.into());
    }
    tx.note(AuditEvent::AwaitedPhoneDropped { account: found.account });
    Ok(tx.commit().await?)
}
