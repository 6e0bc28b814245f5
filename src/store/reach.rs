//! How many people a change of realm files touches: counted when somebody plans one.

use sea_orm::{
    ColumnTrait, EntityTrait, FromQueryResult, PaginatorTrait, QueryFilter, QuerySelect, Select,
};

use super::entity::{authorisation, oauth_grant, person, session};
use super::{Rows, StoreError};
use crate::base::clock::Timestamp;
use crate::domain::authorisation::State;

impl<A> Rows<'_, A> {
    pub async fn people_count(&self) -> Result<u64, StoreError> {
        Ok(self.find::<person::Entity>().count(&self.db()).await?)
    }

    /// With an active authorisation of this type.
    pub async fn people_of_type(&self, identity_type: &str) -> Result<u64, StoreError> {
        let held = self
            .find::<authorisation::Entity>()
            .filter(authorisation::Column::IdentityType.eq(identity_type))
            .filter(authorisation::Column::State.eq(State::Active.name()));
        self.distinct(held, authorisation::Column::PersonId).await
    }

    /// With a grant for this application that has not ended.
    pub async fn people_of_client(&self, client: &str, now: Timestamp) -> Result<u64, StoreError> {
        let live = self
            .find::<oauth_grant::Entity>()
            .filter(oauth_grant::Column::ClientId.eq(client))
            .filter(oauth_grant::Column::RevokedAt.is_null())
            .filter(oauth_grant::Column::ExpiresAt.gt(now.0));
        self.distinct(live, oauth_grant::Column::PersonId).await
    }

    /// Signed in now, who came in by this entrance.
    pub async fn people_of_entrance(
        &self,
        entrance: &str,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let live = self
            .find::<session::Entity>()
            .filter(session::Column::Entrance.eq(entrance))
            .filter(session::Column::EndedAt.is_null())
            .filter(session::Column::ExpiresAt.gt(now.0));
        self.distinct(live, session::Column::PersonId).await
    }

    async fn distinct<E>(&self, found: Select<E>, column: E::Column) -> Result<u64, StoreError>
    where
        E: EntityTrait,
        E::Model: FromQueryResult + Sized + Send + Sync,
    {
        Ok(found.select_only().column(column).distinct().count(&self.db()).await?)
    }
}
