//! The roots from which values at rest are sealed, each wrapped by the master keys that may open it, and
//! when a node last worked at sealing anew.

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
CREATE TABLE data_root (
  id INTEGER NOT NULL PRIMARY KEY, suite TEXT NOT NULL, created_at BIGINT NOT NULL,
  active_from BIGINT NOT NULL, retired_at BIGINT, worked_until BIGINT NOT NULL);
CREATE TABLE data_root_wrap (
  root INTEGER NOT NULL REFERENCES data_root(id), keeper TEXT NOT NULL, wrapped BYTEA NOT NULL,
  PRIMARY KEY (root, keeper));
";
