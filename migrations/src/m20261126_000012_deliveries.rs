//! One queue for everything that applications and people are told, found by receiver; what ends by
//! its term is found by the day.

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
DROP INDEX event_delivery_due;
DROP INDEX event_delivery_about;
DROP INDEX event_delivery_client;
ALTER TABLE event_delivery RENAME TO delivery;
INSERT INTO delivery (id, realm, client_id, channel, about, body, n_tries, next_try_at, state,
  last_error, created_at)
  SELECT id, realm, client_id, 'logout', sid, '{\"sub\":\"' || subject || '\"}', n_tries, next_try_at,
  state, last_error, next_try_at FROM logout_delivery;
DROP TABLE logout_delivery;
CREATE INDEX delivery_due ON delivery (realm, state, client_id, channel, next_try_at);
CREATE INDEX delivery_about ON delivery (about, created_at);
CREATE INDEX delivery_over ON delivery (state, next_try_at);

CREATE INDEX engagement_term ON engagement (realm, valid_to) WHERE state = 'active';
CREATE INDEX cross_region_record_term ON cross_region_record (realm, valid_to) WHERE state = 'open';
";
