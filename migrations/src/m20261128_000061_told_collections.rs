//! Which collections a hall's own system told and which an officer made at the console: of one day the latter
//! counts.

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

// Of earlier ones step 63 tells it: nobody reads the table until this one has ended.
const UP: &str = "
ALTER TABLE hall_record ADD COLUMN is_told BOOLEAN NOT NULL DEFAULT TRUE;
";
