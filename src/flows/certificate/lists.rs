//! Revocation lists, fetched by one node for all and kept in the database: renewed each hour, and before
//! the authority's own date where that is sooner. One that is not the authority's, is older than what is there, or
//! is of another certificate of it or speaks of other certificates than what is there and still holds, takes
//! nobody's place.

use std::sync::Arc;

use futures_util::future::join_all;

use crate::base::clock::Timestamp;
use crate::certificate::Crl;
use crate::flows::{Ctx, Fault};
use crate::realm::certificates::Authority;
use crate::store::revocation_lists::ListState;

/// The largest that is taken, in bytes.
pub const LONGEST: usize = 8 * 1024 * 1024;
/// Seconds for which a node fetches alone: longer than a list may take.
const LEASE: i64 = 120;
/// Seconds between two fetches of a list that is good, at most.
const HOURLY: i64 = 3600;
/// And at least, also after a failure.
const SOON: i64 = 60;

/// Fetches what is due, side by side: one that comes slowly holds no other up. How many were.
pub async fn run(ctx: &Ctx) -> Result<usize, Fault> {
    let authorities = ctx.realm.certificates.authorities.iter();
    let named = authorities.flat_map(|one| one.crl.iter().map(move |url| (one, url)));
    let mut fetched = 0;
    for renewed in join_all(named.map(|(authority, url)| renew(ctx, authority, url))).await {
        fetched += usize::from(renewed?);
    }
    Ok(fetched)
}

async fn renew(ctx: &Ctx, authority: &Authority, url: &str) -> Result<bool, Fault> {
    let now = ctx.now();
    let tx = ctx.begin().await?;
    let is_ours = tx.rows().revocation_lists().claim(url, now, now.plus(LEASE)).await?;
    tx.commit().await?;
    if !is_ours {
        return Ok(false);
    }
    let fetched = ctx.services.outbound.fetch_list(url, LONGEST).await;
    let before = read(ctx, url).await?;
    let judged = match fetched {
        Ok(bytes) => judge(authority, &bytes, before.as_deref(), now).map(|list| (bytes, list)),
        Err(error) => Err(error.to_string()),
    };
    let tx = ctx.begin().await?;
    let lists = tx.rows().revocation_lists();
    match &judged {
        Ok((bytes, list)) => {
            let times = (now, list.next_update());
            lists.save(url, bytes, times, due_after(list, now)).await?;
        }
        Err(why) => {
            tracing::warn!(why, authority = authority.id, "A revocation list could not be renewed");
            lists.failed(url, why, now.plus(SOON)).await?;
        }
    }
    tx.commit().await?;
    metrics::counter!("hufu_revocation_lists_total", "outcome" => outcome(judged.is_ok()))
        .increment(1);
    Ok(judged.is_ok())
}

fn outcome(is_good: bool) -> &'static str {
    if is_good { "fetched" } else { "failed" }
}

/// Half-way to its end, each hour at the latest.
fn due_after(list: &Crl, now: Timestamp) -> Timestamp {
    let left = list.next_update().map_or(HOURLY, |end| end.since(now) / 2);
    now.plus(left.clamp(SOON, HOURLY))
}

/// Why these bytes are no list: it is signed by one of the authority's certificates, of today, and no
/// older than what is there, since whoever stands in the way could else bring back yesterday's.
fn judge(
    authority: &Authority,
    bytes: &[u8],
    before: Option<&Crl>,
    now: Timestamp,
) -> Result<Crl, String> {
    let list = Crl::parse(bytes).map_err(|why| format!("{why:?}"))?;
    let mut why = format!("it is of none of the certificates of `{}`", authority.id);
    let mut is_good = false;
    for issuer in authority.rules.certificates().filter(|one| list.is_of(one)) {
        match list.check(issuer, now) {
            Ok(()) => is_good = true,
            Err(doubt) => why = format!("{doubt:?}"),
        }
    }
    if !is_good {
        return Err(why);
    }
    // A list of an authority that the realm names no more holds nobody up.
    let is_ours = |one: &&Crl| authority.rules.certificates().any(|issuer| one.is_of(issuer));
    // What is over speaks of nobody, and would keep its address for ever from an issuer that followed another.
    let holds = |one: &Crl| one.next_update() >= Some(now);
    match before.filter(is_ours) {
        Some(before) if !list.has_issuer_of(before) && holds(before) => {
            Err("it is of another certificate than the one that is there".to_owned())
        }
        Some(before) if before.this_update() > list.this_update() => {
            Err("it is older than the one that is there".to_owned())
        }
        // A part that speaks of others would make those good again who stand in the one that is there.
        Some(before) if !list.has_scope_of(before) && holds(before) => {
            Err("it speaks of other certificates than the one that is there".to_owned())
        }
        _ => Ok(list),
    }
}

/// All lists of an authority that there are, whatever they are worth.
pub async fn of(ctx: &Ctx, authority: &Authority) -> Result<Vec<Arc<Crl>>, Fault> {
    let mut found = Vec::new();
    for url in &authority.crl {
        found.extend(read(ctx, url).await?);
    }
    Ok(found)
}

/// From this node's memory as long as nobody has fetched a newer one.
async fn read(ctx: &Ctx, url: &str) -> Result<Option<Arc<Crl>>, Fault> {
    let (lists, held) = (ctx.rows().revocation_lists(), &ctx.services.lists);
    let Some(ListState { fetched_at: Some(fetched_at), .. }) = lists.state(url).await? else {
        return Ok(None);
    };
    if let Some(list) = held.get(&ctx.realm.id, url, fetched_at) {
        return Ok(Some(list));
    }
    let Some((bytes, fetched_at)) = lists.read(url).await? else { return Ok(None) };
    let Ok(list) = Crl::parse(&bytes) else { return Ok(None) };
    let list = Arc::new(list);
    held.put(&ctx.realm.id, url, fetched_at, Arc::clone(&list));
    Ok(Some(list))
}
