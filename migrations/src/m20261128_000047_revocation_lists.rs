//! Revocation lists of certificate authorities, as they were fetched last.

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
CREATE TABLE revocation_list (
    realm TEXT NOT NULL,
    url TEXT NOT NULL,
    list BYTEA,
    fetched_at BIGINT,
    next_update BIGINT,
    due_at BIGINT NOT NULL,
    failure TEXT,
    PRIMARY KEY (realm, url)
);
";
