//! Browsers that a person has asked to be known by.

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
CREATE TABLE remembered_device (
  hash BYTEA NOT NULL PRIMARY KEY, id UUID NOT NULL, account_id UUID NOT NULL REFERENCES account(id),
  entrance TEXT NOT NULL, password_hash BYTEA NOT NULL, device TEXT NOT NULL,
  created_at BIGINT NOT NULL, expires_at BIGINT NOT NULL);
CREATE INDEX remembered_device_account ON remembered_device (account_id);
CREATE INDEX remembered_device_expires ON remembered_device (expires_at);
";
