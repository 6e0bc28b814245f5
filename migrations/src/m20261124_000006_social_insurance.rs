//! Which enterprises pay social insurance through the bureau.

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
ALTER TABLE enterprise ADD COLUMN pays_social_insurance BOOLEAN NOT NULL DEFAULT FALSE;
";
