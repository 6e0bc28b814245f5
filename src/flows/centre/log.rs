//! The sign-in log as people and managers read it (AC-58, PC-27, DEC-11): lines with the names of who
//! is known. A number can be typed by anybody, so a name stands there only where the person had come
//! in, or worked for the enterprise when they tried.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use crate::base::id::{EnterpriseId, PersonId};
use crate::flows::centre::known;
use crate::flows::{Ctx, Fault};
use crate::store::ties::Tie;

pub use crate::store::records::{LogQuery, LoginLogEntry, Whose};

/// One line, and the name that stands beside it.
pub struct Line {
    pub entry: LoginLogEntry,
    /// In an enterprise's log the person, masked; in a person's own the enterprise. Empty for strangers
    /// to each other.
    pub name: String,
}

pub async fn page(ctx: &Ctx, query: &LogQuery) -> Result<Vec<Line>, Fault> {
    let entries = ctx.rows().records().log(query).await?;
    let ties = ties(ctx, &entries).await?;
    let mut names = Names::default();
    let mut lines = Vec::new();
    for entry in entries {
        let name = match (query.whose, known_to_each_other(&entry, &ties)) {
            (_, None) => String::new(),
            (Whose::Enterprise(_), Some((person, _))) => names.person(ctx, person).await?,
            (Whose::Person(_), Some((_, enterprise))) => names.enterprise(ctx, enterprise).await?,
        };
        lines.push(Line { entry, name });
    }
    Ok(lines)
}

async fn ties(ctx: &Ctx, entries: &[LoginLogEntry]) -> Result<Vec<Tie>, Fault> {
    let mut people: Vec<PersonId> = entries.iter().filter_map(|entry| entry.person).collect();
    let mut enterprises: Vec<_> = entries.iter().filter_map(|entry| entry.enterprise).collect();
    people.sort();
    people.dedup();
    enterprises.sort();
    enterprises.dedup();
    Ok(ctx.rows().ties().between(&people, &enterprises).await?)
}

fn known_to_each_other(entry: &LoginLogEntry, ties: &[Tie]) -> Option<(PersonId, EnterpriseId)> {
    let (person, enterprise) = (entry.person?, entry.enterprise?);
    let worked_there = || ties.iter().any(|tie| tie.holds(person, enterprise, entry.at));
    (entry.outcome == "ok" || worked_there()).then_some((person, enterprise))
}

/// Looked up once a page.
#[derive(Default)]
struct Names {
    people: HashMap<PersonId, String>,
    enterprises: HashMap<EnterpriseId, String>,
}

impl Names {
    async fn person(&mut self, ctx: &Ctx, id: PersonId) -> Result<String, Fault> {
        Ok(match self.people.entry(id) {
            Entry::Occupied(known) => known.get().clone(),
            Entry::Vacant(unknown) => unknown.insert(known::masked_name(ctx, id).await?).clone(),
        })
    }

    async fn enterprise(&mut self, ctx: &Ctx, id: EnterpriseId) -> Result<String, Fault> {
        Ok(match self.enterprises.entry(id) {
            Entry::Occupied(known) => known.get().clone(),
            Entry::Vacant(unknown) => {
                let found = known::enterprise(ctx, id).await?;
                unknown.insert(found.map(|found| found.name).unwrap_or_default()).clone()
            }
        })
    }
}
