//! Browsers that spare their person the second factor for a while.

use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use uuid::Uuid;

use super::entity::remembered_device::{ActiveModel, Column, Entity};
use super::{Rows, StoreError, Writing};
use crate::base::clock::Timestamp;
use crate::base::id::AccountId;
use crate::base::secret::Hashed;

/// A browser, as its person sees it.
pub struct RememberedDevice {
    pub id: Uuid,
    pub account: AccountId,
    pub entrance: String,
    /// Of the password under which it was remembered: another password forgets it.
    pub password: Hashed,
    /// Browser and system in a few words.
    pub device: String,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
}

pub struct Devices<'c, A>(Rows<'c, A>);

impl<'c, A> Rows<'c, A> {
    pub fn devices(self) -> Devices<'c, A> {
        Devices(self)
    }
}

impl<A> Devices<'_, A> {
    /// The entrance at which the browser of this cookie is known, if cookie, account and password
    /// belong together at `now`.
    pub async fn known_at(
        &self,
        token: Hashed,
        account: AccountId,
        password: Hashed,
        now: Timestamp,
    ) -> Result<Option<String>, StoreError> {
        let row = self
            .0
            .find::<Entity>()
            .filter(Column::Hash.eq(token.0.to_vec()))
            .one(&self.0.db())
            .await?;
        let fits = |row: &super::entity::remembered_device::Model| {
            row.account_id == account.0 && row.password_hash == password.0 && row.expires_at > now.0
        };
        Ok(row.filter(fits).map(|row| row.entrance))
    }

    /// Newest first.
    pub async fn list(
        &self,
        account: AccountId,
        now: Timestamp,
    ) -> Result<Vec<RememberedDevice>, StoreError> {
        let rows = self
            .0
            .find::<Entity>()
            .filter(Column::AccountId.eq(account.0))
            .filter(Column::ExpiresAt.gt(now.0))
            .order_by_desc(Column::CreatedAt)
            .order_by_desc(Column::Id)
            .all(&self.0.db())
            .await?;
        let read = |row: super::entity::remembered_device::Model| {
            let password = row.password_hash.as_slice().try_into();
            let wrong = || StoreError::inconsistent("remembered_device", "password_hash", row.id);
            Ok(RememberedDevice {
                id: row.id,
                account: AccountId(row.account_id),
                password: Hashed(password.map_err(|_| wrong())?),
                entrance: row.entrance,
                device: row.device,
                created_at: Timestamp(row.created_at),
                expires_at: Timestamp(row.expires_at),
            })
        };
        rows.into_iter().map(read).collect()
    }
}

impl Devices<'_, Writing> {
    pub async fn add(&self, token: Hashed, new: &RememberedDevice) -> Result<(), StoreError> {
        Entity::insert(ActiveModel {
            realm: Set(self.0.realm.to_owned()),
            hash: Set(token.0.to_vec()),
            id: Set(new.id),
            account_id: Set(new.account.0),
            entrance: Set(new.entrance.clone()),
            password_hash: Set(new.password.0.to_vec()),
            device: Set(new.device.clone()),
            created_at: Set(new.created_at.0),
            expires_at: Set(new.expires_at.0),
        })
        .exec_without_returning(&self.0.db())
        .await?;
        Ok(())
    }

    /// Every browser of an account.
    pub async fn forget_all(&self, account: AccountId) -> Result<(), StoreError> {
        let of_account = self.0.delete::<Entity>().filter(Column::AccountId.eq(account.0));
        of_account.exec(&self.0.db()).await?;
        Ok(())
    }

    /// `false` when there was none of this account.
    pub async fn forget(&self, account: AccountId, id: Uuid) -> Result<bool, StoreError> {
        let done = self
            .0
            .delete::<Entity>()
            .filter(Column::AccountId.eq(account.0))
            .filter(Column::Id.eq(id))
            .exec(&self.0.db())
            .await?;
        Ok(done.rows_affected == 1)
    }
}
