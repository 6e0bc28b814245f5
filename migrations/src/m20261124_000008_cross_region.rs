//! Cross-region records with the handlers that they name, and what the registry feeds have told.

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
CREATE TABLE cross_region_record (
  id UUID NOT NULL PRIMARY KEY, realm TEXT NOT NULL,
  enterprise_id UUID NOT NULL REFERENCES enterprise(id), kind TEXT NOT NULL,
  record_no TEXT NOT NULL, number_key TEXT NOT NULL, project_name TEXT NOT NULL,
  division TEXT NOT NULL, tax_authority TEXT NOT NULL,
  valid_from TEXT NOT NULL, valid_to TEXT, state TEXT NOT NULL, permissions TEXT NOT NULL);
CREATE UNIQUE INDEX cross_region_record_no ON cross_region_record (realm, kind, number_key);
CREATE INDEX cross_region_record_of ON cross_region_record (enterprise_id, kind, number_key);

CREATE TABLE record_handler (
  record_id UUID NOT NULL REFERENCES cross_region_record(id),
  person_id UUID NOT NULL REFERENCES person(id), PRIMARY KEY (record_id, person_id));
CREATE INDEX record_handler_person ON record_handler (person_id);

CREATE TABLE feed_entry (
  realm TEXT NOT NULL, kind TEXT NOT NULL, source_key TEXT NOT NULL, version BIGINT NOT NULL,
  target_id UUID NOT NULL, PRIMARY KEY (realm, kind, source_key));

CREATE INDEX person_email ON person (realm, email_index) WHERE email_index IS NOT NULL;

ALTER TABLE session ADD COLUMN record_id UUID;
ALTER TABLE oauth_grant ADD COLUMN record_id UUID;
CREATE INDEX session_record ON session (record_id) WHERE ended_at IS NULL;
CREATE INDEX oauth_grant_record ON oauth_grant (record_id) WHERE revoked_at IS NULL;
";
