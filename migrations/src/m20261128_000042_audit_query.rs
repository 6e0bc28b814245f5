//! By what an auditor looks for an event: when, what, by whom; beside the chain, like whose it is. Those of
//! before are read out of their text once.

use sea_orm_migration::prelude::{
    DbErr, DeriveMigrationName, MigrationTrait, SchemaManager, async_trait,
};
use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::run(manager, COLUMNS).await?;
        let event = match manager.get_connection().get_database_backend() {
            DbBackend::Postgres => "CAST(event AS JSON)",
            _ => "event",
        };
        crate::run(manager, &filled(event)).await?;
        crate::run(manager, INDEXES).await
    }
}

const COLUMNS: &str = "
ALTER TABLE audit ADD COLUMN action TEXT NOT NULL DEFAULT '';
ALTER TABLE audit ADD COLUMN actor TEXT;
";

fn filled(event: &str) -> String {
    format!(
        "UPDATE audit SET action = COALESCE({event} ->> 'action', '');
         UPDATE audit SET actor = {event} ->> 'by' WHERE action IN
           ('help_given', 'non_resident_reviewed', 'history_read', 'feed_imported');"
    )
}

const INDEXES: &str = "
CREATE INDEX audit_at ON audit (realm, at, sequence);
CREATE INDEX audit_action_at ON audit (realm, action, at, sequence);
CREATE INDEX audit_actor_at ON audit (realm, actor, at, sequence);
CREATE INDEX audit_subject_at ON audit (realm, subject, at, sequence);
";
