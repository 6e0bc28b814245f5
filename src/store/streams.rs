//! Event streams that applications keep with us (OpenID Shared Signals Framework §8).

use sea_orm::sea_query::Expr;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, TryInsertResult};
use uuid::Uuid;

use super::entity::event_stream::{ActiveModel, Column, Entity, Model};
use super::{Rows, StoreError, Writing};
use crate::base::clock::Timestamp;
use crate::base::secret::Secret;

#[derive(Clone, Debug)]
pub struct EventStream {
    pub id: Uuid,
    pub client_id: String,
    /// Where events are pushed; `None`: the client polls.
    pub endpoint: Option<String>,
    /// What each push carries as `Authorization`.
    pub authorization: Option<Secret>,
    /// Addresses of event types, as they are delivered.
    pub events: Vec<String>,
    pub status: StreamStatus,
    pub created_at: Timestamp,
}

/// SSF §8.1.2.1.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StreamStatus {
    Enabled,
    /// What happens is kept until it goes on.
    Paused,
    /// What happens is not told.
    Disabled,
}

impl StreamStatus {
    const ALL: [Self; 3] = [Self::Enabled, Self::Paused, Self::Disabled];

    pub fn name(self) -> &'static str {
        match self {
            Self::Enabled => "enabled",
            Self::Paused => "paused",
            Self::Disabled => "disabled",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }
}

pub struct Streams<'c, A>(Rows<'c, A>);

impl<'c, A> Rows<'c, A> {
    pub fn streams(self) -> Streams<'c, A> {
        Streams(self)
    }
}

impl<A> Streams<'_, A> {
    /// A client has one stream at most.
    pub async fn find(&self, client_id: &str) -> Result<Option<EventStream>, StoreError> {
        let row = self.0.find::<Entity>().filter(Column::ClientId.eq(client_id));
        row.one(&self.0.db()).await?.map(|row| self.read(row)).transpose()
    }

    fn read(&self, row: Model) -> Result<EventStream, StoreError> {
        let wrong = |column| StoreError::inconsistent("event_stream", column, row.id);
        let sealed = row.authorization_header.as_deref();
        let authorization =
            sealed.map(|sealed| self.0.unseal(&place(row.id), sealed)).transpose()?;
        Ok(EventStream {
            status: StreamStatus::parse(&row.status).ok_or_else(|| wrong("status"))?,
            id: row.id,
            client_id: row.client_id,
            endpoint: row.endpoint,
            authorization: authorization.map(Secret::new),
            events: row.events.split_whitespace().map(str::to_owned).collect(),
            created_at: Timestamp(row.created_at),
        })
    }
}

impl Streams<'_, Writing> {
    /// `false`: the client has one already.
    pub async fn add(&self, new: &EventStream) -> Result<bool, StoreError> {
        let done = Entity::insert(ActiveModel {
            realm: Set(self.0.realm.to_owned()),
            client_id: Set(new.client_id.clone()),
            id: Set(new.id),
            method: Set(method(new).to_owned()),
            endpoint: Set(new.endpoint.clone()),
            events: Set(new.events.join(" ")),
            status: Set(new.status.name().to_owned()),
            created_at: Set(new.created_at.0),
            authorization_header: Set(self.sealed(new)),
            verified_at: Set(0),
        })
        .on_conflict_do_nothing_on([Column::Realm, Column::ClientId])
        .exec_without_returning(&self.0.db())
        .await?;
        Ok(matches!(done, TryInsertResult::Inserted(1)))
    }

    /// `false`: it is gone.
    pub async fn change(&self, to: &EventStream) -> Result<bool, StoreError> {
        let done = self
            .0
            .update::<Entity>()
            .col_expr(Column::Method, Expr::value(method(to)))
            .col_expr(Column::Endpoint, Expr::value(to.endpoint.clone()))
            .col_expr(Column::Events, Expr::value(to.events.join(" ")))
            .col_expr(Column::Status, Expr::value(to.status.name()))
            .col_expr(Column::AuthorizationHeader, Expr::value(self.sealed(to)))
            .filter(Column::Id.eq(to.id))
            .exec(&self.0.db())
            .await?;
        Ok(done.rows_affected == 1)
    }

    /// Notes that it is verified now; `false`: it was since `not_since`, or is gone.
    pub async fn verify(
        &self,
        id: Uuid,
        now: Timestamp,
        not_since: Timestamp,
    ) -> Result<bool, StoreError> {
        let done = self
            .0
            .update::<Entity>()
            .col_expr(Column::VerifiedAt, Expr::value(now.0))
            .filter(Column::Id.eq(id))
            .filter(Column::VerifiedAt.lte(not_since.0))
            .exec(&self.0.db())
            .await?;
        Ok(done.rows_affected == 1)
    }

    fn sealed(&self, stream: &EventStream) -> Option<Vec<u8>> {
        let secret = stream.authorization.as_ref()?;
        Some(self.0.seal(&place(stream.id), secret.expose()))
    }

    /// `false` when there was none.
    pub async fn remove(&self, id: Uuid) -> Result<bool, StoreError> {
        let done = self.0.delete::<Entity>().filter(Column::Id.eq(id)).exec(&self.0.db()).await?;
        Ok(done.rows_affected == 1)
    }
}

fn method(stream: &EventStream) -> &'static str {
    if stream.endpoint.is_some() { "push" } else { "poll" }
}

fn place(id: Uuid) -> String {
    format!("event_stream.authorization_header.{id}")
}
