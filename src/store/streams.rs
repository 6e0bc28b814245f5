//! Event streams that applications keep with us (OpenID Shared Signals Framework §8).

use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};
use uuid::Uuid;

use super::entity::event_stream::{ActiveModel, Column, Entity, Model};
use super::{Rows, StoreError, Writing};
use crate::base::clock::Timestamp;

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EventStream {
    pub id: Uuid,
    pub client_id: String,
    /// Where events are pushed; `None`: the client polls.
    pub endpoint: Option<String>,
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
        row.one(&self.0.db()).await?.map(read).transpose()
    }
}

impl Streams<'_, Writing> {
    /// In place of the one that was there.
    pub async fn save(&self, stream: &EventStream) -> Result<(), StoreError> {
        let of_client = Column::ClientId.eq(stream.client_id.as_str());
        self.0.delete::<Entity>().filter(of_client).exec(&self.0.db()).await?;
        Entity::insert(ActiveModel {
            realm: Set(self.0.realm.to_owned()),
            client_id: Set(stream.client_id.clone()),
            id: Set(stream.id),
            method: Set(if stream.endpoint.is_some() { "push" } else { "poll" }.to_owned()),
            endpoint: Set(stream.endpoint.clone()),
            events: Set(stream.events.join(" ")),
            status: Set(stream.status.name().to_owned()),
            created_at: Set(stream.created_at.0),
        })
        .exec_without_returning(&self.0.db())
        .await?;
        Ok(())
    }

    /// `false` when there was none.
    pub async fn remove(&self, id: Uuid) -> Result<bool, StoreError> {
        let done = self.0.delete::<Entity>().filter(Column::Id.eq(id)).exec(&self.0.db()).await?;
        Ok(done.rows_affected == 1)
    }
}

fn read(row: Model) -> Result<EventStream, StoreError> {
    let status = StreamStatus::parse(&row.status);
    Ok(EventStream {
        status: status.ok_or_else(|| StoreError::inconsistent("event_stream", "status", row.id))?,
        id: row.id,
        client_id: row.client_id,
        endpoint: row.endpoint,
        events: row.events.split_whitespace().map(str::to_owned).collect(),
        created_at: Timestamp(row.created_at),
    })
}
