//! Which versions of a realm's files have been applied.

use sea_orm::{
    ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, TryInsertResult,
};

use super::entity::{person, realm_version};
use super::{Rows, StoreError, Writing};
use crate::base::clock::Timestamp;

pub struct RealmVersions<'c, A>(Rows<'c, A>);

impl<'c, A> Rows<'c, A> {
    pub fn realm_versions(self) -> RealmVersions<'c, A> {
        RealmVersions(self)
    }
}

/// An applied version of a realm's files.
pub struct RealmVersion {
    pub generation: i64,
    pub hash: String,
    /// The realm as JSON, without secrets.
    pub snapshot: String,
}

impl<A> RealmVersions<'_, A> {
    pub async fn latest(&self) -> Result<Option<RealmVersion>, StoreError> {
        let row = self
            .0
            .find::<realm_version::Entity>()
            .order_by_desc(realm_version::Column::Generation)
            .one(&self.0.db())
            .await?;
        Ok(row.map(|row| RealmVersion {
            generation: row.generation,
            hash: row.hash,
            snapshot: row.snapshot,
        }))
    }

    /// The newest generation of these files.
    pub async fn generation_of(&self, hash: &str) -> Result<Option<i64>, StoreError> {
        let row = self
            .0
            .find::<realm_version::Entity>()
            .filter(realm_version::Column::Hash.eq(hash))
            .order_by_desc(realm_version::Column::Generation)
            .one(&self.0.db())
            .await?;
        Ok(row.map(|row| row.generation))
    }

    /// Whether nobody is known in the realm yet.
    pub async fn is_empty(&self) -> Result<bool, StoreError> {
        let row = self.0.find::<person::Entity>().one(&self.0.db()).await?;
        Ok(row.is_none())
    }
}

impl RealmVersions<'_, Writing> {
    /// `false`: another node recorded this generation.
    pub async fn add(&self, version: &RealmVersion, now: Timestamp) -> Result<bool, StoreError> {
        realm_version::Entity::insert(realm_version::ActiveModel {
            realm: Set(self.0.realm.to_owned()),
            generation: Set(version.generation),
            hash: Set(version.hash.clone()),
            snapshot: Set(version.snapshot.clone()),
            applied_at: Set(now.0),
        })
        .on_conflict_do_nothing_on([
            realm_version::Column::Realm,
            realm_version::Column::Generation,
        ])
        .exec_without_returning(&self.0.db())
        .await
        .map(|done| matches!(done, TryInsertResult::Inserted(1..)))
        .map_err(StoreError::from)
    }
}
