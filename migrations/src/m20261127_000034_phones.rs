//! Which phones only the registry has told, which numbers it told of several people, and when a username
//! was changed last.

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
ALTER TABLE phone_binding ADD COLUMN is_told BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE account ADD COLUMN username_changed_at BIGINT;

CREATE TABLE contested_phone (
  realm TEXT NOT NULL, phone_index BYTEA NOT NULL, used_at BIGINT NOT NULL,
  PRIMARY KEY (realm, phone_index));
";
