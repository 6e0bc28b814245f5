//! Indexes for what jobs look for again and again, and for what is looked up by a person; names of
//! non-resident enterprises by their hash.

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

// Hashes come with the next line about an enterprise; until then its name is compared as it is.
const UP: &str = "
CREATE INDEX authorisation_over ON authorisation (realm, valid_to, id)
  WHERE state IN ('pending_by_person', 'pending_by_enterprise', 'active');
CREATE INDEX authorisation_unanswered ON authorisation (realm, updated_at, id)
  WHERE state IN ('pending_by_person', 'pending_by_enterprise');
CREATE INDEX oauth_grant_unredeemed ON oauth_grant (code_expires_at) WHERE code_used_at IS NULL;
CREATE INDEX session_person ON session (person_id);
CREATE INDEX agent_assignment_person ON agent_assignment (person_id, engagement_id);

ALTER TABLE enterprise ADD COLUMN name_hash BYTEA;
DROP INDEX enterprise_non_resident;
CREATE INDEX enterprise_non_resident ON enterprise (realm, name_hash) WHERE kind = 'non_resident';
";
