//! Applications for the identity code of a non-resident enterprise, with their files, and the last number
//! that was issued for each place and country.

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

// A person has one open application at a time. Enterprises of this kind are few, and a new one is compared
// with all of them.
const UP: &str = "
CREATE TABLE nr_application (
  id UUID NOT NULL PRIMARY KEY, realm TEXT NOT NULL, person_id UUID NOT NULL REFERENCES person (id),
  state TEXT NOT NULL, content BYTEA NOT NULL, number_index BYTEA NOT NULL,
  name_index BYTEA NOT NULL, foreign_name_index BYTEA NOT NULL, waits_since BIGINT,
  first_submitted_at BIGINT, created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL, version BIGINT NOT NULL);
CREATE UNIQUE INDEX nr_application_open ON nr_application (realm, person_id)
  WHERE state IN ('draft', 'submitted', 'returned');
CREATE INDEX nr_application_person ON nr_application (realm, person_id);
CREATE INDEX nr_application_state ON nr_application (realm, state, waits_since);
CREATE INDEX nr_application_number ON nr_application (realm, number_index);
CREATE INDEX nr_application_name ON nr_application (realm, name_index);
CREATE INDEX nr_application_foreign_name ON nr_application (realm, foreign_name_index);
CREATE INDEX nr_application_draft ON nr_application (updated_at) WHERE state = 'draft';

CREATE TABLE nr_file (
  id UUID NOT NULL PRIMARY KEY, realm TEXT NOT NULL,
  application_id UUID NOT NULL REFERENCES nr_application (id),
  name BYTEA NOT NULL, kind TEXT NOT NULL, size BIGINT NOT NULL, content BYTEA NOT NULL,
  added_at BIGINT NOT NULL);
CREATE INDEX nr_file_application ON nr_file (realm, application_id);
CREATE INDEX nr_file_parent ON nr_file (application_id);

CREATE TABLE nr_sequence (
  realm TEXT NOT NULL, place TEXT NOT NULL, last BIGINT NOT NULL, PRIMARY KEY (realm, place));

CREATE INDEX enterprise_non_resident ON enterprise (realm) WHERE kind = 'non_resident';
";
