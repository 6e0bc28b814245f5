//! What time does to identities: terms that pass, invitations that nobody answered, warnings thirty
//! and seven days before. A job calls it again and again.

use crate::domain::authorisation::{Authorisation, By, Event};
use crate::domain::notice::{Audience, NoticeKind};
use crate::domain::session::Session;
use crate::flows::notify::tell::end_unusable;
use crate::flows::relations::writer::{change, notify};
use crate::flows::round::{Round, hourly};
use crate::flows::{Ctx, Fault, Stop};
use crate::store::authorisations::{Over, expiring};

/// An invitation or application that is not answered for so long is over.
const INVITATION_DAYS: i64 = 30;
/// Days before the end, the last warning first: who hears that has no use for the other.
const WARNINGS: [u64; 2] = [7, 30];

/// So many authorisations at most expire in one run; they are worth nothing before that already.
const MOST_AT_ONCE: usize = 5000;

/// Returns how many authorisations expired.
pub async fn run(ctx: &Ctx) -> Result<usize, Fault> {
    end_past_term(ctx).await?;
    let mut round = Round::of(ctx, "terms");
    let invited_before = ctx.now().plus(-INVITATION_DAYS * 86_400);
    for over in [Over::Term(ctx.now().day()), Over::Answer(invited_before)] {
        expire(ctx, &mut round, over).await?;
    }
    // Often enough for what is told once a day.
    hourly(ctx, "expiring", warn(ctx)).await?;
    Ok(round.n_done())
}

async fn expire(ctx: &Ctx, round: &mut Round<'_>, over: Over) -> Result<(), Fault> {
    let mut after = None;
    loop {
        let page = ctx.rows().authorisations().overdue(over, after).await?;
        for found in page.rows {
            round.take(found, |one| end(ctx, one)).await?;
        }
        after = page.next;
        if after.is_none() || round.n_done() >= MOST_AT_ONCE {
            return Ok(());
        }
    }
}

async fn end(ctx: &Ctx, one: Authorisation) -> Result<bool, Stop> {
    change(ctx, &one, &Event::Expire, By::CLOCK).await?;
    Ok(true)
}

/// Once for each of the two and each end, also when nobody ran on the very day.
async fn warn(ctx: &Ctx) -> Result<(), Fault> {
    let (authorisations, today) = (ctx.rows().authorisations(), ctx.now().day());
    let mut round = Round::of(ctx, "warnings");
    let mut ends_from = today;
    for days in WARNINGS {
        let ends_to = today.plus_days(days);
        for found in authorisations.ending(ends_from, ends_to, days).await? {
            round.take(found, |one| warn_of(ctx, one, days)).await?;
        }
        ends_from = ends_to.plus_days(1);
    }
    Ok(())
}

/// Whoever was given a shorter term is not warned of what they have just been told.
async fn warn_of(ctx: &Ctx, one: Authorisation, days: u64) -> Result<bool, Stop> {
    let Some(end) = one.valid_to() else { return Ok(false) };
    if one.updated_at().day().plus_days(days) > end {
        return Ok(false);
    }
    let once = expiring(days, end);
    let tx = ctx.begin().await?;
    notify(ctx, &tx, &one, NoticeKind::Expiring, Audience::Both, Some(&once)).await?;
    tx.commit().await?;
    Ok(true)
}

/// Whoever works in an identity whose term passed is signed out and their applications are told at
/// once (invariant 9), however many authorisations wait to expire.
async fn end_past_term(ctx: &Ctx) -> Result<(), Fault> {
    let now = ctx.now();
    // A term that passed before then was seen to long ago, or its sessions have ended by themselves.
    let since = now.plus(-ctx.realm.lifetimes.session - 86_400).day();
    let mut round = Round::of(ctx, "sessions");
    for found in ctx.rows().sessions().past_term(since, now.day(), now).await? {
        round.take(found, |one| sign_out(ctx, one)).await?;
    }
    Ok(())
}

async fn sign_out(ctx: &Ctx, one: Session) -> Result<bool, Stop> {
    let tx = ctx.begin().await?;
    end_unusable(ctx, &tx, &[one]).await?;
    tx.commit().await?;
    Ok(true)
}
