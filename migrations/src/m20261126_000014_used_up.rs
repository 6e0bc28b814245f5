//! What works once and was used, until it would have expired anyway. In the transaction of what it
//! was used for, so that the one never stands without the other.

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
CREATE TABLE used_up (
  realm TEXT NOT NULL, kind TEXT NOT NULL, hash BYTEA NOT NULL, expires_at BIGINT NOT NULL,
  PRIMARY KEY (realm, kind, hash));
CREATE INDEX used_up_over ON used_up (expires_at);
";
