//! What the tax service halls have collected of people, sealed, found by the document's number.

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
CREATE TABLE hall_record (
  id UUID NOT NULL PRIMARY KEY, realm TEXT NOT NULL, kind TEXT NOT NULL,
  number BYTEA NOT NULL, number_index BYTEA NOT NULL, name BYTEA NOT NULL, phone BYTEA,
  sex TEXT, nationality TEXT NOT NULL, valid_to TEXT, verified_by_sight BOOLEAN NOT NULL,
  portrait BYTEA, collected_on TEXT NOT NULL, collected_by TEXT NOT NULL);
CREATE UNIQUE INDEX hall_record_document ON hall_record (realm, kind, number_index);
";
