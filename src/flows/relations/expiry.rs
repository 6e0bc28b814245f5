//! What time does to identities: terms that pass, invitations that nobody answered, warnings thirty
//! and seven days before. A job calls it again and again.

use crate::domain::authorisation::{By, Event};
use crate::domain::notice::{Audience, NoticeKind};
use crate::flows::notify::tell::end_unusable;
use crate::flows::relations::writer::{change, notify};
use crate::flows::{Ctx, Stop};
use crate::store::authorisations::expiring;

/// An invitation or application that is not answered for so long is over.
const INVITATION_DAYS: i64 = 30;
/// Days before the end, the last warning first: who hears that has no use for the other.
const WARNINGS: [u64; 2] = [7, 30];

/// So many authorisations at most expire in one run; they are worth nothing before that already.
const MOST_AT_ONCE: usize = 5000;

/// Returns how many authorisations expired.
pub async fn run(ctx: &Ctx) -> Result<usize, Stop> {
    end_past_term(ctx).await?;
    let today = ctx.now().day();
    let invited_before = ctx.now().plus(-INVITATION_DAYS * 86_400);
    let authorisations = ctx.rows().authorisations();
    let mut expired = 0;
    while expired < MOST_AT_ONCE {
        let before = expired;
        for one in authorisations.overdue(today, invited_before).await? {
            // Of several nodes one changes it; the others find it changed.
            let done = change(ctx, &one, &Event::Expire, By::CLOCK).await;
            expired += usize::from(Stop::refusal(done)?.is_ok());
        }
        if expired == before {
            break;
        }
    }
    // Once an hour over all nodes is often enough for what is told once a day.
    let hour = format!("{}/expiring", ctx.realm.id);
    if !ctx.ephemeral().by_proved().mark(&hour, 3600).await? {
        return Ok(expired);
    }
    warn(ctx).await?;
    Ok(expired)
}

/// Once for each of the two and each end, also when nobody ran on the very day. Whoever was given a
/// shorter term is not warned of what they have just been told.
async fn warn(ctx: &Ctx) -> Result<(), Stop> {
    let (authorisations, today) = (ctx.rows().authorisations(), ctx.now().day());
    let mut ends_from = today;
    for days in WARNINGS {
        let ends_to = today.plus_days(days);
        for one in authorisations.ending(ends_from, ends_to, days).await? {
            let Some(end) = one.valid_to() else { continue };
            if one.updated_at().day().plus_days(days) > end {
                continue;
            }
            let once = expiring(days, end);
            let tx = ctx.begin().await?;
            notify(ctx, &tx, &one, NoticeKind::Expiring, Audience::Both, Some(&once)).await?;
            tx.commit().await?;
        }
        ends_from = ends_to.plus_days(1);
    }
    Ok(())
}

/// Whoever works in an identity whose term passed is signed out and their applications are told at
/// once (invariant 9), however many authorisations wait to expire.
async fn end_past_term(ctx: &Ctx) -> Result<(), Stop> {
    let now = ctx.now();
    // A session that began before then has ended by itself.
    let since = now.plus(-ctx.realm.lifetimes.session - 86_400).day();
    let past = ctx.rows().sessions().past_term(since, now.day(), now).await?;
    for one in past {
        let tx = ctx.begin().await?;
        end_unusable(ctx, &tx, &[one]).await?;
        tx.commit().await?;
    }
    Ok(())
}
