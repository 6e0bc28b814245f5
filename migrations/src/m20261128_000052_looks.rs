//! Indexes for what jobs look for again and again, and for what is looked up by a person.

use sea_orm_migration::prelude::{
    DbErr, DeriveMigrationName, MigrationTrait, SchemaManager, async_trait,
};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    // Each by itself: whoever holds several tables at once waits in a ring with nodes that serve. Not
    // `CONCURRENTLY`, which waits for every node that waits for the lock of the migrations.
    fn use_transaction(&self) -> Option<bool> {
        Some(false)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for statement in UP {
            crate::run(manager, statement).await?;
        }
        Ok(())
    }
}

/// `IF NOT EXISTS`: some may be there of a run that was broken off.
const UP: [&str; 5] = [
    "CREATE INDEX IF NOT EXISTS authorisation_over ON authorisation (realm, valid_to, id)
       WHERE state IN ('pending_by_person', 'pending_by_enterprise', 'active')",
    "CREATE INDEX IF NOT EXISTS authorisation_unanswered ON authorisation (realm, updated_at, id)
       WHERE state IN ('pending_by_person', 'pending_by_enterprise')",
    "CREATE INDEX IF NOT EXISTS oauth_grant_unredeemed ON oauth_grant (code_expires_at)
       WHERE code_used_at IS NULL",
    "CREATE INDEX IF NOT EXISTS session_person ON session (person_id)",
    "CREATE INDEX IF NOT EXISTS agent_assignment_person
       ON agent_assignment (person_id, engagement_id)",
];
