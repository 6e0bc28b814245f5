//! A key is published before it signs. What a key is now follows from its moments; a state beside
//! them could only contradict.

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
ALTER TABLE signing_key ADD COLUMN active_at BIGINT NOT NULL DEFAULT 0;
UPDATE signing_key SET active_at = created_at;
DROP INDEX signing_key_current;
ALTER TABLE signing_key DROP COLUMN state;
";
