//! What a hall has collected is never overwritten: a newer version takes the place of the one before. Portraits
//! that officers take at the console, sealed.

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
CREATE TABLE hall_portrait (
  id UUID NOT NULL PRIMARY KEY, realm TEXT NOT NULL, kind TEXT NOT NULL, content BYTEA NOT NULL,
  added_at BIGINT NOT NULL);
ALTER TABLE hall_record ADD COLUMN superseded_at BIGINT;
ALTER TABLE hall_record ADD COLUMN portrait_id UUID REFERENCES hall_portrait (id);
DROP INDEX hall_record_document;
CREATE UNIQUE INDEX hall_record_document ON hall_record (realm, kind, number_index)
  WHERE superseded_at IS NULL;
CREATE INDEX hall_record_versions ON hall_record (realm, kind, number_index, id);
";
