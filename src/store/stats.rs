//! How much there is, for whoever runs the service: counted when it is asked for.

use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, EntityTrait, FromQueryResult, PaginatorTrait, QueryFilter, QuerySelect,
};

use super::entity::{account, authorisation, delivery, enterprise, login_log, person, session};
use super::{Rows, StoreError};
use crate::base::clock::Timestamp;

/// A name and how many rows have it.
#[derive(FromQueryResult)]
pub struct Count {
    pub name: String,
    pub count: i64,
}

/// Of one realm.
pub struct Stats {
    pub people: u64,
    /// By status.
    pub accounts: Vec<Count>,
    pub locked_accounts: u64,
    pub enterprises: u64,
    /// By state.
    pub authorisations: Vec<Count>,
    pub live_sessions: u64,
    /// Of the last day, by outcome.
    pub sign_ins: Vec<Count>,
    /// By state.
    pub deliveries: Vec<Count>,
}

impl<A> Rows<'_, A> {
    pub async fn stats(&self, now: Timestamp) -> Result<Stats, StoreError> {
        let db = self.db();
        let live = self
            .find::<session::Entity>()
            .filter(session::Column::EndedAt.is_null())
            .filter(session::Column::ExpiresAt.gt(now.0));
        let locked = self.find::<account::Entity>().filter(account::Column::LockedAt.is_not_null());
        let recent = login_log::Column::At.gte(now.plus(-86_400).0);
        Ok(Stats {
            people: self.find::<person::Entity>().count(&db).await?,
            accounts: self.by::<account::Entity>(account::Column::Status, None).await?,
            locked_accounts: locked.count(&db).await?,
            enterprises: self.find::<enterprise::Entity>().count(&db).await?,
            authorisations: self
                .by::<authorisation::Entity>(authorisation::Column::State, None)
                .await?,
            live_sessions: live.count(&db).await?,
            sign_ins: self
                .by::<login_log::Entity>(login_log::Column::Outcome, Some(recent))
                .await?,
            deliveries: self.by::<delivery::Entity>(delivery::Column::State, None).await?,
        })
    }

    /// Rows by what stands in a column, in the order of that.
    async fn by<E: EntityTrait>(
        &self,
        column: E::Column,
        only: Option<sea_orm::sea_query::SimpleExpr>,
    ) -> Result<Vec<Count>, StoreError> {
        let mut found = self
            .find::<E>()
            .select_only()
            .column_as(column, "name")
            .column_as(Expr::cust("COUNT(*)"), "count")
            .group_by(column);
        if let Some(only) = only {
            found = found.filter(only);
        }
        let mut counts = found.into_model::<Count>().all(&self.db()).await?;
        counts.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(counts)
    }
}
