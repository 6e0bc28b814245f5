//! Engagements of an enterprise with agencies, from either side, with the staff that was assigned.

use crate::base::id::EnterpriseId;
use crate::domain::engagement::AgentIdentity;
use crate::flows::{Ctx, Fault};

/// `as_agency`: those in which it is the agency; otherwise those in which it is the client.
pub async fn engagements(
    ctx: &Ctx,
    enterprise: EnterpriseId,
    as_agency: bool,
) -> Result<Vec<AgentIdentity>, Fault> {
    Ok(ctx.rows().engagements().of(enterprise, as_agency).await?)
}
