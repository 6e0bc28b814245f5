//! What the registry feeds have told: the newest version of each of their entries, and the row
//! that it became.

use sea_orm::sea_query::Expr;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};
use uuid::Uuid;

use super::entity::feed_entry;
use super::{Rows, StoreError, Writing};

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
}

impl Feed<'_, Writing> {
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
            .filter(feed_entry::Column::Kind.eq(kind))
            .filter(feed_entry::Column::SourceKey.eq(source_key))
            .filter(feed_entry::Column::Version.lt(version))
            .exec(&db)
            .await?;
        Ok(done.rows_affected == 1)
    }
}
