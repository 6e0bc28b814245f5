//! Phones of accounts: a number is one account's, one of an account's is its default.

use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, TryInsertResult,
};
use uuid::Uuid;

use super::accounts::Accounts;
use super::entity::{contested_phone, phone_binding};
use super::{StoreError, Writing};
use crate::base::clock::Timestamp;
use crate::base::id::AccountId;
use crate::domain::number::phone::Phone;
use crate::domain::person::{Account, PhoneBinding};

/// Whose a number is, and how that is known.
pub struct Told {
    pub binding: PhoneBinding,
    /// By the registry alone: no code has reached it here.
    pub is_told: bool,
}

impl<A> Accounts<'_, A> {
    pub async fn find_by_phone(&self, phone: &Phone) -> Result<Option<Account>, StoreError> {
        let row = self
            .0
            .find::<phone_binding::Entity>()
            .filter(phone_binding::Column::PhoneIndex.is_in(self.indexes_of(phone)))
            .one(&self.0.db())
            .await?;
        match row {
            Some(row) => self.find(AccountId(row.account_id)).await,
            None => Ok(None),
        }
    }

    /// The default first, then the one that was verified last.
    pub async fn phones(&self, id: AccountId) -> Result<Vec<PhoneBinding>, StoreError> {
        let rows = self
            .0
            .find::<phone_binding::Entity>()
            .filter(phone_binding::Column::AccountId.eq(id.0))
            .order_by_desc(phone_binding::Column::IsDefault)
            .order_by_desc(phone_binding::Column::VerifiedAt)
            .order_by_desc(phone_binding::Column::Id)
            .all(&self.0.db())
            .await?;
        rows.into_iter().map(|row| self.read_phone(&row)).collect()
    }

    fn read_phone(&self, row: &phone_binding::Model) -> Result<PhoneBinding, StoreError> {
        let text = self.0.unseal(&format!("phone.{}", row.id), &row.phone)?;
        Ok(PhoneBinding {
            account: AccountId(row.account_id),
            phone: Phone::kept(&text)
                .map_err(|_| StoreError::inconsistent("phone_binding", "phone", row.id))?,
            is_default: row.is_default,
            verified_at: Timestamp(row.verified_at),
        })
    }

    /// Who has the number, and whether the registry alone says so.
    pub async fn binding_of(&self, phone: &Phone) -> Result<Option<Told>, StoreError> {
        let row = self
            .0
            .find::<phone_binding::Entity>()
            .filter(phone_binding::Column::PhoneIndex.is_in(self.indexes_of(phone)))
            .one(&self.0.db())
            .await?;
        let read = |row: phone_binding::Model| {
            Ok(Told { binding: self.read_phone(&row)?, is_told: row.is_told })
        };
        row.map(read).transpose()
    }

    /// Those of an account that the registry alone has told.
    pub async fn told_phones(&self, id: AccountId) -> Result<Vec<PhoneBinding>, StoreError> {
        let rows = self
            .0
            .find::<phone_binding::Entity>()
            .filter(phone_binding::Column::AccountId.eq(id.0))
            .filter(phone_binding::Column::IsTold.eq(true))
            .all(&self.0.db())
            .await?;
        rows.iter().map(|row| self.read_phone(row)).collect()
    }

    /// When each of the several people who have the number used it, says the registry; `None`: it is
    /// not contested.
    pub async fn phone_contested(&self, phone: &Phone) -> Result<Option<Timestamp>, StoreError> {
        let row = self
            .0
            .find::<contested_phone::Entity>()
            .filter(contested_phone::Column::PhoneIndex.is_in(self.contested_indexes(phone)))
            .one(&self.0.db())
            .await?;
        Ok(row.map(|row| Timestamp(row.used_at)))
    }

    pub(super) fn indexes_of(&self, phone: &Phone) -> Vec<Vec<u8>> {
        self.0.indexes("phone", phone.as_str())
    }

    /// A contested number is kept as its hash alone, so that nothing makes it anew under another root.
    pub(super) fn contested_indexes(&self, phone: &Phone) -> Vec<Vec<u8>> {
        self.0.all_indexes("phone", phone.as_str())
    }
}

impl Accounts<'_, Writing> {
    /// `false`: somebody has the number, perhaps since a moment ago.
    pub async fn add_phone(
        &self,
        row_id: Uuid,
        binding: &PhoneBinding,
    ) -> Result<bool, StoreError> {
        // While a root follows another, the number may stand under the older one's hash.
        if self.binding_of(&binding.phone).await?.is_some() {
            return Ok(false);
        }
        let taken = [phone_binding::Column::Realm, phone_binding::Column::PhoneIndex];
        let added = phone_binding::Entity::insert(phone_binding::ActiveModel {
            id: Set(row_id),
            realm: Set(self.0.realm.to_owned()),
            account_id: Set(binding.account.0),
            phone: Set(self.0.seal(&format!("phone.{row_id}"), binding.phone.as_str())),
            phone_index: Set(self.0.index("phone", binding.phone.as_str())),
            is_default: Set(binding.is_default),
            verified_at: Set(binding.verified_at.0),
            is_told: Set(false),
        })
        .on_conflict(OnConflict::columns(taken).do_nothing().to_owned())
        .try_insert()
        .exec_without_returning(&self.0.db())
        .await?;
        Ok(matches!(added, TryInsertResult::Inserted(1)))
    }

    /// `false`: it is not this account's.
    pub async fn drop_phone(&self, id: AccountId, phone: &Phone) -> Result<bool, StoreError> {
        let done = self
            .0
            .delete::<phone_binding::Entity>()
            .filter(phone_binding::Column::PhoneIndex.is_in(self.indexes_of(phone)))
            .filter(phone_binding::Column::AccountId.eq(id.0))
            .exec(&self.0.db())
            .await?;
        Ok(done.rows_affected == 1)
    }

    /// What is known of a number that the account has; `is_told`: by the registry alone.
    pub async fn verify_phone(
        &self,
        binding: &PhoneBinding,
        is_told: bool,
    ) -> Result<(), StoreError> {
        self.0
            .update::<phone_binding::Entity>()
            .col_expr(phone_binding::Column::VerifiedAt, Expr::value(binding.verified_at.0))
            .col_expr(phone_binding::Column::IsTold, Expr::value(is_told))
            .filter(phone_binding::Column::PhoneIndex.is_in(self.indexes_of(&binding.phone)))
            .filter(phone_binding::Column::AccountId.eq(binding.account.0))
            .exec(&self.0.db())
            .await?;
        Ok(())
    }

    /// In place of the one that was. `false`: it is not this account's.
    pub async fn make_default(&self, id: AccountId, phone: &Phone) -> Result<bool, StoreError> {
        self.no_default(id).await?;
        let done = self
            .0
            .update::<phone_binding::Entity>()
            .col_expr(phone_binding::Column::IsDefault, Expr::value(true))
            .filter(phone_binding::Column::PhoneIndex.is_in(self.indexes_of(phone)))
            .filter(phone_binding::Column::AccountId.eq(id.0))
            .exec(&self.0.db())
            .await?;
        Ok(done.rows_affected == 1)
    }

    /// For the moment before another is.
    pub async fn no_default(&self, id: AccountId) -> Result<(), StoreError> {
        self.0
            .update::<phone_binding::Entity>()
            .col_expr(phone_binding::Column::IsDefault, Expr::value(false))
            .filter(phone_binding::Column::AccountId.eq(id.0))
            .filter(phone_binding::Column::IsDefault.eq(true))
            .exec(&self.0.db())
            .await?;
        Ok(())
    }

    /// Several people have the number, says the registry, and nobody knows who used it last. `used_at`:
    /// when each of them did; the number goes to whoever is told to have done so later.
    pub async fn contest_phone(&self, phone: &Phone, used_at: Timestamp) -> Result<(), StoreError> {
        self.settle_phone(phone).await?;
        contested_phone::Entity::insert(contested_phone::ActiveModel {
            realm: Set(self.0.realm.to_owned()),
            phone_index: Set(self.0.index("phone", phone.as_str())),
            used_at: Set(used_at.0),
        })
        .exec_without_returning(&self.0.db())
        .await?;
        Ok(())
    }

    /// It is known whose the number is.
    pub async fn settle_phone(&self, phone: &Phone) -> Result<(), StoreError> {
        self.0
            .delete::<contested_phone::Entity>()
            .filter(contested_phone::Column::PhoneIndex.is_in(self.contested_indexes(phone)))
            .exec(&self.0.db())
            .await?;
        Ok(())
    }
}
