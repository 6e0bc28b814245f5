//! Names of non-resident enterprises by their hash: a step of its own, since it needs its table for itself
//! while nodes serve.

use sea_orm_migration::prelude::{
    DbErr, DeriveMigrationName, MigrationTrait, SchemaManager, async_trait,
};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // Step 52 made it for a while; and on SQLite this one may have been broken off behind it.
        if !manager.has_column("enterprise", "name_hash").await? {
            crate::run(manager, COLUMN).await?;
        }
        crate::run(manager, INDEX).await
    }
}

// Hashes come with the next line about an enterprise; until then its name is compared as it is.
const COLUMN: &str = "
ALTER TABLE enterprise ADD COLUMN name_hash BYTEA;
";

const INDEX: &str = "
DROP INDEX IF EXISTS enterprise_non_resident;
CREATE INDEX enterprise_non_resident ON enterprise (realm, name_hash) WHERE kind = 'non_resident';
";
