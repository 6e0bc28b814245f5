//! Days of years with a sign or too few digits, which sort among the others as no day does, become the
//! first or the last day that can be.

use sea_orm_migration::prelude::{
    DbErr, DeriveMigrationName, MigrationTrait, SchemaManager, async_trait,
};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, column) in DAYS {
            crate::run(manager, &mending(table, column)).await?;
        }
        Ok(())
    }
}

const DAYS: [(&str, &str); 10] = [
    ("authorisation", "valid_from"),
    ("authorisation", "valid_to"),
    ("engagement", "valid_from"),
    ("engagement", "valid_to"),
    ("cross_region_record", "valid_from"),
    ("cross_region_record", "valid_to"),
    ("identity_document", "valid_from"),
    ("identity_document", "valid_to"),
    ("hall_record", "valid_to"),
    ("hall_record", "collected_on"),
];

/// Those after year 9999 first: where letters are sorted by a language, signs do not count.
fn mending(table: &str, column: &str) -> String {
    format!(
        "UPDATE {table} SET {column} = '9999-12-31' WHERE {column} LIKE '+%';
UPDATE {table} SET {column} = '1900-01-01' WHERE {column} LIKE '-%' OR {column} < '1900';
"
    )
}
