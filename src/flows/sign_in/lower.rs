//! What takes a real-name level away (L-12): the authority reports the document void, or it ended ninety
//! days ago and no other took its place; and which documents can bear one. Raising is `flows::sign_in::level`'s.

use crate::base::clock::Day;
use crate::base::id::PersonId;
use crate::domain::audit::AuditEvent;
use crate::domain::notice::NoticeKind;
use crate::domain::person::IdentityDocument;
use crate::flows::notify::cause::Initiator;
use crate::flows::notify::person::tell_person;
use crate::flows::notify::tell::{Claim, Told, end_identity};
use crate::flows::people;
use crate::flows::round::{Round, hourly};
use crate::flows::{Ctx, Fault, Stop};
use crate::oidc::claims::acr;
use crate::store::people::LOWERED;
use crate::store::{Rows, Tx};

/// Days for which an ended document is still good for a level.
const RENEWAL_DAYS: i64 = 90;
/// So many levels at most fall in one hour.
const MOST_AT_ONCE: usize = 1000;

/// The last day on which a document that ended on this one is good for a level.
pub fn counts_until(end: Day) -> Day {
    end.plus_days(RENEWAL_DAYS.unsigned_abs())
}

/// The documents that a level can rest on, those in term first.
pub async fn bearing(
    ctx: &Ctx,
    rows: Rows<'_>,
    person: PersonId,
) -> Result<Vec<IdentityDocument>, Fault> {
    let today = ctx.now().day();
    let mut all = rows.people().documents(person).await?;
    all.retain(|one| one.valid_to.is_none_or(|end| counts_until(end) >= today));
    all.sort_by_key(|one| one.has_ended(today));
    Ok(all)
}

/// Whether a level can rest on this one still: what was asked about it took a while.
pub async fn bears(ctx: &Ctx, tx: &Tx<'_>, asked: &IdentityDocument) -> Result<bool, Fault> {
    let all = bearing(ctx, tx.rows().reading(), asked.person).await?;
    Ok(all.iter().any(|one| one.kind == asked.kind && one.number == asked.number))
}

/// Levels 3 and above fall to 2: with its audit and a notice. Sessions that had proved more have proved 2
/// from now on, and tokens that say more end, also those that have outlived their session. `false`: it was no higher.
pub async fn lower_in(ctx: &Ctx, tx: &Tx<'_>, person: PersonId, why: &str) -> Result<bool, Fault> {
    let (rows, account) = (tx.rows(), people::held_account(tx, person).await?);
    if !rows.people().lower_level(person).await? {
        return Ok(false);
    }
    let at_work = match account {
        Some(account) => rows.sessions().at_work_of(account.id, ctx.now()).await?,
        None => Vec::new(),
    };
    rows.sessions().cap_level(person, LOWERED).await?;
    for session in at_work {
        let claim = Claim::Acr(acr(LOWERED.min(session.acr)));
        let (narrowed, by) = (session.acr > LOWERED, Initiator::Policy);
        let told = Told::Changed { claim, narrowed, by };
        end_identity(ctx, tx, &session, &told).await?;
    }
    tell_person(ctx, tx, person, NoticeKind::LevelLowered, None).await?;
    tx.note(AuditEvent::RealNameLowered { person, level: LOWERED, why: why.to_owned() });
    Ok(true)
}

/// Those whose documents ended too long ago; once an hour over all nodes. Returns how many fell.
pub async fn run(ctx: &Ctx) -> Result<usize, Fault> {
    Ok(hourly(ctx, "levels", lower_all(ctx)).await?.unwrap_or_default())
}

async fn lower_all(ctx: &Ctx) -> Result<usize, Fault> {
    let before = ctx.now().plus(-RENEWAL_DAYS * 86_400).day();
    let (mut round, mut after) = (Round::of(ctx, "levels"), None);
    loop {
        let page = ctx.rows().people().past_documents(before, after).await?;
        for found in page.rows {
            round.take(found, |person| lower(ctx, person)).await?;
        }
        after = page.next;
        if after.is_none() || round.n_done() >= MOST_AT_ONCE {
            return Ok(round.n_done());
        }
    }
}

async fn lower(ctx: &Ctx, person: PersonId) -> Result<bool, Stop> {
    let tx = ctx.begin().await?;
    let has_fallen = lower_in(ctx, &tx, person, "document_ended").await?;
    tx.commit().await?;
    Ok(has_fallen)
}
