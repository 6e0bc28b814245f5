//! The schema, one step a file. Each step is plain SQL in the words that SQLite and PostgreSQL
//! share; times are seconds since 1970, sealed values and look-up hashes are bytes.

use sea_orm_migration::prelude::{DbErr, MigrationName, MigrationTrait, async_trait};
pub use sea_orm_migration::prelude::{MigratorTrait, SchemaManager};
use sea_orm_migration::sea_orm::ConnectionTrait;

mod m20261124_000001_people;
mod m20261124_000002_protocol;
mod m20261124_000003_records;
mod m20261124_000004_agency;
mod m20261124_000005_authenticators;
mod m20261124_000006_social_insurance;
mod m20261124_000007_revoked_tokens;
mod m20261124_000008_cross_region;
mod m20261124_000009_devices;
mod m20261124_000010_proofs;
mod m20261124_000011_account_centres;
mod m20261126_000012_deliveries;
mod m20261126_000013_realms;
mod m20261126_000014_used_up;
mod m20261127_000015_announced_keys;
mod m20261127_000016_sids;
mod m20261127_000017_guesses;
mod m20261127_000018_streams;
mod m20261127_000019_sweeping;
mod m20261127_000022_unit_numbers;
mod m20261127_000023_addresses;
mod m20261127_000024_indexes;
mod m20261127_000025_feed_marks;
mod m20261127_000026_handlers_since;
mod m20261127_000030_hall_records;
mod m20261127_000032_awaited_phones;
mod m20261127_000034_phones;
mod m20261127_000035_helped_accounts;
mod m20261127_000036_own_accounts;
mod m20261127_000037_realm_files;
mod m20261127_000038_second_factor_in_log;
mod m20261127_000046_non_residents;
mod m20261128_000033_certificates;
mod m20261128_000039_officers;
mod m20261128_000041_hall_versions;
mod m20261128_000042_audit_query;
mod m20261128_000047_revocation_lists;
mod m20261128_000048_data_roots;
mod m20261128_000049_eras;
mod m20261128_000051_days;
mod m20261128_000052_looks;
mod m20261128_000053_names;
mod m20261128_000054_awaited_eras;
mod m20261128_000060_proved_documents;
mod m20261128_000061_told_collections;
mod m20261128_000062_earlier_proved_documents;
mod m20261128_000063_earlier_collections;
mod m20261128_000064_turns;
mod m20261128_000065_turns_index;
mod m20261128_000066_typed_names;

/// All steps in order.
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        let steps: Vec<Box<dyn MigrationTrait>> = vec![
            Box::new(m20261124_000001_people::Migration),
            Box::new(m20261124_000002_protocol::Migration),
            Box::new(m20261124_000003_records::Migration),
            Box::new(m20261124_000004_agency::Migration),
            Box::new(m20261124_000005_authenticators::Migration),
            Box::new(m20261124_000006_social_insurance::Migration),
            Box::new(m20261124_000007_revoked_tokens::Migration),
            Box::new(m20261124_000008_cross_region::Migration),
            Box::new(m20261124_000009_devices::Migration),
            Box::new(m20261124_000010_proofs::Migration),
            Box::new(m20261124_000011_account_centres::Migration),
            Box::new(m20261126_000012_deliveries::Migration),
            Box::new(m20261126_000013_realms::Migration),
            Box::new(m20261126_000014_used_up::Migration),
            Box::new(m20261127_000015_announced_keys::Migration),
            Box::new(m20261127_000016_sids::Migration),
            Box::new(m20261127_000017_guesses::Migration),
            Box::new(m20261127_000018_streams::Migration),
            Box::new(m20261127_000019_sweeping::Migration),
            Box::new(m20261127_000022_unit_numbers::Migration),
            Box::new(m20261127_000023_addresses::Migration),
            Box::new(m20261127_000024_indexes::Migration),
            Box::new(m20261127_000025_feed_marks::Migration),
            Box::new(m20261127_000026_handlers_since::Migration),
            Box::new(m20261127_000030_hall_records::Migration),
            Box::new(m20261127_000032_awaited_phones::Migration),
            Box::new(m20261127_000034_phones::Migration),
            Box::new(m20261127_000035_helped_accounts::Migration),
            Box::new(m20261127_000036_own_accounts::Migration),
            Box::new(m20261127_000037_realm_files::Migration),
            Box::new(m20261127_000038_second_factor_in_log::Migration),
            Box::new(m20261127_000046_non_residents::Migration),
            Box::new(m20261128_000033_certificates::Migration),
            Box::new(m20261128_000047_revocation_lists::Migration),
            Box::new(m20261128_000039_officers::Migration),
            Box::new(m20261128_000041_hall_versions::Migration),
            Box::new(m20261128_000042_audit_query::Migration),
            Box::new(m20261128_000048_data_roots::Migration),
            Box::new(m20261128_000049_eras::Migration),
            Box::new(m20261128_000051_days::Migration),
            Box::new(m20261128_000053_names::Migration),
            Box::new(m20261128_000052_looks::Migration),
            Box::new(m20261128_000054_awaited_eras::Migration),
            Box::new(m20261128_000060_proved_documents::Migration),
            Box::new(m20261128_000061_told_collections::Migration),
            Box::new(m20261128_000062_earlier_proved_documents::Migration),
            Box::new(m20261128_000063_earlier_collections::Migration),
            Box::new(m20261128_000064_turns::Migration),
            Box::new(m20261128_000065_turns_index::Migration),
            Box::new(m20261128_000066_typed_names::Migration),
        ];
        steps.into_iter().map(whole).collect()
    }
}

/// A step and the record that it has run, in one transaction on both databases: one that is broken off runs
/// again. By itself SQLite would keep the first half, which no second run gets past.
struct Whole(Box<dyn MigrationTrait>);

fn whole(step: Box<dyn MigrationTrait>) -> Box<dyn MigrationTrait> {
    Box::new(Whole(step))
}

impl MigrationName for Whole {
    fn name(&self) -> &str {
        self.0.name()
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Whole {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        self.0.up(manager).await
    }

    /// One that says itself that it needs none can be broken off anywhere.
    fn use_transaction(&self) -> Option<bool> {
        Some(self.0.use_transaction().unwrap_or(true))
    }
}

/// Runs the statements of one step.
async fn run(manager: &SchemaManager<'_>, statements: &str) -> Result<(), DbErr> {
    manager.get_connection().execute_unprepared(statements).await?;
    Ok(())
}
