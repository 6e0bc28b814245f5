//! Officers of the bureau and their passkeys. Their sessions are short-lived values and no rows.

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
CREATE TABLE officer (
  id UUID NOT NULL PRIMARY KEY, realm TEXT NOT NULL, login TEXT NOT NULL, name BYTEA NOT NULL,
  roles TEXT NOT NULL, password_hash TEXT, invitation_hash BYTEA, invited_until BIGINT,
  locked_at BIGINT, generation BIGINT NOT NULL, created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL);
CREATE UNIQUE INDEX officer_login ON officer (realm, login);
CREATE UNIQUE INDEX officer_invitation ON officer (realm, invitation_hash)
  WHERE invitation_hash IS NOT NULL;

CREATE TABLE officer_passkey (
  id UUID NOT NULL PRIMARY KEY, realm TEXT NOT NULL, officer_id UUID NOT NULL REFERENCES officer (id),
  credential_id BYTEA NOT NULL, credential TEXT NOT NULL, created_at BIGINT NOT NULL,
  used_at BIGINT);
CREATE UNIQUE INDEX officer_passkey_credential ON officer_passkey (realm, credential_id);
CREATE INDEX officer_passkey_officer ON officer_passkey (realm, officer_id);
";
