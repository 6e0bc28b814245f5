//! Which identities a person could act in now, in the order in which they are shown.

use crate::base::id::{EnterpriseId, PersonId};
use crate::domain::acting::EnterpriseIdentity;
use crate::domain::authorisation::Authorisation;
use crate::domain::engagement::AgentIdentity;
use crate::domain::entrance::Audience;
use crate::flows::identity::load::of_held;
use crate::flows::{Ctx, Fault};
use crate::store::engagements::ClientQuery;

/// All identities a person could act in now: by enterprise, then by the national code, the same
/// list whenever it is shown.
pub async fn usable(ctx: &Ctx, person: PersonId) -> Result<Vec<EnterpriseIdentity>, Fault> {
    first_usable(ctx, person, usize::MAX, |_| true).await
}

/// The first `n` of them that fit: what a person with hundreds of enterprises is shown at a glance
/// costs no more than what one with a single enterprise is shown.
pub async fn first_usable(
    ctx: &Ctx,
    person: PersonId,
    n: usize,
    fits: impl Fn(&EnterpriseIdentity) -> bool,
) -> Result<Vec<EnterpriseIdentity>, Fault> {
    let (standings, today) = (ctx.rows().standings(), ctx.now().day());
    let at_once = i64::try_from(n).unwrap_or(i64::MAX).clamp(8, 1000);
    let (mut found, mut offset) = (Vec::new(), 0);
    loop {
        let held = standings.held_now(person, today, offset, at_once).await?;
        let is_last = i64::try_from(held.len()).is_ok_and(|read| read < at_once);
        found.extend(held.into_iter().filter_map(|held| of_held(ctx, held).ok()).filter(&fits));
        if is_last || found.len() >= n {
            found.truncate(n);
            return Ok(in_order(found));
        }
        offset += at_once;
    }
}

fn in_order(mut identities: Vec<EnterpriseIdentity>) -> Vec<EnterpriseIdentity> {
    identities.sort_by(|a, b| {
        let key =
            |one: &EnterpriseIdentity| (one.enterprise.tin.clone(), one.identity_type.code.clone());
        key(a).cmp(&key(b))
    });
    identities
}

/// Those in one enterprise that an entrance's audience admits, for the chooser of a sign-in.
pub async fn usable_in(
    ctx: &Ctx,
    person: PersonId,
    enterprise: EnterpriseId,
    audience: Audience,
) -> Result<Vec<EnterpriseIdentity>, Fault> {
    let held = ctx.rows().standings().held_in(person, enterprise).await?;
    let usable = held.into_iter().filter_map(|held| of_held(ctx, held).ok());
    let admitted = |one: &EnterpriseIdentity| audience.admits(&one.enterprise, &one.identity_type);
    Ok(in_order(usable.filter(admitted).collect()))
}

/// Authorisations that wait for this person in one enterprise, with what the prompt shows.
pub async fn pending_in(
    ctx: &Ctx,
    person: PersonId,
    enterprise: EnterpriseId,
) -> Result<Vec<Authorisation>, Fault> {
    let all = ctx.rows().authorisations().list(person, enterprise).await?;
    Ok(all.into_iter().filter(|one| one.may_be_confirmed(ctx.now())).collect())
}

/// A page of the client enterprises that a member of staff may act for now.
pub async fn clients(
    ctx: &Ctx,
    person: PersonId,
    agency: EnterpriseId,
    text: &str,
    offset: i64,
    limit: i64,
) -> Result<Vec<AgentIdentity>, Fault> {
    let query = ClientQuery { person, agency, text, today: ctx.now().day(), offset, limit };
    let found = ctx.rows().engagements().clients(&query).await?;
    Ok(found.into_iter().filter(|one| one.usable(ctx.now()).is_ok()).collect())
}
