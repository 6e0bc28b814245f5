//! What happened to somebody's own account, from the audit: which act and when, in the order of the chain.
//! Who of the bureau helped, and why in their words, is the auditor's.

use std::cmp::Reverse;

use serde_json::Value;

use crate::base::clock::Timestamp;
use crate::domain::session::Session;
use crate::flows::{Ctx, Fault};

/// Relations have lists and a history of their own, and would push everything else out.
const ELSEWHERE: &str = "authorisation_changed";

/// Events that name who acted for or upon somebody; that, and why, is nothing for them.
const OF_OTHERS: [&str; 6] = [
    "help_given",
    "non_resident_reviewed",
    "officer_acted",
    "handler_name_refused",
    "history_read",
    ELSEWHERE,
];

/// Older ones are the back office's to look up.
const MOST: u64 = 100;

pub struct OwnEvent {
    pub at: Timestamp,
    /// As the audit names it.
    pub action: String,
    /// What it was about, as the audit has it: `kind`, `level`, `factor`, `client`, `document`, `code`.
    pub told: Value,
}

/// The newest, of the person and of the account they have now.
pub async fn list(ctx: &Ctx, session: &Session) -> Result<Vec<OwnEvent>, Fault> {
    let records = ctx.rows().records();
    let mut found = records.events_of(session.person.0, ELSEWHERE, MOST).await?;
    found.extend(records.events_of(session.account.0, ELSEWHERE, MOST).await?);
    found.sort_by_key(|row| Reverse(row.sequence));
    let most = usize::try_from(MOST).unwrap_or(usize::MAX);
    Ok(found.iter().filter_map(|row| own(row.at, &row.event)).take(most).collect())
}

/// An event as its person may see it.
pub(super) fn own(at: Timestamp, text: &str) -> Option<OwnEvent> {
    let mut told: Value = serde_json::from_str(text).ok()?;
    let action = told["action"].as_str()?.to_owned();
    if OF_OTHERS.contains(&action.as_str())
        && let Some(members) = told.as_object_mut()
    {
        members.retain(|name, _| !["by", "reason", "about"].contains(&name.as_str()));
    }
    Some(OwnEvent { at, action, told })
}
