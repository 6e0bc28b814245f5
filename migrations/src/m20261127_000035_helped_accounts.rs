//! What the bureau has done to accounts to help their people: locked, unlocked, the password expired.

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
ALTER TABLE account ADD COLUMN locked_at BIGINT;
ALTER TABLE account ADD COLUMN unlocked_at BIGINT;
ALTER TABLE account ADD COLUMN password_expired_at BIGINT;
";
