//! Events on their way to applications: changes of relations (DEC-18) and security events (SSF),
//! queued with the fact that caused them, delivered or fetched later.

use sea_orm::sea_query::Expr;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use super::entity::event_delivery::{ActiveModel, Column, Entity, Model};
use super::{Rows, StoreError};
use crate::base::clock::Timestamp;

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EventDelivery {
    pub id: Uuid,
    pub realm: String,
    pub client_id: String,
    pub channel: Channel,
    /// The authorisation or session that it is about.
    pub about: String,
    /// JSON; security events are signed when they leave.
    pub body: String,
    pub n_tries: i32,
    pub state: String,
    pub last_error: Option<String>,
    pub created_at: Timestamp,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Channel {
    /// A signed webhook of the client's registration.
    Relation,
    /// Pushed to a stream's endpoint (RFC 8935).
    Push,
    /// Kept until it is fetched and acknowledged (RFC 8936).
    Poll,
    /// A text message to a person.
    Sms,
}

impl Channel {
    fn name(self) -> &'static str {
        match self {
            Self::Relation => "relation",
            Self::Push => "push",
            Self::Poll => "poll",
            Self::Sms => "sms",
        }
    }
}

pub struct Events<'c>(Rows<'c>);

impl<'c> Rows<'c> {
    pub fn events(self) -> Events<'c> {
        Events(self)
    }
}

impl Events<'_> {
    pub async fn add(&self, new: &EventDelivery) -> Result<(), StoreError> {
        Entity::insert(ActiveModel {
            id: Set(new.id),
            realm: Set(new.realm.clone()),
            client_id: Set(new.client_id.clone()),
            channel: Set(new.channel.name().to_owned()),
            about: Set(new.about.clone()),
            body: Set(new.body.clone()),
            n_tries: Set(0),
            next_try_at: Set(new.created_at.0),
            state: Set(if new.channel == Channel::Poll { "kept" } else { "waiting" }.to_owned()),
            last_error: Set(None),
            created_at: Set(new.created_at.0),
        })
        .exec_without_returning(&self.0.db())
        .await?;
        Ok(())
    }

    pub async fn due(&self, realm: &str, now: Timestamp) -> Result<Vec<EventDelivery>, StoreError> {
        let rows = Entity::find()
            .filter(Column::State.eq("waiting"))
            .filter(Column::NextTryAt.lte(now.0))
            .filter(Column::Realm.eq(realm))
            .limit(64)
            .all(&self.0.db())
            .await?;
        rows.into_iter().map(read).collect()
    }

    /// Claims a delivery until `again_at`, so that only one node tries at a time.
    pub async fn claim(
        &self,
        delivery: &EventDelivery,
        again_at: Timestamp,
    ) -> Result<bool, StoreError> {
        let done = Entity::update_many()
            .col_expr(Column::NTries, Expr::value(delivery.n_tries + 1))
            .col_expr(Column::NextTryAt, Expr::value(again_at.0))
            .filter(Column::Id.eq(delivery.id))
            .filter(Column::NTries.eq(delivery.n_tries))
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
        Entity::update_many()
            .col_expr(Column::State, Expr::value(state))
            .col_expr(Column::LastError, Expr::value(error))
            .filter(Column::Id.eq(id))
            .exec(&self.0.db())
            .await?;
        Ok(())
    }

    /// Those that a client has not acknowledged, oldest first.
    pub async fn kept(
        &self,
        realm: &str,
        client_id: &str,
        limit: u64,
    ) -> Result<Vec<EventDelivery>, StoreError> {
        let rows = Entity::find()
            .filter(Column::Realm.eq(realm))
            .filter(Column::ClientId.eq(client_id))
            .filter(Column::Channel.eq("poll"))
            .filter(Column::State.eq("kept"))
            .order_by_asc(Column::CreatedAt)
            .order_by_asc(Column::Id)
            .limit(limit)
            .all(&self.0.db())
            .await?;
        rows.into_iter().map(read).collect()
    }

    /// A client's acknowledgement of its own events (RFC 8936 §2.4).
    pub async fn acknowledge(
        &self,
        realm: &str,
        client_id: &str,
        ids: &[Uuid],
    ) -> Result<(), StoreError> {
        Entity::update_many()
            .col_expr(Column::State, Expr::value("done"))
            .filter(Column::Realm.eq(realm))
            .filter(Column::ClientId.eq(client_id))
            .filter(Column::Channel.eq("poll"))
            .filter(Column::Id.is_in(ids.iter().copied()))
            .exec(&self.0.db())
            .await?;
        Ok(())
    }

    /// What has become of the newest relation events about an authorisation (AU-13).
    pub async fn about(&self, about: &str) -> Result<Vec<EventDelivery>, StoreError> {
        let rows = Entity::find()
            .filter(Column::About.eq(about))
            .filter(Column::Channel.eq("relation"))
            .order_by_desc(Column::CreatedAt)
            .order_by_desc(Column::Id)
            .limit(20)
            .all(&self.0.db())
            .await?;
        rows.into_iter().map(read).collect()
    }
}

fn read(row: Model) -> Result<EventDelivery, StoreError> {
    let channel = [Channel::Relation, Channel::Push, Channel::Poll, Channel::Sms];
    let channel = channel.into_iter().find(|channel| channel.name() == row.channel);
    Ok(EventDelivery {
        id: row.id,
        realm: row.realm,
        client_id: row.client_id,
        channel: channel
            .ok_or_else(|| StoreError::inconsistent("event_delivery", "channel", row.id))?,
        about: row.about,
        body: row.body,
        n_tries: row.n_tries,
        state: row.state,
        last_error: row.last_error,
        created_at: Timestamp(row.created_at),
    })
}
