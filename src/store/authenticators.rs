//! Authenticator apps of accounts, sealed, and recovery codes, hashed. Both are used up by one
//! conditional write.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};

use super::entity::{authenticator, recovery_code};
use super::{Rows, StoreError, Writing};
use crate::base::clock::Timestamp;
use crate::base::id::AccountId;
use crate::base::secret::Hashed;

pub struct StoredAuthenticator {
    pub secret: Vec<u8>,
    pub is_confirmed: bool,
}

pub struct Authenticators<'c, A>(Rows<'c, A>);

impl<'c, A> Rows<'c, A> {
    pub fn authenticators(self) -> Authenticators<'c, A> {
        Authenticators(self)
    }
}

impl<A> Authenticators<'_, A> {
    pub async fn find(&self, id: AccountId) -> Result<Option<StoredAuthenticator>, StoreError> {
        let row = self
            .0
            .find::<authenticator::Entity>()
            .filter(authenticator::Column::AccountId.eq(id.0))
            .one(&self.0.db())
            .await?;
        let Some(row) = row else { return Ok(None) };
        let text = self.0.unseal(&place(id), &row.secret)?;
        let secret = BASE64_STANDARD
            .decode(text)
            .map_err(|_| StoreError::inconsistent("authenticator", "secret", id))?;
        Ok(Some(StoredAuthenticator { secret, is_confirmed: row.confirmed_at.is_some() }))
    }

    /// How many are left.
    pub async fn recovery_codes_left(&self, id: AccountId) -> Result<u64, StoreError> {
        Ok(self
            .0
            .find::<recovery_code::Entity>()
            .filter(recovery_code::Column::AccountId.eq(id.0))
            .filter(recovery_code::Column::UsedAt.is_null())
            .count(&self.0.db())
            .await?)
    }
}

impl Authenticators<'_, Writing> {
    /// An app that has proved with this step that it works, in place of whatever there was.
    pub async fn replace(
        &self,
        id: AccountId,
        secret: &[u8],
        step: i64,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.remove(id).await?;
        authenticator::Entity::insert(authenticator::ActiveModel {
            realm: Set(self.0.realm.to_owned()),
            account_id: Set(id.0),
            secret: Set(self.0.seal(&place(id), &BASE64_STANDARD.encode(secret))),
            confirmed_at: Set(Some(now.0)),
            last_step: Set(step),
        })
        .exec_without_returning(&self.0.db())
        .await?;
        Ok(())
    }

    /// Remembers a step that matched; `false` when it or a later one was used before
    /// (RFC 6238 §5.2).
    pub async fn take_step(&self, id: AccountId, step: i64) -> Result<bool, StoreError> {
        let done = self
            .0
            .update::<authenticator::Entity>()
            .col_expr(authenticator::Column::LastStep, Expr::value(step))
            .filter(authenticator::Column::AccountId.eq(id.0))
            .filter(authenticator::Column::LastStep.lt(step))
            .exec(&self.0.db())
            .await?;
        Ok(done.rows_affected == 1)
    }

    pub async fn forget_recovery_codes(&self, id: AccountId) -> Result<(), StoreError> {
        self.0
            .delete::<recovery_code::Entity>()
            .filter(recovery_code::Column::AccountId.eq(id.0))
            .exec(&self.0.db())
            .await?;
        Ok(())
    }

    /// `false`: there was none.
    pub async fn remove(&self, id: AccountId) -> Result<bool, StoreError> {
        self.forget_recovery_codes(id).await?;
        let done = self
            .0
            .delete::<authenticator::Entity>()
            .filter(authenticator::Column::AccountId.eq(id.0))
            .exec(&self.0.db())
            .await?;
        Ok(done.rows_affected == 1)
    }

    pub async fn add_recovery_code(&self, id: AccountId, code: Hashed) -> Result<(), StoreError> {
        recovery_code::Entity::insert(recovery_code::ActiveModel {
            realm: Set(self.0.realm.to_owned()),
            account_id: Set(id.0),
            hash: Set(code.0.to_vec()),
            used_at: Set(None),
        })
        .exec_without_returning(&self.0.db())
        .await?;
        Ok(())
    }

    /// `false`: unknown, or used before.
    pub async fn take_recovery_code(
        &self,
        id: AccountId,
        code: Hashed,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let done = self
            .0
            .update::<recovery_code::Entity>()
            .col_expr(recovery_code::Column::UsedAt, Expr::value(now.0))
            .filter(recovery_code::Column::AccountId.eq(id.0))
            .filter(recovery_code::Column::Hash.eq(code.0.to_vec()))
            .filter(recovery_code::Column::UsedAt.is_null())
            .exec(&self.0.db())
            .await?;
        Ok(done.rows_affected == 1)
    }

    /// It was taken for nothing.
    pub async fn give_back_recovery_code(
        &self,
        id: AccountId,
        code: Hashed,
    ) -> Result<(), StoreError> {
        self.0
            .update::<recovery_code::Entity>()
            .col_expr(recovery_code::Column::UsedAt, Expr::value(None::<i64>))
            .filter(recovery_code::Column::AccountId.eq(id.0))
            .filter(recovery_code::Column::Hash.eq(code.0.to_vec()))
            .exec(&self.0.db())
            .await?;
        Ok(())
    }
}

fn place(id: AccountId) -> String {
    format!("authenticator.{id}")
}
