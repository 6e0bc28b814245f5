//! Revocation lists as they were fetched last, for all nodes. Whether one may be relied on is judged
//! each time it is read; nothing here is believed because it is here.

use sea_orm::sea_query::Expr;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QuerySelect};

use super::entity::revocation_list::{ActiveModel, Column, Entity};
use super::{Rows, StoreError, Writing};
use crate::base::clock::Timestamp;

pub struct RevocationLists<'c, A>(Rows<'c, A>);

impl<'c, A> Rows<'c, A> {
    pub fn revocation_lists(self) -> RevocationLists<'c, A> {
        RevocationLists(self)
    }
}

/// How a list stands, without the list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ListState {
    /// `None`: never yet.
    pub fetched_at: Option<Timestamp>,
    /// When the authority promises another.
    pub next_update: Option<Timestamp>,
    /// Why the last fetch failed; `None`: it did not.
    pub failure: Option<String>,
}

impl<A> RevocationLists<'_, A> {
    pub async fn state(&self, url: &str) -> Result<Option<ListState>, StoreError> {
        type Columns = (Option<i64>, Option<i64>, Option<String>);
        let found: Option<Columns> = self
            .0
            .find::<Entity>()
            .select_only()
            .columns([Column::FetchedAt, Column::NextUpdate, Column::Failure])
            .filter(Column::Url.eq(url))
            .into_tuple()
            .one(&self.0.db())
            .await?;
        Ok(found.map(|(fetched_at, next_update, failure)| ListState {
            fetched_at: fetched_at.map(Timestamp),
            next_update: next_update.map(Timestamp),
            failure,
        }))
    }

    /// The list, and when it was fetched.
    pub async fn read(&self, url: &str) -> Result<Option<(Vec<u8>, Timestamp)>, StoreError> {
        let row = self.0.find::<Entity>().filter(Column::Url.eq(url)).one(&self.0.db()).await?;
        Ok(row.and_then(|row| Some((row.list?, Timestamp(row.fetched_at?)))))
    }
}

impl RevocationLists<'_, Writing> {
    /// Whether this node fetches the list now, alone until `until`.
    pub async fn claim(
        &self,
        url: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<bool, StoreError> {
        Entity::insert(ActiveModel {
            realm: Set(self.0.realm.to_owned()),
            url: Set(url.to_owned()),
            list: Set(None),
            fetched_at: Set(None),
            next_update: Set(None),
            due_at: Set(now.0),
            failure: Set(None),
        })
        .on_conflict_do_nothing_on([Column::Realm, Column::Url])
        .exec_without_returning(&self.0.db())
        .await?;
        let claimed = self
            .0
            .update::<Entity>()
            .col_expr(Column::DueAt, Expr::value(until.0))
            .filter(Column::Url.eq(url))
            .filter(Column::DueAt.lte(now.0))
            .exec(&self.0.db())
            .await?;
        Ok(claimed.rows_affected == 1)
    }

    /// `due_at`: when it is fetched again.
    pub async fn save(
        &self,
        url: &str,
        list: &[u8],
        (fetched_at, next_update): (Timestamp, Option<Timestamp>),
        due_at: Timestamp,
    ) -> Result<(), StoreError> {
        self.0
            .update::<Entity>()
            .col_expr(Column::List, Expr::value(list.to_vec()))
            .col_expr(Column::FetchedAt, Expr::value(fetched_at.0))
            .col_expr(Column::NextUpdate, Expr::value(next_update.map(|at| at.0)))
            .col_expr(Column::Failure, Expr::value(None::<String>))
            .col_expr(Column::DueAt, Expr::value(due_at.0))
            .filter(Column::Url.eq(url))
            .exec(&self.0.db())
            .await?;
        Ok(())
    }

    /// What was there before stays.
    pub async fn failed(&self, url: &str, why: &str, due_at: Timestamp) -> Result<(), StoreError> {
        self.0
            .update::<Entity>()
            .col_expr(Column::Failure, Expr::value(why))
            .col_expr(Column::DueAt, Expr::value(due_at.0))
            .filter(Column::Url.eq(url))
            .exec(&self.0.db())
            .await?;
        Ok(())
    }
}
