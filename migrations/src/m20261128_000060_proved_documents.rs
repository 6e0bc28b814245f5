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

// Of earlier ones step 62 tells it: nobody reads the table until this one has ended.
const UP: &str = "
ALTER TABLE identity_document ADD COLUMN is_proved BOOLEAN NOT NULL DEFAULT FALSE;
";
