//! Authenticator apps and recovery codes.

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
CREATE TABLE authenticator (
  account_id UUID NOT NULL PRIMARY KEY REFERENCES account(id), secret BYTEA NOT NULL,
  confirmed_at BIGINT, last_step BIGINT NOT NULL);

CREATE TABLE recovery_code (
  account_id UUID NOT NULL REFERENCES account(id), hash BYTEA NOT NULL, used_at BIGINT,
  PRIMARY KEY (account_id, hash));
";
