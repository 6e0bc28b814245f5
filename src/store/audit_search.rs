//! Events of the audit by when, whose, by whom and what, a page at a time, each by an index.

use std::cmp::Reverse;

use sea_orm::sea_query::SimpleExpr;
use sea_orm::{ColumnTrait, Condition, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use super::StoreError;
use super::entity::audit::{Column, Entity};
use super::records::{AuditRow, Records, link};
use crate::base::clock::Timestamp;

/// What is looked for.
#[derive(Clone, Debug)]
pub struct AuditSearch {
    pub since: Timestamp,
    pub until: Timestamp,
    /// A person with their accounts; empty: anybody.
    pub subjects: Vec<Uuid>,
    /// What the same person is named who acted: beside what is theirs, what they did to others.
    pub acting: Vec<String>,
    pub actor: Option<String>,
    pub action: Option<String>,
    /// Those before this one: moment and number.
    pub before: Option<(Timestamp, i64)>,
}

impl<A> Records<'_, A> {
    /// Newest first, so many at most.
    pub async fn search(
        &self,
        wanted: &AuditSearch,
        limit: u64,
    ) -> Result<Vec<AuditRow>, StoreError> {
        if wanted.subjects.is_empty() {
            return self.search_among(wanted, None, limit).await;
        }
        let theirs = Column::Subject.is_in(wanted.subjects.iter().copied());
        let mut found = self.search_among(wanted, Some(theirs), limit).await?;
        if !wanted.acting.is_empty() {
            // Each by its own index, and put together here.
            let done = Column::Actor.is_in(wanted.acting.iter().map(String::as_str));
            found.extend(self.search_among(wanted, Some(done), limit).await?);
            found.sort_by_key(|row| Reverse((row.at, row.sequence)));
            found.dedup_by_key(|row| row.sequence);
            found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        }
        Ok(found)
    }

    async fn search_among(
        &self,
        wanted: &AuditSearch,
        whose: Option<SimpleExpr>,
        limit: u64,
    ) -> Result<Vec<AuditRow>, StoreError> {
        let until = wanted.before.map_or(wanted.until, |(at, _)| at.min(wanted.until));
        let mut found = self
            .rows()
            .find::<Entity>()
            .filter(Column::At.gte(wanted.since.0))
            .filter(Column::At.lte(until.0));
        if let Some((at, sequence)) = wanted.before {
            let earlier = Column::At.lt(at.0);
            let same = Condition::all().add(Column::At.eq(at.0)).add(Column::Sequence.lt(sequence));
            found = found.filter(Condition::any().add(earlier).add(same));
        }
        if let Some(whose) = whose {
            found = found.filter(whose);
        }
        if let Some(actor) = &wanted.actor {
            found = found.filter(Column::Actor.eq(actor));
        }
        if let Some(action) = &wanted.action {
            found = found.filter(Column::Action.eq(action));
        }
        let found = found.order_by_desc(Column::At).order_by_desc(Column::Sequence).limit(limit);
        let rows = found.all(&self.rows().db()).await?;
        Ok(rows.into_iter().map(link).collect())
    }
}
