//! What is due is found in the order of its turns: a step of its own, so that nobody waits for the table while
//! the index is made.

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
DROP INDEX delivery_due;
CREATE INDEX delivery_due ON delivery (realm, state, client_id, channel, turn, next_try_at);
";
