//! Signing keys; the private half is sealed with the master key.

use sea_orm::sea_query::Expr;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use super::entity::signing_key;
use super::{Rows, StoreError, Writing};
use crate::base::clock::Timestamp;

/// A key as it is kept.
pub struct StoredKey {
    pub kid: String,
    pub algorithm: String,
    /// The private JWK as JSON.
    pub private: String,
    /// Signs new tokens; otherwise it only verifies older ones until it retires.
    pub is_current: bool,
    pub created_at: Timestamp,
    pub retires_at: Option<Timestamp>,
}

pub struct Keys<'c, A>(Rows<'c, A>);

impl<'c, A> Rows<'c, A> {
    pub fn keys(self) -> Keys<'c, A> {
        Keys(self)
    }
}

impl<A> Keys<'_, A> {
    /// Current ones and those that still verify at `now`.
    pub async fn list(&self, now: Timestamp) -> Result<Vec<StoredKey>, StoreError> {
        let rows = self
            .0
            .find::<signing_key::Entity>()
            .order_by_asc(signing_key::Column::CreatedAt)
            .order_by_asc(signing_key::Column::Kid)
            .all(&self.0.db())
            .await?;
        let mut keys = Vec::new();
        for row in rows {
            if row.retires_at.is_some_and(|at| at <= now.0) {
                continue;
            }
            let private = self.0.unseal(&format!("key.{}", row.kid), &row.private)?;
            keys.push(StoredKey {
                private,
                kid: row.kid,
                algorithm: row.algorithm,
                is_current: row.state == "current",
                created_at: Timestamp(row.created_at),
                retires_at: row.retires_at.map(Timestamp),
            });
        }
        Ok(keys)
    }
}

impl Keys<'_, Writing> {
    /// Stops signing with the current key of an algorithm; it verifies until `retires_at`.
    pub async fn supersede(
        &self,
        algorithm: &str,
        retires_at: Timestamp,
    ) -> Result<(), StoreError> {
        self.0
            .update::<signing_key::Entity>()
            .col_expr(signing_key::Column::State, Expr::value("superseded"))
            .col_expr(signing_key::Column::RetiresAt, Expr::value(retires_at.0))
            .filter(signing_key::Column::Algorithm.eq(algorithm))
            .filter(signing_key::Column::State.eq("current"))
            .exec(&self.0.db())
            .await?;
        Ok(())
    }

    /// A key that no longer verifies anything from `now` on; `false` when it still signs.
    pub async fn retire(&self, kid: &str, now: Timestamp) -> Result<bool, StoreError> {
        let done = self
            .0
            .update::<signing_key::Entity>()
            .col_expr(signing_key::Column::RetiresAt, Expr::value(now.0))
            .filter(signing_key::Column::Kid.eq(kid))
            .filter(signing_key::Column::State.eq("superseded"))
            .exec(&self.0.db())
            .await?;
        Ok(done.rows_affected == 1)
    }

    pub async fn add(&self, key: &StoredKey) -> Result<(), StoreError> {
        signing_key::Entity::insert(signing_key::ActiveModel {
            kid: Set(key.kid.clone()),
            realm: Set(self.0.realm.to_owned()),
            algorithm: Set(key.algorithm.clone()),
            private: Set(self.0.seal(&format!("key.{}", key.kid), &key.private)),
            state: Set("current".to_owned()),
            created_at: Set(key.created_at.0),
            retires_at: Set(None),
        })
        .exec_without_returning(&self.0.db())
        .await?;
        Ok(())
    }
}
