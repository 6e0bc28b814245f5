//! What people have allowed applications to learn of them.

use sea_orm::{ColumnTrait, QueryFilter, QueryOrder};

use crate::base::clock::Timestamp;
use crate::base::id::PersonId;
use crate::store::entity::consent::{Column, Entity};
use crate::store::{Rows, StoreError, Writing};

/// Given by a person to one application.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Consent {
    pub client_id: String,
    /// Scopes, and the APIs that were asked for with them.
    pub scope: String,
    pub given_at: Timestamp,
}

pub struct Consents<'c, A>(Rows<'c, A>);

impl<'c, A> Rows<'c, A> {
    pub fn consents(self) -> Consents<'c, A> {
        Consents(self)
    }
}

impl<A> Consents<'_, A> {
    /// By application.
    pub async fn of(&self, person: PersonId) -> Result<Vec<Consent>, StoreError> {
        let rows = self
            .0
            .find::<Entity>()
            .filter(Column::PersonId.eq(person.0))
            .order_by_asc(Column::ClientId)
            .all(&self.0.db())
            .await?;
        let read = |row: super::entity::consent::Model| Consent {
            client_id: row.client_id,
            scope: row.scope,
            given_at: Timestamp(row.given_at),
        };
        Ok(rows.into_iter().map(read).collect())
    }
}

impl Consents<'_, Writing> {
    /// `false` when there was none.
    pub async fn withdraw(&self, person: PersonId, client: &str) -> Result<bool, StoreError> {
        let done = self
            .0
            .delete::<Entity>()
            .filter(Column::PersonId.eq(person.0))
            .filter(Column::ClientId.eq(client))
            .exec(&self.0.db())
            .await?;
        Ok(done.rows_affected == 1)
    }

    pub async fn withdraw_all(&self, person: PersonId) -> Result<(), StoreError> {
        self.0.delete::<Entity>().filter(Column::PersonId.eq(person.0)).exec(&self.0.db()).await?;
        Ok(())
    }
}
