//! The sign-in log is swept by its age, and asked for the outcome where somebody's known places are
//! looked up.

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
CREATE INDEX login_log_age ON login_log (realm, at);
CREATE INDEX login_log_outcome ON login_log (person_id, outcome, at);
";
