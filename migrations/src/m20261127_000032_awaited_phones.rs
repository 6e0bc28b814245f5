//! Phones that wait a day before they are bound.

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
CREATE TABLE awaited_phone (
  id UUID NOT NULL PRIMARY KEY, realm TEXT NOT NULL, account_id UUID NOT NULL REFERENCES account(id),
  phone BYTEA NOT NULL, stop_hash BYTEA NOT NULL, verified_at BIGINT NOT NULL, due_at BIGINT NOT NULL);
CREATE UNIQUE INDEX awaited_phone_account ON awaited_phone (account_id);
CREATE UNIQUE INDEX awaited_phone_stop ON awaited_phone (stop_hash);
CREATE INDEX awaited_phone_due ON awaited_phone (realm, due_at);
";
