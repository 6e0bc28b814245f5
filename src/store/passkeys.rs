//! Passkeys of accounts: public halves and counters.

use sea_orm::sea_query::Expr;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use uuid::Uuid;

use super::entity::passkey::{ActiveModel, Column, Entity, Model};
use super::{Rows, StoreError, Writing};
use crate::base::clock::Timestamp;
use crate::base::id::AccountId;
use crate::domain::passkey::Credential;

/// A passkey, as its person sees it and as it is checked.
pub struct StoredPasskey {
    pub id: Uuid,
    pub account: AccountId,
    pub credential: Credential,
    /// What the person called it.
    pub name: String,
    pub created_at: Timestamp,
    pub used_at: Option<Timestamp>,
}

pub struct Passkeys<'c, A>(Rows<'c, A>);

impl<'c, A> Rows<'c, A> {
    pub fn passkeys(self) -> Passkeys<'c, A> {
        Passkeys(self)
    }
}

impl<A> Passkeys<'_, A> {
    /// Oldest first.
    pub async fn list(&self, account: AccountId) -> Result<Vec<StoredPasskey>, StoreError> {
        let rows = self
            .0
            .find::<Entity>()
            .filter(Column::AccountId.eq(account.0))
            .order_by_asc(Column::CreatedAt)
            .order_by_asc(Column::Id)
            .all(&self.0.db())
            .await?;
        rows.into_iter().map(read).collect()
    }

    pub async fn find(&self, credential_id: &[u8]) -> Result<Option<StoredPasskey>, StoreError> {
        let row = self.0.find::<Entity>().filter(Column::CredentialId.eq(credential_id));
        row.one(&self.0.db()).await?.map(read).transpose()
    }
}

impl Passkeys<'_, Writing> {
    pub async fn add(&self, new: &StoredPasskey) -> Result<(), StoreError> {
        Entity::insert(ActiveModel {
            realm: Set(self.0.realm.to_owned()),
            id: Set(new.id),
            account_id: Set(new.account.0),
            credential_id: Set(new.credential.id().to_vec()),
            credential: Set(text(&new.credential)?),
            name: Set(new.name.clone()),
            created_at: Set(new.created_at.0),
            used_at: Set(None),
        })
        .exec_without_returning(&self.0.db())
        .await?;
        Ok(())
    }

    /// The counter moved on; `false` when the passkey is gone.
    pub async fn used(
        &self,
        id: Uuid,
        credential: &Credential,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let done = self
            .0
            .update::<Entity>()
            .col_expr(Column::Credential, Expr::value(text(credential)?))
            .col_expr(Column::UsedAt, Expr::value(now.0))
            .filter(Column::Id.eq(id))
            .exec(&self.0.db())
            .await?;
        Ok(done.rows_affected == 1)
    }

    /// `false` when there was none of this account.
    pub async fn remove(&self, account: AccountId, id: Uuid) -> Result<bool, StoreError> {
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

fn text(credential: &Credential) -> Result<String, StoreError> {
    serde_json::to_string(credential)
        .map_err(|_| StoreError::inconsistent("passkey", "credential", "new"))
}

fn read(row: Model) -> Result<StoredPasskey, StoreError> {
    Ok(StoredPasskey {
        credential: serde_json::from_str(&row.credential)
            .map_err(|_| StoreError::inconsistent("passkey", "credential", row.id))?,
        id: row.id,
        account: AccountId(row.account_id),
        name: row.name,
        created_at: Timestamp(row.created_at),
        used_at: row.used_at.map(Timestamp),
    })
}
