//! The messages of a person: what the other side of an authorisation did.

use crate::base::id::PersonId;
use crate::domain::notice::Notice;
use crate::flows::{Ctx, Fault};

/// Older ones than these stay in the database.
const MOST: u64 = 100;

pub async fn unread(ctx: &Ctx, person: PersonId) -> Result<u64, Fault> {
    Ok(ctx.rows().notices().unread(person).await?)
}

/// The newest.
pub async fn list(ctx: &Ctx, person: PersonId) -> Result<Vec<Notice>, Fault> {
    Ok(ctx.rows().notices().list(person, MOST).await?)
}

/// All of them are read.
pub async fn read_all(ctx: &Ctx, person: PersonId) -> Result<(), Fault> {
    let tx = ctx.begin().await?;
    tx.rows().notices().read_all(person, ctx.now()).await?;
    Ok(tx.commit().await?)
}
