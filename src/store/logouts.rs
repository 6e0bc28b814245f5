//! Back-channel logouts on their way: queued with the fact that caused them, delivered later.

use sea_orm::sea_query::Expr;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QuerySelect};
use uuid::Uuid;

use super::entity::logout_delivery;
use super::{Rows, StoreError};
use crate::base::clock::Timestamp;

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogoutDelivery {
    pub id: Uuid,
    pub realm: String,
    pub client_id: String,
    pub sid: String,
    pub subject: String,
    pub n_tries: i32,
}

pub struct Logouts<'c>(Rows<'c>);

impl<'c> Rows<'c> {
    pub fn logouts(self) -> Logouts<'c> {
        Logouts(self)
    }
}

impl Logouts<'_> {
    pub async fn add(&self, new: &LogoutDelivery, now: Timestamp) -> Result<(), StoreError> {
        logout_delivery::Entity::insert(logout_delivery::ActiveModel {
            id: Set(new.id),
            realm: Set(new.realm.clone()),
            client_id: Set(new.client_id.clone()),
            sid: Set(new.sid.clone()),
            subject: Set(new.subject.clone()),
            n_tries: Set(0),
            next_try_at: Set(now.0),
            state: Set("waiting".to_owned()),
            last_error: Set(None),
        })
        .exec_without_returning(&self.0.db())
        .await?;
        Ok(())
    }

    pub async fn due(&self, now: Timestamp) -> Result<Vec<LogoutDelivery>, StoreError> {
        let rows = logout_delivery::Entity::find()
            .filter(logout_delivery::Column::State.eq("waiting"))
            .filter(logout_delivery::Column::NextTryAt.lte(now.0))
            .limit(64)
            .all(&self.0.db())
            .await?;
        let read = |row: logout_delivery::Model| LogoutDelivery {
            id: row.id,
            realm: row.realm,
            client_id: row.client_id,
            sid: row.sid,
            subject: row.subject,
            n_tries: row.n_tries,
        };
        Ok(rows.into_iter().map(read).collect())
    }

    /// Claims a delivery until `again_at`, so that only one node tries at a time.
    pub async fn claim(
        &self,
        delivery: &LogoutDelivery,
        again_at: Timestamp,
    ) -> Result<bool, StoreError> {
        let done = logout_delivery::Entity::update_many()
            .col_expr(logout_delivery::Column::NTries, Expr::value(delivery.n_tries + 1))
            .col_expr(logout_delivery::Column::NextTryAt, Expr::value(again_at.0))
            .filter(logout_delivery::Column::Id.eq(delivery.id))
            .filter(logout_delivery::Column::NTries.eq(delivery.n_tries))
            .exec(&self.0.db())
            .await?;
        Ok(done.rows_affected == 1)
    }

    /// `state`: `done` or `dead`; a waiting one only notes its error.
    pub async fn settle(
        &self,
        id: Uuid,
        state: &str,
        error: Option<String>,
    ) -> Result<(), StoreError> {
        logout_delivery::Entity::update_many()
            .col_expr(logout_delivery::Column::State, Expr::value(state))
            .col_expr(logout_delivery::Column::LastError, Expr::value(error))
            .filter(logout_delivery::Column::Id.eq(id))
            .exec(&self.0.db())
            .await?;
        Ok(())
    }
}
