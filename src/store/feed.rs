//! What the registry feeds have told: the newest version of each of their entries, and the row
//! that it became; and how far files were taken whose import has not ended.

use std::collections::HashMap;

use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QuerySelect};
use uuid::Uuid;

use super::entity::{feed_entry, feed_mark};
use super::{AT_ONCE, Rows, StoreError, Writing, evened};

pub struct Feed<'c, A>(Rows<'c, A>);

impl<'c, A> Rows<'c, A> {
    pub fn feed(self) -> Feed<'c, A> {
        Feed(self)
    }
}

impl<A> Feed<'_, A> {
    /// Version and target of an entry that is known.
    pub async fn find(
        &self,
        kind: &str,
        source_key: &str,
    ) -> Result<Option<(i64, Uuid)>, StoreError> {
        let row = self
            .0
            .find::<feed_entry::Entity>()
            .filter(feed_entry::Column::Kind.eq(kind))
            .filter(feed_entry::Column::SourceKey.eq(source_key))
            .one(&self.0.db())
            .await?;
        Ok(row.map(|row| (row.version, row.target_id)))
    }

    /// The versions of those of many entries that are known, by their keys.
    pub async fn versions(
        &self,
        kind: &str,
        source_keys: &[&str],
    ) -> Result<HashMap<String, i64>, StoreError> {
        let mut found = HashMap::new();
        for some in source_keys.chunks(AT_ONCE) {
            let known: Vec<(String, i64)> = self
                .0
                .find::<feed_entry::Entity>()
                .select_only()
                .columns([feed_entry::Column::SourceKey, feed_entry::Column::Version])
                .filter(feed_entry::Column::Kind.eq(kind))
                .filter(feed_entry::Column::SourceKey.is_in(evened(some.to_vec())))
                .into_tuple()
                .all(&self.0.db())
                .await?;
            found.extend(known);
        }
        Ok(found)
    }

    /// How far a file was taken when its import was broken off.
    pub async fn mark(&self, source: &str) -> Result<Option<Mark>, StoreError> {
        let row = self
            .0
            .find::<feed_mark::Entity>()
            .filter(feed_mark::Column::Source.eq(source))
            .one(&self.0.db())
            .await?;
        let Some(row) = row else { return Ok(None) };
        let count = |n: i64| {
            u64::try_from(n).map_err(|_| StoreError::inconsistent("feed_mark", "line", source))
        };
        Ok(Some(Mark {
            line: count(row.line)?,
            fingerprint: row.fingerprint,
            applied: count(row.applied)?,
            unchanged: count(row.unchanged)?,
            failed: count(row.failed)?,
            remarked: count(row.remarked)?,
        }))
    }

    /// What stands for a text that is read again; of lines with numbers of people, so it is keyed.
    pub fn fingerprint(&self, read: &str) -> Vec<u8> {
        self.0.index("feed_mark", read)
    }
}

/// How far a file was taken, and what became of its lines until there.
pub struct Mark {
    /// The last line, counted from one.
    pub line: u64,
    /// Of all lines until then, as [`Feed::fingerprint`] makes it.
    pub fingerprint: Vec<u8>,
    pub applied: u64,
    pub unchanged: u64,
    pub failed: u64,
    pub remarked: u64,
}

/// An entry that was not known, and the row that it became.
pub struct NewEntry<'e> {
    pub source_key: &'e str,
    pub version: i64,
    pub target: Uuid,
}

impl Feed<'_, Writing> {
    /// In place of what was kept of this file before.
    pub async fn keep_mark(&self, source: &str, mark: &Mark) -> Result<(), StoreError> {
        use feed_mark::Column;
        let count = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        let row = feed_mark::ActiveModel {
            realm: Set(self.0.realm.to_owned()),
            source: Set(source.to_owned()),
            line: Set(count(mark.line)),
            fingerprint: Set(mark.fingerprint.clone()),
            applied: Set(count(mark.applied)),
            unchanged: Set(count(mark.unchanged)),
            failed: Set(count(mark.failed)),
            remarked: Set(count(mark.remarked)),
        };
        let newer = [
            Column::Line,
            Column::Fingerprint,
            Column::Applied,
            Column::Unchanged,
            Column::Failed,
            Column::Remarked,
        ];
        let kept =
            OnConflict::columns([Column::Realm, Column::Source]).update_columns(newer).to_owned();
        let insert = feed_mark::Entity::insert(row).on_conflict(kept);
        insert.exec_without_returning(&self.0.db()).await?;
        Ok(())
    }

    /// The import has ended.
    pub async fn drop_mark(&self, source: &str) -> Result<(), StoreError> {
        self.0
            .delete::<feed_mark::Entity>()
            .filter(feed_mark::Column::Source.eq(source))
            .exec(&self.0.db())
            .await?;
        Ok(())
    }

    /// Many that were not known.
    pub async fn add_all(&self, kind: &str, entries: &[NewEntry<'_>]) -> Result<(), StoreError> {
        let row = |entry: &NewEntry<'_>| feed_entry::ActiveModel {
            realm: Set(self.0.realm.to_owned()),
            kind: Set(kind.to_owned()),
            source_key: Set(entry.source_key.to_owned()),
            version: Set(entry.version),
            target_id: Set(entry.target),
        };
        self.0.insert_all(entries.iter().map(row).collect()).await
    }

    /// `false`: somebody told this version or a newer one meanwhile.
    pub async fn record(
        &self,
        kind: &str,
        source_key: &str,
        known: Option<i64>,
        version: i64,
        target: Uuid,
    ) -> Result<bool, StoreError> {
        let db = self.0.db();
        if known.is_none() {
            let added = feed_entry::Entity::insert(feed_entry::ActiveModel {
                realm: Set(self.0.realm.to_owned()),
                kind: Set(kind.to_owned()),
                source_key: Set(source_key.to_owned()),
                version: Set(version),
                target_id: Set(target),
            })
            .on_conflict_do_nothing_on([
                feed_entry::Column::Realm,
                feed_entry::Column::Kind,
                feed_entry::Column::SourceKey,
            ])
            .exec_without_returning(&db)
            .await?;
            return Ok(matches!(added, sea_orm::TryInsertResult::Inserted(1)));
        }
        let done = self
            .0
            .update::<feed_entry::Entity>()
            .col_expr(feed_entry::Column::Version, Expr::value(version))
            .col_expr(feed_entry::Column::TargetId, Expr::value(target))
            .filter(feed_entry::Column::Kind.eq(kind))
            .filter(feed_entry::Column::SourceKey.eq(source_key))
            .filter(feed_entry::Column::Version.lt(version))
            .exec(&db)
            .await?;
        Ok(done.rows_affected == 1)
    }
}
