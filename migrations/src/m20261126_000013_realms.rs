//! Every row says which realm it belongs to, so that every look-up can ask for it.

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

/// A credential id is one passkey's within its realm. Which realm's a revoked token was is not known,
/// so it is revoked in all.
const UP: &str = "
CREATE TABLE passkey_of_realm (
  id UUID NOT NULL PRIMARY KEY, account_id UUID NOT NULL REFERENCES account(id),
  credential_id BYTEA NOT NULL, credential TEXT NOT NULL, name TEXT NOT NULL,
  created_at BIGINT NOT NULL, used_at BIGINT, realm TEXT NOT NULL);
INSERT INTO passkey_of_realm (id, account_id, credential_id, credential, name, created_at, used_at, realm)
  SELECT p.id, p.account_id, p.credential_id, p.credential, p.name, p.created_at, p.used_at, a.realm
  FROM passkey p JOIN account a ON a.id = p.account_id;
DROP TABLE passkey;
ALTER TABLE passkey_of_realm RENAME TO passkey;
CREATE INDEX passkey_of_account ON passkey (account_id);
CREATE UNIQUE INDEX passkey_credential ON passkey (realm, credential_id);

ALTER TABLE authenticator ADD COLUMN realm TEXT NOT NULL DEFAULT '';
UPDATE authenticator SET realm = (SELECT parent.realm FROM account parent WHERE parent.id = authenticator.account_id);
ALTER TABLE recovery_code ADD COLUMN realm TEXT NOT NULL DEFAULT '';
UPDATE recovery_code SET realm = (SELECT parent.realm FROM account parent WHERE parent.id = recovery_code.account_id);
ALTER TABLE remembered_device ADD COLUMN realm TEXT NOT NULL DEFAULT '';
UPDATE remembered_device SET realm = (SELECT parent.realm FROM account parent WHERE parent.id = remembered_device.account_id);
ALTER TABLE agreement_acceptance ADD COLUMN realm TEXT NOT NULL DEFAULT '';
UPDATE agreement_acceptance SET realm = (SELECT parent.realm FROM account parent WHERE parent.id = agreement_acceptance.account_id);
ALTER TABLE real_name_step ADD COLUMN realm TEXT NOT NULL DEFAULT '';
UPDATE real_name_step SET realm = (SELECT parent.realm FROM person parent WHERE parent.id = real_name_step.person_id);
ALTER TABLE agent_assignment ADD COLUMN realm TEXT NOT NULL DEFAULT '';
UPDATE agent_assignment SET realm = (SELECT parent.realm FROM engagement parent WHERE parent.id = agent_assignment.engagement_id);
ALTER TABLE record_handler ADD COLUMN realm TEXT NOT NULL DEFAULT '';
UPDATE record_handler SET realm = (SELECT parent.realm FROM cross_region_record parent WHERE parent.id = record_handler.record_id);
ALTER TABLE enterprise_profile ADD COLUMN realm TEXT NOT NULL DEFAULT '';
UPDATE enterprise_profile SET realm = (SELECT parent.realm FROM enterprise parent WHERE parent.id = enterprise_profile.enterprise_id);
ALTER TABLE authorisation_event ADD COLUMN realm TEXT NOT NULL DEFAULT '';
UPDATE authorisation_event SET realm = (SELECT parent.realm FROM authorisation parent WHERE parent.id = authorisation_event.authorisation_id);
ALTER TABLE authorisation_history ADD COLUMN realm TEXT NOT NULL DEFAULT '';
UPDATE authorisation_history SET realm = (SELECT parent.realm FROM authorisation parent WHERE parent.id = authorisation_history.authorisation_id);
ALTER TABLE session_client ADD COLUMN realm TEXT NOT NULL DEFAULT '';
UPDATE session_client SET realm = (SELECT parent.realm FROM session parent WHERE parent.id = session_client.session_id);
ALTER TABLE refresh_token ADD COLUMN realm TEXT NOT NULL DEFAULT '';
UPDATE refresh_token SET realm = (SELECT parent.realm FROM oauth_grant parent WHERE parent.id = refresh_token.grant_id);

CREATE TABLE revoked_of_realm (
  realm TEXT NOT NULL, jti TEXT NOT NULL, expires_at BIGINT NOT NULL, PRIMARY KEY (realm, jti));
INSERT INTO revoked_of_realm (realm, jti, expires_at)
  SELECT r.realm, t.jti, t.expires_at FROM revoked_token t, (SELECT DISTINCT realm FROM signing_key) r;
DROP TABLE revoked_token;
ALTER TABLE revoked_of_realm RENAME TO revoked_token;
CREATE INDEX revoked_token_expiry ON revoked_token (expires_at);
";
