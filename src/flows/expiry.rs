//! What time does to authorisations: terms that pass, invitations that nobody answered, warnings
//! thirty and seven days before. A job calls it again and again.

use super::relations::{By, change, notify};
use super::{Ctx, Fault};
use crate::domain::authorisation::{Actor, Event};
use crate::domain::notice::{Audience, NoticeKind};
use crate::ephemeral::Kind;

/// An invitation or application that is not answered for so long is over.
const INVITATION_DAYS: i64 = 30;
const WARNINGS: [u64; 2] = [30, 7];

/// Returns how many authorisations expired.
pub async fn run(ctx: &Ctx) -> Result<usize, Fault> {
    let (today, store) = (ctx.now().day(), &ctx.services.store);
    let invited_before = ctx.now().plus(-INVITATION_DAYS * 86_400);
    let authorisations = store.rows().authorisations();
    let mut expired = 0;
    for one in authorisations.overdue(&ctx.realm.id, today, invited_before).await? {
        let by = By { actor: Actor::System, person: None };
        // Of several nodes one changes it; the others find it changed.
        expired += usize::from(change(ctx, &one, &Event::Expire, by).await?.is_ok());
    }
    // Once an hour over all nodes is often enough for what is told once a day.
    let hour = format!("{}/expiring", ctx.realm.id);
    if !ctx.services.ephemeral.mark(Kind::Replay, &hour, 3600).await? {
        return Ok(expired);
    }
    for days in WARNINGS {
        for one in authorisations.ending_on(&ctx.realm.id, today.plus_days(days)).await? {
            let once = format!("expiring-{days}-{today}");
            let tx = store.begin().await?;
            let told = (NoticeKind::Expiring, Audience::Both);
            notify(ctx, &tx, &one, told, Some(&once)).await?;
            tx.commit().await?;
        }
    }
    Ok(expired)
}
