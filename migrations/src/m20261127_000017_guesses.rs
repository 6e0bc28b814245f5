//! Guesses are counted among what expires by itself, and a lock is no state of the account any more.
//! Notices are not of authorisations alone: those about an account name none.

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
ALTER TABLE account DROP COLUMN locked_until;
ALTER TABLE account DROP COLUMN n_locks;

CREATE TABLE message (
  id UUID NOT NULL PRIMARY KEY, realm TEXT NOT NULL, person_id UUID NOT NULL REFERENCES person(id),
  kind TEXT NOT NULL, authorisation_id UUID REFERENCES authorisation(id),
  enterprise_id UUID, about_id UUID, identity_type TEXT,
  once TEXT NOT NULL, at BIGINT NOT NULL, read_at BIGINT);
INSERT INTO message (id, realm, person_id, kind, authorisation_id, enterprise_id, about_id,
  identity_type, once, at, read_at)
  SELECT id, realm, person_id, kind, authorisation_id, enterprise_id, about_id,
  identity_type, once, at, read_at FROM notice;
DROP TABLE notice;
ALTER TABLE message RENAME TO notice;
CREATE INDEX notice_person ON notice (person_id, at);
CREATE UNIQUE INDEX notice_once ON notice (person_id, authorisation_id, once);
CREATE UNIQUE INDEX notice_once_of_account ON notice (person_id, once)
  WHERE authorisation_id IS NULL;
";
