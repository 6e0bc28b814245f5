//! Which documents were proved here, by a face: the registry's older word does not take their place.

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

// Whoever has proved one has told since when it is good; the registry tells no beginning.
const UP: &str = "
ALTER TABLE identity_document ADD COLUMN is_proved BOOLEAN NOT NULL DEFAULT FALSE;
UPDATE identity_document SET is_proved = TRUE WHERE valid_from IS NOT NULL;
";
