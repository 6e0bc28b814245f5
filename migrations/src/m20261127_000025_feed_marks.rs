//! How far the import of a file has come, so that one that was broken off goes on from there.

use sea_orm_migration::prelude::{
    DbErr, DeriveMigrationName, MigrationTrait, SchemaManager, async_trait,
};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::run(manager, UP).await
    }
}

const UP: &str = "
CREATE TABLE feed_mark (
  realm TEXT NOT NULL, source TEXT NOT NULL, line BIGINT NOT NULL, fingerprint BYTEA NOT NULL,
  applied BIGINT NOT NULL, unchanged BIGINT NOT NULL, failed BIGINT NOT NULL, remarked BIGINT NOT NULL,
  PRIMARY KEY (realm, source));
";
