//! Which versions of a realm's files have been applied.

use sea_orm::{
    ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, TryInsertResult,
};

use super::entity::{person, realm_version};
use super::{Rows, StoreError};
use crate::base::clock::Timestamp;

pub struct RealmVersions<'c>(Rows<'c>);

impl<'c> Rows<'c> {
    pub fn realm_versions(self) -> RealmVersions<'c> {
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

impl RealmVersions<'_> {
    pub async fn latest(&self, realm: &str) -> Result<Option<RealmVersion>, StoreError> {
        let row = realm_version::Entity::find()
            .filter(realm_version::Column::Realm.eq(realm))
            .order_by_desc(realm_version::Column::Generation)
            .one(&self.0.db())
            .await?;
        Ok(row.map(|row| RealmVersion {
            generation: row.generation,
            hash: row.hash,
            snapshot: row.snapshot,
        }))
    }

    /// `false`: another node recorded this generation.
    pub async fn add(
        &self,
        realm: &str,
        version: &RealmVersion,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        realm_version::Entity::insert(realm_version::ActiveModel {
            realm: Set(realm.to_owned()),
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

    /// Whether nobody is known in the realm yet.
    pub async fn is_empty(&self, realm: &str) -> Result<bool, StoreError> {
        let row = person::Entity::find()
            .filter(person::Column::Realm.eq(realm))
            .one(&self.0.db())
            .await?;
        Ok(row.is_none())
    }
}
