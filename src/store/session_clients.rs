//! The applications that a session has been signed in to, one by one for each identity that it acted in. The
//! sessions are `sessions`'.

use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use crate::base::id::SessionId;
use crate::store::entity::session_client::{ActiveModel, Column, Entity, Model};
use crate::store::{Rows, StoreError, Writing};

/// An application that holds tokens of one acting identity of a session.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SessionClient {
    pub client_id: String,
    pub sid: String,
    pub subject: String,
}

pub struct SessionClients<'c, A>(Rows<'c, A>);

impl<'c, A> Rows<'c, A> {
    pub fn session_clients(self) -> SessionClients<'c, A> {
        SessionClients(self)
    }
}

impl<A> SessionClients<'_, A> {
    pub async fn of(&self, id: SessionId) -> Result<Vec<SessionClient>, StoreError> {
        let rows = self.0.find::<Entity>().filter(Column::SessionId.eq(id.0));
        let read = |row: Model| SessionClient {
            client_id: row.client_id,
            sid: row.sid,
            subject: row.subject,
        };
        Ok(rows.all(&self.0.db()).await?.into_iter().map(read).collect())
    }
}

impl SessionClients<'_, Writing> {
    /// One that is there already stays as it is.
    pub async fn add(&self, id: SessionId, client: &SessionClient) -> Result<(), StoreError> {
        Entity::insert(ActiveModel {
            realm: Set(self.0.realm.to_owned()),
            session_id: Set(id.0),
            client_id: Set(client.client_id.clone()),
            sid: Set(client.sid.clone()),
            subject: Set(client.subject.clone()),
        })
        .on_conflict_do_nothing_on([Column::SessionId, Column::ClientId, Column::Sid])
        .exec_without_returning(&self.0.db())
        .await?;
        Ok(())
    }

    /// No application holds tokens of this acting identity any more; of `kept` it is remembered all the same.
    pub async fn forget_all(
        &self,
        id: SessionId,
        sid: &str,
        kept: &[&str],
    ) -> Result<(), StoreError> {
        self.0
            .delete::<Entity>()
            .filter(Column::SessionId.eq(id.0))
            .filter(Column::Sid.eq(sid))
            .filter(Column::ClientId.is_not_in(kept.iter().copied()))
            .exec(&self.0.db())
            .await?;
        Ok(())
    }

    /// One application holds no tokens of this session any more.
    pub async fn forget(&self, id: SessionId, client: &str) -> Result<(), StoreError> {
        self.0
            .delete::<Entity>()
            .filter(Column::SessionId.eq(id.0))
            .filter(Column::ClientId.eq(client))
            .exec(&self.0.db())
            .await?;
        Ok(())
    }
}
