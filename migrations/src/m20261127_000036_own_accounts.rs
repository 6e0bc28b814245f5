//! What people see of their own account: since when a document is good, and the events of the audit by
//! whose they are. Those of before are found by nobody.

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
ALTER TABLE identity_document ADD COLUMN valid_from TEXT;
ALTER TABLE audit ADD COLUMN subject UUID;
CREATE INDEX audit_subject ON audit (realm, subject, sequence);
";
