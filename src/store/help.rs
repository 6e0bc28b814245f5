//! What the bureau does to accounts to help their people.

use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, QueryFilter};

use super::accounts::{Accounts, next_era};
use super::entity::account::{Column, Entity};
use super::{StoreError, Writing};
use crate::base::clock::Timestamp;
use crate::base::id::AccountId;

impl Accounts<'_, Writing> {
    /// `false`: it is cancelled, or locked already.
    pub async fn lock_account(&self, id: AccountId, now: Timestamp) -> Result<bool, StoreError> {
        let done = self
            .0
            .update::<Entity>()
            .col_expr(Column::LockedAt, Expr::value(now.0))
            .filter(Column::Id.eq(id.0))
            .filter(Column::Status.eq("active"))
            .filter(Column::LockedAt.is_null())
            .exec(&self.0.db())
            .await?;
        Ok(done.rows_affected == 1)
    }

    /// Whether it was locked or only guessed at, with a new era; `false`: it is cancelled.
    pub async fn unlock_account(&self, id: AccountId, now: Timestamp) -> Result<bool, StoreError> {
        let done = self
            .0
            .update::<Entity>()
            .col_expr(Column::LockedAt, Expr::value(None::<i64>))
            .col_expr(Column::UnlockedAt, Expr::value(now.0))
            .col_expr(Column::Era, next_era())
            .filter(Column::Id.eq(id.0))
            .filter(Column::Status.eq("active"))
            .exec(&self.0.db())
            .await?;
        Ok(done.rows_affected == 1)
    }

    /// With a new era: what the password has proved counts no longer. `false`: it is cancelled, has no password of
    /// its own, or that has expired already.
    pub async fn expire_password(&self, id: AccountId, now: Timestamp) -> Result<bool, StoreError> {
        let done = self
            .0
            .update::<Entity>()
            .col_expr(Column::PasswordExpiredAt, Expr::value(now.0))
            .col_expr(Column::Era, next_era())
            .filter(Column::Id.eq(id.0))
            .filter(Column::Status.eq("active"))
            .filter(Column::PasswordHash.is_not_null())
            .filter(Column::PasswordExpiredAt.is_null())
            .exec(&self.0.db())
            .await?;
        Ok(done.rows_affected == 1)
    }
}
