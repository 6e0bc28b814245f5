//! What could not be delivered to an application or a person, for the administrator to see and to
//! send again: back-channel logouts and events alike.

use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use uuid::Uuid;

use super::entity::{event_delivery, logout_delivery};
use super::{Rows, StoreError};
use crate::base::clock::Timestamp;

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DeadLetter {
    pub id: Uuid,
    /// Empty for a message to a person.
    pub client_id: String,
    /// `logout`, `relation`, `push` or `sms`.
    pub channel: String,
    pub n_tries: i32,
    pub last_error: String,
}

pub struct Deliveries<'c>(Rows<'c>);

impl<'c> Rows<'c> {
    pub fn deliveries(self) -> Deliveries<'c> {
        Deliveries(self)
    }
}

impl Deliveries<'_> {
    /// Those given up, the longest ago first within each kind.
    pub async fn dead(&self, realm: &str) -> Result<Vec<DeadLetter>, StoreError> {
        let logouts = logout_delivery::Entity::find()
            .filter(logout_delivery::Column::State.eq("dead"))
            .filter(logout_delivery::Column::Realm.eq(realm))
            .order_by_asc(logout_delivery::Column::NextTryAt)
            .all(&self.0.db())
            .await?;
        let events = event_delivery::Entity::find()
            .filter(event_delivery::Column::State.eq("dead"))
            .filter(event_delivery::Column::Realm.eq(realm))
            .order_by_asc(event_delivery::Column::NextTryAt)
            .all(&self.0.db())
            .await?;
        let logouts = logouts.into_iter().map(|row| DeadLetter {
            id: row.id,
            client_id: row.client_id,
            channel: "logout".to_owned(),
            n_tries: row.n_tries,
            last_error: row.last_error.unwrap_or_default(),
        });
        let events = events.into_iter().map(|row| DeadLetter {
            id: row.id,
            client_id: row.client_id,
            channel: row.channel,
            n_tries: row.n_tries,
            last_error: row.last_error.unwrap_or_default(),
        });
        Ok(logouts.chain(events).collect())
    }

    /// Puts what was given up back in the queue, with all its tries. Returns how many.
    pub async fn retry(&self, realm: &str, now: Timestamp) -> Result<u64, StoreError> {
        let logouts = logout_delivery::Entity::update_many()
            .col_expr(logout_delivery::Column::State, Expr::value("waiting"))
            .col_expr(logout_delivery::Column::NTries, Expr::value(0))
            .col_expr(logout_delivery::Column::NextTryAt, Expr::value(now.0))
            .filter(logout_delivery::Column::State.eq("dead"))
            .filter(logout_delivery::Column::Realm.eq(realm))
            .exec(&self.0.db())
            .await?;
        let events = event_delivery::Entity::update_many()
            .col_expr(event_delivery::Column::State, Expr::value("waiting"))
            .col_expr(event_delivery::Column::NTries, Expr::value(0))
            .col_expr(event_delivery::Column::NextTryAt, Expr::value(now.0))
            .filter(event_delivery::Column::State.eq("dead"))
            .filter(event_delivery::Column::Realm.eq(realm))
            .exec(&self.0.db())
            .await?;
        Ok(logouts.rows_affected + events.rows_affected)
    }
}
