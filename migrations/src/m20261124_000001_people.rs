//! People, their documents and accounts, enterprises and the authorisations between them.

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
CREATE TABLE person (
  id UUID NOT NULL PRIMARY KEY, realm TEXT NOT NULL, kind TEXT NOT NULL, name BYTEA NOT NULL,
  sex TEXT, nationality TEXT NOT NULL, real_name_level INTEGER NOT NULL,
  email BYTEA, email_index BYTEA, created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL);

CREATE TABLE identity_document (
  id UUID NOT NULL PRIMARY KEY, realm TEXT NOT NULL, person_id UUID NOT NULL REFERENCES person(id),
  kind TEXT NOT NULL, number BYTEA NOT NULL, number_index BYTEA NOT NULL, valid_to TEXT,
  status TEXT NOT NULL);
CREATE UNIQUE INDEX identity_document_number ON identity_document (realm, kind, number_index);
CREATE INDEX identity_document_lookup ON identity_document (realm, number_index);
CREATE INDEX identity_document_person ON identity_document (person_id);

CREATE TABLE account (
  id UUID NOT NULL PRIMARY KEY, realm TEXT NOT NULL, person_id UUID NOT NULL REFERENCES person(id),
  status TEXT NOT NULL, origin TEXT NOT NULL, username TEXT, username_folded TEXT,
  password_hash TEXT, locked_until BIGINT, n_locks INTEGER NOT NULL, created_at BIGINT NOT NULL);
CREATE UNIQUE INDEX account_username ON account (realm, username_folded) WHERE status = 'active';
CREATE UNIQUE INDEX account_person ON account (person_id) WHERE status = 'active';

CREATE TABLE phone_binding (
  id UUID NOT NULL PRIMARY KEY, realm TEXT NOT NULL, account_id UUID NOT NULL REFERENCES account(id),
  phone BYTEA NOT NULL, phone_index BYTEA NOT NULL, is_default BOOLEAN NOT NULL,
  verified_at BIGINT NOT NULL);
CREATE UNIQUE INDEX phone_binding_phone ON phone_binding (realm, phone_index);
CREATE UNIQUE INDEX phone_binding_default ON phone_binding (account_id) WHERE is_default;
CREATE INDEX phone_binding_account ON phone_binding (account_id);

CREATE TABLE agreement_acceptance (
  id UUID NOT NULL PRIMARY KEY, account_id UUID NOT NULL REFERENCES account(id),
  document TEXT NOT NULL, version TEXT NOT NULL, text_hash TEXT NOT NULL,
  accepted_at BIGINT NOT NULL, channel TEXT NOT NULL, ip TEXT NOT NULL);
CREATE UNIQUE INDEX agreement_acceptance_once ON agreement_acceptance (account_id, document, version);

CREATE TABLE enterprise (
  id UUID NOT NULL PRIMARY KEY, realm TEXT NOT NULL, registration_no TEXT NOT NULL, uscc TEXT,
  tin TEXT NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL, status TEXT NOT NULL,
  province TEXT NOT NULL, tax_authority TEXT NOT NULL);
CREATE UNIQUE INDEX enterprise_registration_no ON enterprise (realm, registration_no);

CREATE TABLE enterprise_number (
  realm TEXT NOT NULL, number TEXT NOT NULL, enterprise_id UUID NOT NULL REFERENCES enterprise(id),
  PRIMARY KEY (realm, number));

CREATE TABLE authorisation (
  id UUID NOT NULL PRIMARY KEY, realm TEXT NOT NULL,
  enterprise_id UUID NOT NULL REFERENCES enterprise(id), person_id UUID NOT NULL REFERENCES person(id),
  identity_type TEXT NOT NULL, permissions TEXT NOT NULL, valid_from TEXT NOT NULL, valid_to TEXT,
  origin TEXT NOT NULL, state TEXT NOT NULL, invited_by UUID, confirmed_at BIGINT, updated_at BIGINT NOT NULL,
  version BIGINT NOT NULL);
CREATE UNIQUE INDEX authorisation_live ON authorisation (enterprise_id, person_id, identity_type)
  WHERE state IN ('pending_by_person', 'pending_by_enterprise', 'active');
CREATE INDEX authorisation_person ON authorisation (person_id, enterprise_id);

CREATE TABLE authorisation_event (
  id UUID NOT NULL PRIMARY KEY, authorisation_id UUID NOT NULL REFERENCES authorisation(id),
  event TEXT NOT NULL, side TEXT NOT NULL, person_id UUID, at BIGINT NOT NULL);
CREATE INDEX authorisation_event_of ON authorisation_event (authorisation_id, at);
";
