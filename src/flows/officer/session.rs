//! Who is at work behind a cookie of the console. A session is a short-lived value: it ends by time, idle or
//! in all, with the node that kept it alone, and at once with what counts the officer's generation.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::base::clock::Timestamp;
use crate::base::id::OfficerId;
use crate::base::secret::Secret;
use crate::domain::audit::AuditEvent;
use crate::domain::help::Helper;
use crate::domain::officer::{Officer, Standing};
use crate::ephemeral::{Share, Slot};
use crate::flows::officer::console;
use crate::flows::{Ctx, Fault, Stop};

#[derive(Clone, Serialize, Deserialize)]
struct Kept {
    id: Uuid,
    officer: OfficerId,
    generation: i64,
    began_at: Timestamp,
    matter: Option<String>,
}

const SESSION: Slot<Kept> = Slot::of(Share::Officers, "officer-session");

/// An officer at work, as they stand now.
pub struct AtWork {
    pub officer: Officer,
    /// What they have said that they are at: the reason of each look and act until they say another.
    pub matter: Option<String>,
    /// When they sign in again in any case.
    pub ends_at: Timestamp,
}

fn key(cookie: &Secret) -> String {
    cookie.hashed().to_text()
}

pub(super) async fn begin(ctx: &Ctx, officer: &Officer) -> Result<Secret, Fault> {
    let cookie = ctx.random().token();
    let kept = Kept {
        id: ctx.new_row_id(),
        officer: officer.id,
        generation: officer.generation,
        began_at: ctx.now(),
        matter: None,
    };
    ctx.ephemeral().put(&SESSION, &key(&cookie), &kept, console(ctx)?.idle).await?;
    Ok(cookie)
}

/// `None`: nobody's, over, or of an officer who is locked or has other roles since. Being asked keeps it
/// alive until the idle time has passed again.
pub async fn at_work(ctx: &Ctx, cookie: &Secret) -> Result<Option<AtWork>, Fault> {
    let (console, key) = (console(ctx)?, key(cookie));
    let Some(kept) = ctx.ephemeral().get(&SESSION, &key).await? else { return Ok(None) };
    let ends_at = kept.began_at.plus(console.longest);
    let left = ends_at.since(ctx.now());
    let officer = ctx.rows().officers().find(kept.officer).await?;
    let officer = officer.filter(|officer| {
        officer.standing() == Standing::Active && officer.generation == kept.generation
    });
    let Some(officer) = officer.filter(|_| left > 0) else {
        ctx.forget(&SESSION, &key).await;
        return Ok(None);
    };
    let seconds = console.idle.min(left);
    // Another request of the same officer may have said another matter meanwhile, and kept it alive.
    ctx.ephemeral().replace(&SESSION, &key, Some(&kept), &kept, seconds).await?;
    Ok(Some(AtWork { officer, matter: kept.matter, ends_at }))
}

/// From now on it is about this. `E_FORMAT` at `reason`.
pub async fn state_matter(
    ctx: &Ctx,
    cookie: &Secret,
    officer: &Officer,
    matter: &str,
) -> Result<Helper, Stop> {
    let helper = Helper::new(&officer.actor(), matter)?;
    let key = key(cookie);
    if let Some(kept) = ctx.ephemeral().get(&SESSION, &key).await? {
        let next = Kept { matter: Some(helper.reason().to_owned()), ..kept.clone() };
        ctx.ephemeral().swap(&SESSION, &key, &kept, &next).await?;
    }
    Ok(helper)
}

/// Of two clicks one is written down. Where that fails they are still at work, and hear of it.
pub async fn leave(ctx: &Ctx, cookie: &Secret) -> Result<(), Fault> {
    let key = key(cookie);
    let Some(kept) = ctx.ephemeral().get(&SESSION, &key).await? else { return Ok(()) };
    if let Some(officer) = ctx.rows().officers().find(kept.officer).await? {
        let until = kept.began_at.plus(console(ctx)?.longest);
        let tx = ctx.begin().await?;
        if tx.use_up("officer-session", &kept.id.to_string(), until).await? {
            tx.note(AuditEvent::OfficerLeft { officer: officer.id, by: officer.actor() });
        }
        tx.commit().await?;
    }
    Ok(ctx.ephemeral().forget(&SESSION, &key).await?)
}
