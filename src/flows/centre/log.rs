//! The sign-in log as people and managers read it (AC-58, PC-27, DEC-11): lines with the names of who
//! is known.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use crate::base::id::{EnterpriseId, PersonId};
use crate::flows::centre::known;
use crate::flows::{Ctx, Fault};

pub use crate::store::records::{LogQuery, LoginLogEntry, Whose};

/// One line, and the name that stands beside it.
pub struct Line {
    pub entry: LoginLogEntry,
    /// In an enterprise's log the person, masked; in a person's own the enterprise.
    pub name: String,
}

pub async fn page(ctx: &Ctx, query: &LogQuery) -> Result<Vec<Line>, Fault> {
    let mut names = Names::default();
    let mut lines = Vec::new();
    for entry in ctx.rows().records().log(query).await? {
        let name = match query.whose {
            Whose::Enterprise(_) => names.person(ctx, entry.person).await?,
            Whose::Person(_) => names.enterprise(ctx, entry.enterprise).await?,
        };
        lines.push(Line { entry, name });
    }
    Ok(lines)
}

/// Looked up once a page.
#[derive(Default)]
struct Names {
    people: HashMap<PersonId, String>,
    enterprises: HashMap<EnterpriseId, String>,
}

impl Names {
    async fn person(&mut self, ctx: &Ctx, id: Option<PersonId>) -> Result<String, Fault> {
        let Some(id) = id else { return Ok(String::new()) };
        Ok(match self.people.entry(id) {
            Entry::Occupied(known) => known.get().clone(),
            Entry::Vacant(unknown) => unknown.insert(known::masked_name(ctx, id).await?).clone(),
        })
    }

    async fn enterprise(&mut self, ctx: &Ctx, id: Option<EnterpriseId>) -> Result<String, Fault> {
        let Some(id) = id else { return Ok(String::new()) };
        Ok(match self.enterprises.entry(id) {
            Entry::Occupied(known) => known.get().clone(),
            Entry::Vacant(unknown) => {
                let found = known::enterprise(ctx, id).await?;
                unknown.insert(found.map(|found| found.name).unwrap_or_default()).clone()
            }
        })
    }
}
