//! Signing keys; the private half is sealed with the master key.

use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, DbBackend, EntityTrait, QueryFilter,
    QueryOrder,
};

use super::entity::signing_key;
use super::{Rows, StoreError, Writing};
use crate::base::clock::Timestamp;
use crate::domain::signing_key::KeyTimes;

/// A key as it is kept.
pub struct StoredKey {
    pub times: KeyTimes,
    /// The private JWK as JSON.
    pub private: String,
}

pub struct Keys<'c, A>(Rows<'c, A>);

impl<'c, A> Rows<'c, A> {
    pub fn keys(self) -> Keys<'c, A> {
        Keys(self)
    }
}

impl<A> Keys<'_, A> {
    async fn all(&self) -> Result<Vec<signing_key::Model>, StoreError> {
        let keys = self.0.find::<signing_key::Entity>();
        let keys = keys
            .order_by_asc(signing_key::Column::CreatedAt)
            .order_by_asc(signing_key::Column::Kid);
        Ok(keys.all(&self.0.db()).await?)
    }

    /// Every key the realm ever had, oldest first, without what it signs with.
    pub async fn times(&self) -> Result<Vec<KeyTimes>, StoreError> {
        Ok(self.all().await?.iter().map(times).collect())
    }

    /// Those that verify at `now`.
    pub async fn list(&self, now: Timestamp) -> Result<Vec<StoredKey>, StoreError> {
        let mut keys = Vec::new();
        for row in self.all().await? {
            let times = times(&row);
            if times.is_retired(now) {
                continue;
            }
            let private = self.0.unseal(&format!("key.{}", row.kid), &row.private)?;
            keys.push(StoredKey { times, private });
        }
        Ok(keys)
    }
}

fn times(row: &signing_key::Model) -> KeyTimes {
    KeyTimes {
        kid: row.kid.clone(),
        algorithm: row.algorithm.clone(),
        created_at: Timestamp(row.created_at),
        active_at: Timestamp(row.active_at),
        retires_at: row.retires_at.map(Timestamp),
    }
}

impl Keys<'_, Writing> {
    /// Until the transaction ends nobody else adds a key: two nodes that start together make one
    /// between them. SQLite's writer is alone anyway.
    pub async fn hold(&self) -> Result<(), StoreError> {
        let db = self.0.db();
        if db.get_database_backend() == DbBackend::Postgres {
            db.execute_unprepared("LOCK TABLE signing_key IN SHARE ROW EXCLUSIVE MODE").await?;
        }
        Ok(())
    }

    /// The keys of an algorithm that have no end yet verify until `retires_at`.
    pub async fn supersede(
        &self,
        algorithm: &str,
        retires_at: Timestamp,
    ) -> Result<(), StoreError> {
        self.0
            .update::<signing_key::Entity>()
            .col_expr(signing_key::Column::RetiresAt, Expr::value(retires_at.0))
            .filter(signing_key::Column::Algorithm.eq(algorithm))
            .filter(signing_key::Column::RetiresAt.is_null())
            .exec(&self.0.db())
            .await?;
        Ok(())
    }

    /// An announced key signs from `now` on.
    pub async fn bring_forward(&self, kid: &str, now: Timestamp) -> Result<(), StoreError> {
        self.0
            .update::<signing_key::Entity>()
            .col_expr(signing_key::Column::ActiveAt, Expr::value(now.0))
            .filter(signing_key::Column::Kid.eq(kid))
            .filter(signing_key::Column::ActiveAt.gt(now.0))
            .exec(&self.0.db())
            .await?;
        Ok(())
    }

    /// From `now` on a key verifies nothing.
    pub async fn retire(&self, kid: &str, now: Timestamp) -> Result<(), StoreError> {
        let still = Condition::any()
            .add(signing_key::Column::RetiresAt.is_null())
            .add(signing_key::Column::RetiresAt.gt(now.0));
        self.0
            .update::<signing_key::Entity>()
            .col_expr(signing_key::Column::RetiresAt, Expr::value(now.0))
            .filter(signing_key::Column::Kid.eq(kid))
            .filter(still)
            .exec(&self.0.db())
            .await?;
        Ok(())
    }

    pub async fn add(&self, key: &StoredKey) -> Result<(), StoreError> {
        let times = &key.times;
        signing_key::Entity::insert(signing_key::ActiveModel {
            kid: Set(times.kid.clone()),
            realm: Set(self.0.realm.to_owned()),
            algorithm: Set(times.algorithm.clone()),
            private: Set(self.0.seal(&format!("key.{}", times.kid), &key.private)),
            created_at: Set(times.created_at.0),
            active_at: Set(times.active_at.0),
            retires_at: Set(times.retires_at.map(|at| at.0)),
        })
        .exec_without_returning(&self.0.db())
        .await?;
        Ok(())
    }
}
