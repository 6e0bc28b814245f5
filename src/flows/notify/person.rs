//! Telling a person what happened to their own account: in the message centre, and by text message
//! where the realm says so.

use serde_json::json;

use crate::base::id::PersonId;
use crate::domain::notice::{Notice, NoticeKind};
use crate::flows::notify::tell::queued;
use crate::flows::{Ctx, Fault};
use crate::store::Tx;
use crate::store::deliveries::Channel;

/// `once`: not again while this text stands.
pub async fn tell_person(
    ctx: &Ctx,
    tx: &Tx<'_>,
    to: PersonId,
    kind: NoticeKind,
    once: Option<&str>,
) -> Result<(), Fault> {
    let notice = Notice { to, kind, relation: None, at: ctx.now(), is_read: false };
    keep(ctx, tx, &notice, once, &ctx.realm.name.zh).await
}

/// Keeps a notice and, when it is new, queues the same as a text message; whoever has no phone has
/// the message centre. `enterprise`: its name, or the bureau's where it is about the person alone,
/// since carriers take no empty text.
pub async fn keep(
    ctx: &Ctx,
    tx: &Tx<'_>,
    notice: &Notice,
    once: Option<&str>,
    enterprise: &str,
) -> Result<(), Fault> {
    let id = ctx.new_row_id();
    let once = once.map_or_else(|| id.to_string(), str::to_owned);
    let is_new = tx.rows().notices().add(id, notice, &once).await?;
    if is_new && ctx.realm.sms.notices {
        let body = json!({"event": notice.kind.name(), "enterprise": enterprise});
        let delivery = queued(ctx, "", Channel::Sms, notice.to, &body);
        tx.rows().deliveries().add(&delivery).await?;
    }
    Ok(())
}
