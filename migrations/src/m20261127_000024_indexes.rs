//! Rows are looked for by these columns with the state as a value that is handed in: an index of the
//! active ones alone is no use to such a look-up.

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
CREATE INDEX account_of_person ON account (person_id, status);
CREATE INDEX account_named ON account (realm, username_folded);
CREATE INDEX engagement_agency ON engagement (agency_id);
DROP INDEX oauth_grant_session;
CREATE INDEX oauth_grant_session ON oauth_grant (session_id);
";
