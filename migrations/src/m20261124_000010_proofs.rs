//! Passkeys, the key that a grant is bound to, and how real-name levels were reached.

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
CREATE TABLE passkey (
  id UUID NOT NULL PRIMARY KEY, account_id UUID NOT NULL REFERENCES account(id),
  credential_id BYTEA NOT NULL UNIQUE, credential TEXT NOT NULL, name TEXT NOT NULL,
  created_at BIGINT NOT NULL, used_at BIGINT);
CREATE INDEX passkey_of_account ON passkey (account_id);

CREATE TABLE real_name_step (
  person_id UUID NOT NULL REFERENCES person(id), level INTEGER NOT NULL,
  how TEXT NOT NULL, at BIGINT NOT NULL, PRIMARY KEY (person_id, level));

ALTER TABLE oauth_grant ADD COLUMN dpop_jkt TEXT;
";
