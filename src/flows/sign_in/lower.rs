//! What takes a real-name level away (L-12): the authority reports the document void, or it ended ninety
//! days ago and no other took its place. Raising is `flows::sign_in::level`'s.

use serde_json::json;

use crate::base::clock::Day;
use crate::base::id::PersonId;
use crate::domain::audit::AuditEvent;
use crate::domain::notice::NoticeKind;
use crate::flows::notify::person::tell_person;
use crate::flows::notify::tell::{Told, end_identity};
use crate::flows::{Ctx, Fault};
use crate::oidc::claims::acr;
use crate::store::Tx;
use crate::store::people::LOWERED;

/// Days for which an ended document is still good for a level.
const RENEWAL_DAYS: i64 = 90;

/// The last day on which a document that ended on this one is good for a level.
pub fn counts_until(end: Day) -> Day {
    end.plus_days(RENEWAL_DAYS.unsigned_abs())
}

/// Levels 3 and above fall to 2: with its audit and a notice. Sessions that had proved more have proved 2
/// from now on, and tokens that say more end.
pub async fn lower_in(ctx: &Ctx, tx: &Tx<'_>, person: PersonId, why: &str) -> Result<(), Fault> {
    let rows = tx.rows();
    if !rows.people().lower_level(person).await? {
        return Ok(());
    }
    let live = match rows.accounts().find_by_person(person).await? {
        Some(account) => rows.sessions().live_of(account.id, ctx.now()).await?,
        None => Vec::new(),
    };
    rows.sessions().cap_level(person, LOWERED).await?;
    for session in live {
        let claims = json!({"acr": acr(LOWERED.min(session.acr))});
        let told = Told::Changed { claims, narrowed: session.acr > LOWERED };
        end_identity(ctx, tx, &session, &told).await?;
    }
    tell_person(ctx, tx, person, NoticeKind::LevelLowered, None).await?;
    tx.note(AuditEvent::RealNameLowered { person, level: LOWERED, why: why.to_owned() });
    Ok(())
}

/// Those whose documents ended too long ago; once an hour over all nodes. Returns how many fell.
pub async fn run(ctx: &Ctx) -> Result<usize, Fault> {
    let hour = format!("{}/levels", ctx.realm.id);
    if !ctx.ephemeral().by_proved().mark(&hour, 3600).await? {
        return Ok(0);
    }
    let before = ctx.now().plus(-RENEWAL_DAYS * 86_400).day();
    let past = ctx.rows().people().past_documents(before).await?;
    let count = past.len();
    for person in past {
        let tx = ctx.begin().await?;
        lower_in(ctx, &tx, person, "document_ended").await?;
        tx.commit().await?;
    }
    Ok(count)
}
