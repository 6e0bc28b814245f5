//! What an auditor looks for: events by time, person, officer and kind, a page at a time, newest first. That
//! somebody looked stands there, too.

use serde_json::Value;
use uuid::Uuid;

use crate::base::clock::{Day, Timestamp};
use crate::domain::audit::{ACTIONS, acting};
use crate::domain::help::Helper;
use crate::domain::refusal::Refusal;
use crate::flows::help::people;
use crate::flows::officer::{Subject, look};
use crate::flows::{Ctx, Stop};
use crate::store::audit_search::AuditSearch;

/// Events of one page.
const A_PAGE: usize = 50;
const LONGEST: usize = 100;

/// As it is typed; empty texts are anything.
#[derive(Clone, Copy, Default)]
pub struct Asked<'a> {
    /// The first and the last day.
    pub from: &'a str,
    pub to: &'a str,
    /// A document, a phone, a username, or an id.
    pub person: &'a str,
    /// An officer's login, or an actor as the audit names one.
    pub officer: &'a str,
    pub action: &'a str,
    /// [`Page::next`]
    pub before: &'a str,
}

/// One event.
pub struct Event {
    pub sequence: i64,
    pub at: Timestamp,
    pub action: String,
    /// As it was written.
    pub told: Value,
}

pub struct Page {
    pub events: Vec<Event>,
    /// Where the next page begins; `None`: there is none.
    pub next: Option<String>,
}

/// `E_FORMAT` at `range`, `person`, `officer`, `action` or `value`.
pub async fn audit(ctx: &Ctx, officer: &Helper, asked: Asked<'_>) -> Result<Page, Stop> {
    let (search, person) = search(ctx, asked).await?;
    let mut rows = ctx.rows().records().search(&search, A_PAGE as u64 + 1).await?;
    let about = format!("{}..{} {} {}", asked.from, asked.to, asked.officer, asked.action);
    let subject = Subject { person, about: Some(about), ..Subject::default() };
    look(ctx, officer, "query-audit", subject).await?;
    let has_more = rows.len() > A_PAGE;
    rows.truncate(A_PAGE);
    let last = rows.last().filter(|_| has_more);
    let next = last.map(|row| format!("{}-{}", row.at.0, row.sequence));
    let event = |row: crate::store::records::AuditRow| {
        // What is no JSON is shown as it stands: a chain that was changed is `audit verify`'s to tell.
        let told = serde_json::from_str(&row.event).unwrap_or(Value::String(row.event));
        let action = told["action"].as_str().unwrap_or_default().to_owned();
        Event { sequence: row.sequence, at: row.at, action, told }
    };
    Ok(Page { events: rows.into_iter().map(event).collect(), next })
}

async fn search(
    ctx: &Ctx,
    asked: Asked<'_>,
) -> Result<(AuditSearch, Option<crate::base::id::PersonId>), Stop> {
    let day = |text: &str, default: Day| match text.trim() {
        "" => Some(default),
        text => Day::parse(text),
    };
    let today = ctx.now().day();
    let until = day(asked.to, today);
    let since = until.and_then(|until| day(asked.from, until.month_before()));
    let (Some(since), Some(until)) = (since, until) else {
        return Err(Refusal::format("range").into());
    };
    if until < since {
        return Err(Refusal::format("range").into());
    }
    let (mut subjects, mut acted, mut person) = (Vec::new(), Vec::new(), None);
    if !asked.person.trim().is_empty() {
        let found = people(ctx, asked.person).await?;
        person = found.first().copied();
        for one in &found {
            subjects.push(one.0);
            acted.push(acting(*one));
            // What was done with an account is told of it, also where it is cancelled by now.
            let accounts = ctx.rows().accounts().all_of_person(*one).await?;
            subjects.extend(accounts.into_iter().map(|account| account.0));
        }
        if found.is_empty() {
            // Of nobody there is nothing, and not everything.
            subjects.push(Uuid::nil());
        }
    }
    let action = asked.action.trim();
    if !action.is_empty() && !ACTIONS.contains(&action) {
        return Err(Refusal::format("action").into());
    }
    let before = match asked.before {
        "" => None,
        text => Some(cursor(text).ok_or_else(|| Refusal::format("value"))?),
    };
    let search = AuditSearch {
        since: since.start(),
        until: until.end(),
        subjects,
        acting: acted,
        actor: actor(asked.officer)?,
        action: Some(action.to_owned()).filter(|action| !action.is_empty()),
        before,
    };
    Ok((search, person))
}

fn actor(text: &str) -> Result<Option<String>, Refusal> {
    match text.trim() {
        "" => Ok(None),
        long if long.chars().count() > LONGEST => Err(Refusal::format("officer")),
        whole if whole.contains('/') => Ok(Some(whole.to_owned())),
        login => Ok(Some(format!("officer/{login}"))),
    }
}

fn cursor(text: &str) -> Option<(Timestamp, i64)> {
    let (at, sequence) = text.split_once('-')?;
    Some((Timestamp(at.parse().ok()?), sequence.parse().ok()?))
}
