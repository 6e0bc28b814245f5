//! Agencies: whom they act for, and which of their staff.

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
CREATE TABLE engagement (
  id UUID NOT NULL PRIMARY KEY, realm TEXT NOT NULL,
  agency_id UUID NOT NULL REFERENCES enterprise(id), client_id UUID NOT NULL REFERENCES enterprise(id),
  valid_from TEXT NOT NULL, valid_to TEXT, state TEXT NOT NULL);
CREATE UNIQUE INDEX engagement_live ON engagement (agency_id, client_id) WHERE state = 'active';
CREATE INDEX engagement_client ON engagement (client_id);

CREATE TABLE agent_assignment (
  id UUID NOT NULL PRIMARY KEY, engagement_id UUID NOT NULL REFERENCES engagement(id),
  person_id UUID NOT NULL REFERENCES person(id), permissions TEXT NOT NULL, state TEXT NOT NULL);
CREATE UNIQUE INDEX agent_assignment_live ON agent_assignment (person_id, engagement_id)
  WHERE state = 'active';
CREATE INDEX agent_assignment_engagement ON agent_assignment (engagement_id);

ALTER TABLE session ADD COLUMN assignment_id UUID;
ALTER TABLE oauth_grant ADD COLUMN assignment_id UUID;
CREATE INDEX session_assignment ON session (assignment_id) WHERE ended_at IS NULL;
CREATE INDEX oauth_grant_assignment ON oauth_grant (assignment_id) WHERE revoked_at IS NULL;
";
