//! The sign-in log, the audit chain and the versions of realms.

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
CREATE TABLE login_log (
  id UUID NOT NULL PRIMARY KEY, realm TEXT NOT NULL, person_id UUID, at BIGINT NOT NULL,
  way TEXT NOT NULL, entrance TEXT NOT NULL, enterprise_id UUID, identity_type TEXT,
  outcome TEXT NOT NULL, ip TEXT NOT NULL, device TEXT NOT NULL);
CREATE INDEX login_log_person ON login_log (person_id, at);
CREATE INDEX login_log_enterprise ON login_log (enterprise_id, at);

CREATE TABLE audit (
  realm TEXT NOT NULL, sequence BIGINT NOT NULL, at BIGINT NOT NULL, event TEXT NOT NULL,
  hash TEXT NOT NULL, PRIMARY KEY (realm, sequence));

CREATE TABLE audit_head (
  realm TEXT NOT NULL PRIMARY KEY, sequence BIGINT NOT NULL, hash TEXT NOT NULL);

CREATE TABLE realm_version (
  realm TEXT NOT NULL, generation BIGINT NOT NULL, hash TEXT NOT NULL, snapshot TEXT NOT NULL,
  applied_at BIGINT NOT NULL, PRIMARY KEY (realm, generation));
";
