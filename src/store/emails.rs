//! Whom an e-mail address leads to: the registry may tell one of several people.

use sea_orm::{ColumnTrait, QueryFilter, QuerySelect};
use uuid::Uuid;

use crate::base::id::PersonId;
use crate::domain::number::email::EmailAddress;
use crate::store::StoreError;
use crate::store::entity::{account, person};
use crate::store::people::People;

/// Nobody is told of more people with one address.
const MOST_OF_ONE: u64 = 50;

impl<A> People<'_, A> {
    /// The one person with a live account whom a code has reached there, or else who was told with it; of
    /// several nobody.
    pub async fn find_by_email(
        &self,
        email: &EmailAddress,
    ) -> Result<Option<PersonId>, StoreError> {
        let verified = self.of_email(email, true).await?;
        let found = match verified.is_empty() {
            true => self.of_email(email, false).await?,
            false => verified,
        };
        Ok(match found.as_slice() {
            [only] => Some(PersonId(*only)),
            _ => None,
        })
    }

    async fn of_email(
        &self,
        email: &EmailAddress,
        is_verified: bool,
    ) -> Result<Vec<Uuid>, StoreError> {
        let verified_at = person::Column::EmailVerifiedAt;
        let people: Vec<Uuid> = self
            .0
            .find::<person::Entity>()
            .select_only()
            .column(person::Column::Id)
            .filter(person::Column::EmailIndex.is_in(self.0.indexes("email", &email.comparable())))
            .filter(if is_verified { verified_at.is_not_null() } else { verified_at.is_null() })
            .limit(MOST_OF_ONE)
            .into_tuple()
            .all(&self.0.db())
            .await?;
        if people.is_empty() {
            return Ok(people);
        }
        let live = self
            .0
            .find::<account::Entity>()
            .select_only()
            .column(account::Column::PersonId)
            .filter(account::Column::PersonId.is_in(people))
            .filter(account::Column::Status.eq("active"));
        Ok(live.into_tuple().all(&self.0.db()).await?)
    }
}
