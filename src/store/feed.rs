//! What the registry feeds have told: the newest version of each of their entries, and the row
//! that it became.

use sea_orm::sea_query::Expr;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};
use uuid::Uuid;

use super::entity::feed_entry;
use super::{Rows, StoreError};

pub struct Feed<'c>(Rows<'c>);

impl<'c> Rows<'c> {
    pub fn feed(self) -> Feed<'c> {
        Feed(self)
    }
}

impl Feed<'_> {
    /// Version and target of an entry that is known.
    pub async fn find(
        &self,
        realm: &str,
        kind: &str,
        source_key: &str,
    ) -> Result<Option<(i64, Uuid)>, StoreError> {
        let key = (realm.to_owned(), kind.to_owned(), source_key.to_owned());
        let row = feed_entry::Entity::find_by_id(key).one(&self.0.db()).await?;
        Ok(row.map(|row| (row.version, row.target_id)))
    }

    /// `false`: somebody told this version or a newer one meanwhile.
    pub async fn record(
        &self,
        (realm, kind, source_key): (&str, &str, &str),
        known: Option<i64>,
        version: i64,
        target: Uuid,
    ) -> Result<bool, StoreError> {
        let db = self.0.db();
        if known.is_none() {
            let added = feed_entry::Entity::insert(feed_entry::ActiveModel {
                realm: Set(realm.to_owned()),
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
        let done = feed_entry::Entity::update_many()
            .col_expr(feed_entry::Column::Version, Expr::value(version))
            .filter(feed_entry::Column::Realm.eq(realm))
            .filter(feed_entry::Column::Kind.eq(kind))
            .filter(feed_entry::Column::SourceKey.eq(source_key))
            .filter(feed_entry::Column::Version.lt(version))
            .exec(&db)
            .await?;
        Ok(done.rows_affected == 1)
    }
}
