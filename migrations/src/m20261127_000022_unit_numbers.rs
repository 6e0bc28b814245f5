//! Units that pay social insurance have a number of their own there (I-02); documents that have ended
//! are found by their day (L-12).

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
ALTER TABLE enterprise ADD COLUMN unit_number TEXT;
CREATE UNIQUE INDEX enterprise_unit ON enterprise (realm, unit_number);
CREATE INDEX identity_document_end ON identity_document (realm, valid_to)
  WHERE valid_to IS NOT NULL;
";
