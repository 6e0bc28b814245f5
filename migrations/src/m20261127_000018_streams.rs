//! What is told to a stream is that stream's, not the next one's of the same client; a stream has a
//! credential for its pushes (sealed) and remembers when it was last verified.

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
ALTER TABLE event_stream ADD COLUMN authorization_header BYTEA;
ALTER TABLE event_stream ADD COLUMN verified_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE delivery ADD COLUMN stream_id UUID;
UPDATE delivery SET stream_id = (SELECT event_stream.id FROM event_stream
  WHERE event_stream.realm = delivery.realm AND event_stream.client_id = delivery.client_id)
  WHERE channel IN ('push', 'poll');
CREATE INDEX delivery_stream ON delivery (stream_id) WHERE stream_id IS NOT NULL;
";
