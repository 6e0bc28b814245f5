//! Which of the earlier collections an officer made: a step of its own, so that nobody waits for the table
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

// Of earlier ones only a portrait that is kept here shows it.
const UP: &str = "
UPDATE hall_record SET is_told = FALSE WHERE portrait_id IS NOT NULL AND is_told = TRUE;
";
