//! Limits of several parts: one try is counted in all of them or in none. The widest comes first, so that
//! whoever has used that up leaves nothing new behind, whatever they make up.

use crate::domain::place::Place;
use crate::domain::refusal::Refusal;
use crate::ephemeral::OfRealm;
use crate::flows::{Ctx, Fault, Stop};

/// One counter, and what it may reach.
pub struct Limit {
    pub name: String,
    pub most: u32,
}

/// Of the place and of what is around it. `most`: of one address.
pub fn of_networks(ctx: &Ctx, what: &str, most: u32) -> Vec<Limit> {
    around(ctx.place(), what, most)
}

/// The same of any place.
pub fn around(place: Place, what: &str, most: u32) -> Vec<Limit> {
    let of_network =
        |network: Place| Limit { name: format!("{what}/{network}"), most: network.tries(most) };
    place.nested().rev().map(of_network).collect()
}

/// Messages of one kind of the whole realm, each with the seconds that it counts. Strangers' are a quarter, beside
/// the others' own: what carriers cost, they do not decide.
pub fn of_realm(ctx: &Ctx, kind: &str, by_strangers: bool) -> [(Limit, i64); 2] {
    let (most, realm) = (&ctx.realm.sms.limits, &ctx.realm.id);
    let limit = |window: &str, most: u32| match by_strangers {
        false => Limit { name: format!("{kind}-{window}/{realm}"), most },
        true => {
            Limit { name: format!("{kind}-{window}/strangers/{realm}"), most: (most / 4).max(1) }
        }
    };
    [(limit("minute", most.per_minute), 60), (limit("realm", most.per_day), 86_400)]
}

/// Counts one in each for so many seconds from its first on; `E_OTP_RATE`.
pub async fn take(ctx: &Ctx, limits: &[Limit], seconds: i64) -> Result<(), Stop> {
    take_in(ctx.ephemeral(), limits, seconds).await
}

/// The same of whoever has counters of their own.
pub async fn take_in(kept: OfRealm<'_>, limits: &[Limit], seconds: i64) -> Result<(), Stop> {
    let each: Vec<(&Limit, i64)> = limits.iter().map(|limit| (limit, seconds)).collect();
    take_all(kept, &each).await
}

/// The same, each for its own seconds.
pub async fn take_each(ctx: &Ctx, limits: &[(&Limit, i64)]) -> Result<(), Stop> {
    take_all(ctx.ephemeral(), limits).await
}

async fn take_all(kept: OfRealm<'_>, limits: &[(&Limit, i64)]) -> Result<(), Stop> {
    for (at, (limit, seconds)) in limits.iter().enumerate() {
        let stop: Stop = match kept.count(&limit.name, *seconds).await {
            Ok((count, _)) if count <= limit.most => continue,
            Ok((_, retry_after)) => {
                kept.uncount(&limit.name).await?;
                Refusal::OtpRate { retry_after }.into()
            }
            Err(full) => full.into(),
        };
        for (earlier, _) in limits.iter().take(at) {
            kept.uncount(&earlier.name).await?;
        }
        return Err(stop);
    }
    Ok(())
}

/// What came of counting.
pub enum Counted {
    /// With the seconds until the first of the windows ends.
    Within(i64),
    Over(Over),
}

/// There were too many in one of several.
pub struct Over {
    /// Its name.
    pub name: String,
    pub retry_after: i64,
    /// It is the first that is too many.
    pub has_begun: bool,
}

/// Counts one in each, the last first, which is the narrowest; in none where one of them has had too many
/// already: what that goes on with spends nothing of those around it.
pub async fn count(ctx: &Ctx, limits: &[Limit], seconds: i64) -> Result<Counted, Fault> {
    let (kept, mut shortest) = (ctx.ephemeral(), seconds);
    for (at, limit) in limits.iter().enumerate().rev() {
        let counted = kept.count(&limit.name, seconds).await;
        if let Ok((count, left)) = counted
            && count <= limit.most
        {
            shortest = shortest.min(left);
            continue;
        }
        give_back(kept, limits.get(at + 1..).unwrap_or_default()).await?;
        let (count, retry_after) = counted?;
        // That one stays, so that it is told once that there are too many.
        let has_begun = count == limit.most.saturating_add(1);
        if !has_begun {
            kept.uncount(&limit.name).await?;
        }
        return Ok(Counted::Over(Over { name: limit.name.clone(), retry_after, has_begun }));
    }
    Ok(Counted::Within(shortest))
}

pub async fn give_back(kept: OfRealm<'_>, limits: &[Limit]) -> Result<(), Fault> {
    for limit in limits {
        kept.uncount(&limit.name).await?;
    }
    Ok(())
}
