//! Engagements of an enterprise with agencies, from either side, with the staff that is assigned.

use crate::base::id::EnterpriseId;
use crate::domain::engagement::Engaged;
use crate::flows::{Ctx, Fault};

/// How many assignments a page holds.
const MOST_SHOWN: usize = 5000;

/// `as_agency`: those in which it is the agency; otherwise those in which it is the client. And whether there are
/// more, of which the oldest and those that are over are left out.
pub async fn engagements(
    ctx: &Ctx,
    enterprise: EnterpriseId,
    as_agency: bool,
) -> Result<(Vec<Engaged>, bool), Fault> {
    let (today, limit) = (ctx.now().day(), MOST_SHOWN + 1);
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut found = ctx.rows().engagements().of(enterprise, as_agency, today, limit).await?;
    let are_more = found.len() > MOST_SHOWN;
    found.truncate(MOST_SHOWN);
    Ok((found, are_more))
}
