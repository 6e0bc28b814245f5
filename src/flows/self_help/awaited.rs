//! A new phone that waits a day (DEC-23): its person is told by everything that still reaches them, each
//! message with a way to stop it, and another password stops it, too. Then `lost_phone`
//! binds it.

use crate::base::id::{AccountId, PersonId};
use crate::base::secret::Secret;
use crate::domain::audit::AuditEvent;
use crate::domain::notice::NoticeKind;
use crate::domain::number::phone::Phone;
use crate::domain::refusal::Refusal;
use crate::flows::notify::person::warn_person;
use crate::flows::{Ctx, Fault, Stop};
use crate::store::Tx;
use crate::store::awaited_phones::AwaitedPhone;

/// A day.
pub const WAIT_SECONDS: i64 = 86_400;

/// In place of another that waited for this account, with a day of its own.
pub async fn begin(
    ctx: &Ctx,
    tx: &Tx<'_>,
    (person, account): (PersonId, AccountId),
    phone: Phone,
) -> Result<(), Fault> {
    let stop = ctx.random().token();
    let now = ctx.now();
    let awaited = AwaitedPhone {
        id: ctx.new_row_id(),
        account,
        phone,
        verified_at: now,
        due_at: now.plus(WAIT_SECONDS),
    };
    tx.rows().awaited_phones().replace(&awaited, stop.hashed()).await?;
    tx.note(AuditEvent::PhoneAwaited { account });
    let link = ctx.realm.url(&format!("/recover-phone/stop?c={}", stop.expose()));
    warn_person(ctx, tx, person, NoticeKind::PhoneAwaited, Some(&link)).await
}

/// Whoever holds the secret of a message stops it; `E_STATE`: it is over.
pub async fn stop(ctx: &Ctx, secret: &Secret) -> Result<(), Stop> {
    let found = ctx.rows().awaited_phones().find(secret.hashed()).await?;
    let found = found.ok_or(Refusal::State)?;
    let tx = ctx.begin().await?;
    if !tx.rows().awaited_phones().take(found.id).await? {
        return Err(Refusal::State.into());
    }
    tx.note(AuditEvent::AwaitedPhoneDropped { account: found.account });
    Ok(tx.commit().await?)
}
