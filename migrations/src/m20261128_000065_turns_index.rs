//! What is due is found in the order of its turns: a step of its own, so that whoever reads the table waits neither
//! for the column before nor for the index to be made. Whoever writes to it waits for that; readers only while the
//! former index is dropped, which is therefore last.

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
CREATE INDEX delivery_in_turn ON delivery (realm, state, client_id, channel, turn, next_try_at, id);
DROP INDEX delivery_due;
";
