//! What a copy of one's own data tells of what its person does or did for enterprises: relations that are over,
//! assignments as an agency's staff, records that name them, and what a message was about. Of others whom it was
//! about nothing is told.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::base::clock::{Day, Timestamp};
use crate::base::id::{EnterpriseId, PersonId};
use crate::domain::authorisation::{Authorisation, HistoryEntry};
use crate::domain::cross_region::CrossRegionRecord;
use crate::domain::engagement::AgentIdentity;
use crate::domain::enterprise::Enterprise;
use crate::domain::notice::Notice;
use crate::flows::{Ctx, Fault};

/// Lines of a list from one on, and how many.
#[derive(Clone, Copy)]
pub struct Lines {
    pub offset: u64,
    pub limit: u64,
}

pub fn enterprise(of: &Enterprise) -> Value {
    json!({"name": of.name, "number": of.tin.as_str()})
}

fn day(day: Option<Day>) -> Option<String> {
    day.map(|day| day.to_string())
}

/// How relations have ended, newest first, also what was hidden from a history.
pub async fn ended(ctx: &Ctx, person: PersonId, lines: Lines) -> Result<Vec<Value>, Fault> {
    let [offset, limit] =
        [lines.offset, lines.limit].map(|n| usize::try_from(n).unwrap_or(usize::MAX));
    let read = ctx.rows().relations().whole_history_of_person(person, offset, limit).await?;
    let line = |(entry, one, of): &(HistoryEntry, Authorisation, Enterprise)| {
        json!({
            "enterprise": enterprise(of),
            "identity_type": one.identity_type.0,
            "reason": entry.reason.name(),
            "by": entry.by.side(),
            "at": entry.at.rfc3339(),
        })
    };
    Ok(read.iter().map(line).collect())
}

/// Over or not.
pub async fn assignments(ctx: &Ctx, person: PersonId, lines: Lines) -> Result<Vec<Value>, Fault> {
    let read = ctx.rows().engagements().of_person(person, lines.offset, lines.limit).await?;
    let line = |one: &AgentIdentity| {
        json!({
            "agency": enterprise(&one.agency),
            "client_enterprise": enterprise(&one.client_enterprise),
            "permissions": one.assignment.permissions,
            "is_active": one.assignment.is_active && one.engagement.is_active,
            "valid_from": one.engagement.valid_from.to_string(),
            "valid_to": day(one.engagement.valid_to),
        })
    };
    Ok(read.iter().map(line).collect())
}

/// Open or not.
pub async fn records(ctx: &Ctx, person: PersonId, lines: Lines) -> Result<Vec<Value>, Fault> {
    let read = ctx.rows().cross_region().naming(person, lines.offset, lines.limit).await?;
    let line = |(one, of): &(CrossRegionRecord, Enterprise)| {
        json!({
            "enterprise": enterprise(of),
            "kind": one.kind.name(),
            "record_no": one.record_no.as_str(),
            "project": one.project_name,
            "division": one.division,
            "tax_authority": one.tax_authority,
            "permissions": one.permissions,
            "is_open": one.is_open,
            "valid_from": one.valid_from.to_string(),
            "valid_to": day(one.valid_to),
        })
    };
    Ok(read.iter().map(line).collect())
}

/// Messages until a moment, newest first.
pub async fn notices(
    ctx: &Ctx,
    person: PersonId,
    until: Timestamp,
    lines: Lines,
) -> Result<Vec<Value>, Fault> {
    let rows = ctx.rows();
    let read = rows.notices().page(person, until, lines.offset, lines.limit).await?;
    let about = read.iter().filter_map(|one| one.relation.as_ref()).map(|of| of.enterprise);
    let about: BTreeSet<EnterpriseId> = about.collect();
    let mut known = BTreeMap::new();
    for id in about {
        let found = rows.enterprises().find(id).await?;
        known.insert(id, found.as_ref().map(enterprise));
    }
    let line = |one: &Notice| {
        let relation = one.relation.as_ref().map(|of| {
            json!({
                "enterprise": known.get(&of.enterprise),
                "identity_type": of.identity_type,
                "is_own": of.holder == person,
            })
        });
        json!({"at": one.at.rfc3339(), "kind": one.kind.name(), "relation": relation})
    };
    Ok(read.iter().map(line).collect())
}
