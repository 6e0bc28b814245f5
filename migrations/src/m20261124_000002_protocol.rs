//! Sessions, grants, tokens, consents and keys.

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
CREATE TABLE session (
  id UUID NOT NULL PRIMARY KEY, realm TEXT NOT NULL, cookie_hash BYTEA NOT NULL,
  person_id UUID NOT NULL, account_id UUID NOT NULL, acting_kind TEXT NOT NULL,
  authorisation_id UUID, amr TEXT NOT NULL, acr INTEGER NOT NULL, auth_time BIGINT NOT NULL,
  entrance TEXT NOT NULL, one_way_personal BOOLEAN NOT NULL, ip TEXT NOT NULL, device TEXT NOT NULL,
  created_at BIGINT NOT NULL, expires_at BIGINT NOT NULL, ended_at BIGINT);
CREATE UNIQUE INDEX session_cookie ON session (cookie_hash);
CREATE INDEX session_account ON session (account_id) WHERE ended_at IS NULL;
CREATE INDEX session_authorisation ON session (authorisation_id) WHERE ended_at IS NULL;
CREATE INDEX session_expiry ON session (expires_at);

CREATE TABLE session_client (
  session_id UUID NOT NULL REFERENCES session(id), client_id TEXT NOT NULL, sid TEXT NOT NULL,
  subject TEXT NOT NULL, PRIMARY KEY (session_id, client_id, sid));

CREATE TABLE oauth_grant (
  id UUID NOT NULL PRIMARY KEY, realm TEXT NOT NULL, client_id TEXT NOT NULL,
  person_id UUID NOT NULL, account_id UUID NOT NULL, session_id UUID NOT NULL REFERENCES session(id),
  subject TEXT NOT NULL, acting_kind TEXT NOT NULL, authorisation_id UUID, sid TEXT NOT NULL,
  scope TEXT NOT NULL, permissions TEXT NOT NULL, redirect_uri TEXT NOT NULL, extensions TEXT NOT NULL,
  amr TEXT NOT NULL, acr INTEGER NOT NULL, auth_time BIGINT NOT NULL, created_at BIGINT NOT NULL,
  code_hash BYTEA NOT NULL, code_expires_at BIGINT NOT NULL, code_used_at BIGINT,
  expires_at BIGINT NOT NULL, revoked_at BIGINT);
CREATE UNIQUE INDEX oauth_grant_code ON oauth_grant (code_hash);
CREATE INDEX oauth_grant_session ON oauth_grant (session_id) WHERE revoked_at IS NULL;
CREATE INDEX oauth_grant_authorisation ON oauth_grant (authorisation_id) WHERE revoked_at IS NULL;
CREATE INDEX oauth_grant_expiry ON oauth_grant (expires_at);

CREATE TABLE refresh_token (
  hash BYTEA NOT NULL PRIMARY KEY, grant_id UUID NOT NULL REFERENCES oauth_grant(id),
  issued_at BIGINT NOT NULL, expires_at BIGINT NOT NULL, used_at BIGINT);
CREATE INDEX refresh_token_grant ON refresh_token (grant_id);
CREATE INDEX refresh_token_expiry ON refresh_token (expires_at);

CREATE TABLE access_token (
  hash BYTEA NOT NULL PRIMARY KEY, realm TEXT NOT NULL, grant_id UUID, claims TEXT NOT NULL,
  expires_at BIGINT NOT NULL);
CREATE INDEX access_token_expiry ON access_token (expires_at);

CREATE TABLE revoked_token (jti TEXT NOT NULL PRIMARY KEY, expires_at BIGINT NOT NULL);
CREATE INDEX revoked_token_expiry ON revoked_token (expires_at);

CREATE TABLE consent (
  realm TEXT NOT NULL, person_id UUID NOT NULL, client_id TEXT NOT NULL, scope TEXT NOT NULL,
  given_at BIGINT NOT NULL, PRIMARY KEY (realm, person_id, client_id));

CREATE TABLE signing_key (
  kid TEXT NOT NULL PRIMARY KEY, realm TEXT NOT NULL, algorithm TEXT NOT NULL,
  private BYTEA NOT NULL, state TEXT NOT NULL, created_at BIGINT NOT NULL, retires_at BIGINT);
CREATE UNIQUE INDEX signing_key_current ON signing_key (realm, algorithm) WHERE state = 'current';

CREATE TABLE logout_delivery (
  id UUID NOT NULL PRIMARY KEY, realm TEXT NOT NULL, client_id TEXT NOT NULL, sid TEXT NOT NULL,
  subject TEXT NOT NULL, n_tries INTEGER NOT NULL, next_try_at BIGINT NOT NULL, state TEXT NOT NULL,
  last_error TEXT);
CREATE INDEX logout_delivery_due ON logout_delivery (state, next_try_at);
";
