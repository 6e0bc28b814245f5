//! What the end of an account takes away, and who has had one. What is known of the person beyond it
//! stays as it is.

use std::collections::BTreeSet;

use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use uuid::Uuid;

use crate::base::id::{AccountId, PersonId};
use crate::store::entity::{account, passkey, person, phone_binding, remembered_device};
use crate::store::{Rows, StoreError, Writing};

pub struct Cancelling<'c, A>(Rows<'c, A>);

impl<'c, A> Rows<'c, A> {
    pub fn cancelling(self) -> Cancelling<'c, A> {
        Cancelling(self)
    }
}

impl<A> Cancelling<'_, A> {
    /// Of these people, those who had an account and have none now.
    pub async fn cancelled(&self, people: &[PersonId]) -> Result<BTreeSet<PersonId>, StoreError> {
        let (mut had, mut have) = (BTreeSet::new(), BTreeSet::new());
        for some in people.chunks(500) {
            let rows = self
                .0
                .find::<account::Entity>()
                .filter(account::Column::PersonId.is_in(some.iter().map(|id| id.0)))
                .all(&self.0.db())
                .await?;
            for row in rows {
                let whose = if row.status == CANCELLED { &mut had } else { &mut have };
                whose.insert(PersonId(row.person_id));
            }
        }
        Ok(had.difference(&have).copied().collect())
    }
}

impl Cancelling<'_, Writing> {
    /// No name, phone or password leads to the account any more, and its names are free; `false`: it was
    /// cancelled before.
    pub async fn cancel(&self, id: AccountId) -> Result<bool, StoreError> {
        let none = || Expr::value(None::<String>);
        let done = self
            .0
            .update::<account::Entity>()
            .col_expr(account::Column::Status, Expr::value(CANCELLED))
            .col_expr(account::Column::Username, none())
            .col_expr(account::Column::UsernameFolded, none())
            .col_expr(account::Column::PasswordHash, none())
            .filter(account::Column::Id.eq(id.0))
            .filter(account::Column::Status.ne(CANCELLED))
            .exec(&self.0.db())
            .await?;
        if done.rows_affected != 1 {
            return Ok(false);
        }
        self.forget(phone_binding::Entity, phone_binding::Column::AccountId, id.0).await?;
        self.forget(passkey::Entity, passkey::Column::AccountId, id.0).await?;
        self.forget(remembered_device::Entity, remembered_device::Column::AccountId, id.0).await?;
        Ok(true)
    }

    async fn forget<E: EntityTrait>(
        &self,
        _table: E,
        owner: E::Column,
        id: Uuid,
    ) -> Result<(), StoreError> {
        self.0.delete::<E>().filter(owner.eq(id)).exec(&self.0.db()).await?;
        Ok(())
    }

    /// By what the person could be reached, which was told with the account: e-mail and postal address.
    pub async fn forget_contact(&self, id: PersonId) -> Result<(), StoreError> {
        self.0
            .update::<person::Entity>()
            .col_expr(person::Column::Email, Expr::value(None::<Vec<u8>>))
            .col_expr(person::Column::EmailIndex, Expr::value(None::<Vec<u8>>))
            .col_expr(person::Column::EmailVerifiedAt, Expr::value(None::<i64>))
            .col_expr(person::Column::Address, Expr::value(None::<Vec<u8>>))
            .filter(person::Column::Id.eq(id.0))
            .exec(&self.0.db())
            .await?;
        Ok(())
    }
}

const CANCELLED: &str = "cancelled";
