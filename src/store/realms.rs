//! Which versions of a realm's files have been applied.

use sea_orm::{
    ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select,
    TryInsertResult,
};

use super::entity::person;
use super::entity::realm_version::{ActiveModel, Column, Entity, Model};
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
    /// The files, as `realm::files` writes them down; `None`: recorded before they were kept.
    pub files: Option<String>,
    pub applied_at: Timestamp,
}

impl<A> RealmVersions<'_, A> {
    pub async fn latest(&self) -> Result<Option<RealmVersion>, StoreError> {
        let newest = self.newest().one(&self.0.db()).await?;
        newest.map(|row| self.read(row)).transpose()
    }

    /// Newest first.
    pub async fn all(&self, limit: u64) -> Result<Vec<RealmVersion>, StoreError> {
        let rows = self.newest().limit(limit).all(&self.0.db()).await?;
        rows.into_iter().map(|row| self.read(row)).collect()
    }

    pub async fn find(&self, generation: i64) -> Result<Option<RealmVersion>, StoreError> {
        let one = self.newest().filter(Column::Generation.eq(generation));
        one.one(&self.0.db()).await?.map(|row| self.read(row)).transpose()
    }

    /// The one that ran then.
    pub async fn at(&self, at: Timestamp) -> Result<Option<RealmVersion>, StoreError> {
        let one = self.newest().filter(Column::AppliedAt.lte(at.0));
        one.one(&self.0.db()).await?.map(|row| self.read(row)).transpose()
    }

    fn newest(&self) -> Select<Entity> {
        self.0.find::<Entity>().order_by_desc(Column::Generation)
    }

    fn read(&self, row: Model) -> Result<RealmVersion, StoreError> {
        let place = place(self.0.realm, row.generation);
        let files = row.files.map(|sealed| self.0.unseal(&place, &sealed)).transpose()?;
        Ok(RealmVersion {
            generation: row.generation,
            hash: row.hash,
            snapshot: row.snapshot,
            files,
            applied_at: Timestamp(row.applied_at),
        })
    }

    /// The newest generation of these files.
    pub async fn generation_of(&self, hash: &str) -> Result<Option<i64>, StoreError> {
        let row = self
            .0
            .find::<Entity>()
            .filter(Column::Hash.eq(hash))
            .order_by_desc(Column::Generation)
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
    pub async fn add(&self, version: &RealmVersion) -> Result<bool, StoreError> {
        let place = place(self.0.realm, version.generation);
        Entity::insert(ActiveModel {
            realm: Set(self.0.realm.to_owned()),
            generation: Set(version.generation),
            hash: Set(version.hash.clone()),
            snapshot: Set(version.snapshot.clone()),
            applied_at: Set(version.applied_at.0),
            files: Set(version.files.as_deref().map(|files| self.0.seal(&place, files))),
        })
        .on_conflict_do_nothing_on([Column::Realm, Column::Generation])
        .exec_without_returning(&self.0.db())
        .await
        .map(|done| matches!(done, TryInsertResult::Inserted(1..)))
        .map_err(StoreError::from)
    }
}

fn place(realm: &str, generation: i64) -> String {
    format!("realm_version.{realm}.{generation}")
}
