//! Which of the earlier documents were proved here: a step of its own, so that nobody waits for the table
//! while its rows are gone through.

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
UPDATE identity_document SET is_proved = TRUE WHERE valid_from IS NOT NULL AND is_proved = FALSE;
";
