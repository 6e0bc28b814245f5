//! What account centres show and keep: profiles, history, notices; events on their way to applications.

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
CREATE TABLE enterprise_profile (
  enterprise_id UUID NOT NULL PRIMARY KEY REFERENCES enterprise(id), profile BYTEA NOT NULL);

CREATE TABLE authorisation_history (
  authorisation_id UUID NOT NULL PRIMARY KEY REFERENCES authorisation(id), reason TEXT NOT NULL,
  side TEXT NOT NULL, at BIGINT NOT NULL,
  hidden_for_enterprise_at BIGINT, hidden_for_person_at BIGINT);
CREATE INDEX authorisation_enterprise ON authorisation (enterprise_id, state);
CREATE INDEX authorisation_term ON authorisation (state, valid_to);

CREATE TABLE notice (
  id UUID NOT NULL PRIMARY KEY, realm TEXT NOT NULL, person_id UUID NOT NULL REFERENCES person(id),
  kind TEXT NOT NULL, authorisation_id UUID NOT NULL REFERENCES authorisation(id),
  enterprise_id UUID NOT NULL, about_id UUID NOT NULL, identity_type TEXT NOT NULL,
  once TEXT NOT NULL, at BIGINT NOT NULL, read_at BIGINT);
CREATE INDEX notice_person ON notice (person_id, at);
CREATE UNIQUE INDEX notice_once ON notice (person_id, authorisation_id, once);

CREATE TABLE event_delivery (
  id UUID NOT NULL PRIMARY KEY, realm TEXT NOT NULL, client_id TEXT NOT NULL, channel TEXT NOT NULL,
  about TEXT NOT NULL, body TEXT NOT NULL, n_tries INTEGER NOT NULL, next_try_at BIGINT NOT NULL,
  state TEXT NOT NULL, last_error TEXT, created_at BIGINT NOT NULL);
CREATE INDEX event_delivery_due ON event_delivery (state, next_try_at);
CREATE INDEX event_delivery_about ON event_delivery (about, created_at);
CREATE INDEX event_delivery_client ON event_delivery (realm, client_id, channel, state);

CREATE TABLE event_stream (
  realm TEXT NOT NULL, client_id TEXT NOT NULL, id UUID NOT NULL, method TEXT NOT NULL,
  endpoint TEXT, events TEXT NOT NULL, status TEXT NOT NULL, created_at BIGINT NOT NULL,
  PRIMARY KEY (realm, client_id));
";
