//! Connections to SQLite and PostgreSQL, and the schema that they must find.

use std::path::Path;
use std::time::Duration;

use hufu_migrations::{Migrator, MigratorTrait, SchemaManager};
use sea_orm::sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, Statement,
    TransactionTrait,
};
use url::Url;

use crate::store::StoreError;

/// Which database, as the settings name it.
#[derive(Clone, Debug)]
pub enum DatabaseUrl {
    /// A file in the data directory.
    Sqlite(std::path::PathBuf),
    Postgres(String),
}

/// Names this program's migrations among PostgreSQL's advisory locks.
const MIGRATION_LOCK: &str = "SELECT pg_advisory_xact_lock(4741123)";

/// Brings the schema up to date; returns how many steps ran. Of nodes that start together one does
/// it, and the others wait: on PostgreSQL for a lock that a transaction of its own holds.
pub async fn migrate(url: &DatabaseUrl) -> Result<usize, StoreError> {
    let connection = match url {
        DatabaseUrl::Sqlite(path) => connect_sqlite(path, 1, false).await?,
        DatabaseUrl::Postgres(url) => connect_postgres(url, |_| 2).await?,
    };
    let lock = match url {
        DatabaseUrl::Sqlite(_) => None,
        DatabaseUrl::Postgres(_) => {
            let lock = connection.begin().await?;
            lock.execute_unprepared(MIGRATION_LOCK).await?;
            Some(lock)
        }
    };
    let pending = Migrator::get_pending_migrations(&connection).await?.len();
    if pending > 0 {
        Migrator::up(&connection, None).await?;
    }
    if let Some(lock) = lock {
        lock.commit().await?;
    }
    connection.close().await?;
    Ok(pending)
}

/// Whether PostgreSQL still knows what a connection has prepared. A pooler in between may give the next
/// statement to another server connection, which does not; the error says what it needs.
pub async fn check_statements(url: &DatabaseUrl) -> Result<(), StoreError> {
    let DatabaseUrl::Postgres(url) = url else { return Ok(()) };
    let outcome = async {
        let (ours, another) =
            (connect_postgres(url, |_| 1).await?, connect_postgres(url, |_| 1).await?);
        let ask = || Statement::from_sql_and_values(DbBackend::Postgres, "SELECT $1", ["1".into()]);
        ours.query_one_raw(ask()).await?;
        // Holds the server connection that has just been given back.
        let held = another.begin().await?;
        held.query_one_raw(ask()).await?;
        ours.query_one_raw(ask()).await?;
        held.rollback().await?;
        ours.close().await?;
        Ok(another.close().await?)
    };
    outcome.await.map_err(StoreError::of_a_pooler)
}

/// Whether a transaction may write there at all: in one that follows another, or is set so, none may. A
/// file says so when it is written to.
pub async fn check_writable(url: &DatabaseUrl) -> Result<(), StoreError> {
    let DatabaseUrl::Postgres(url) = url else { return Ok(()) };
    let connection = connect_postgres(url, |_| 1).await?;
    let ask = Statement::from_string(DbBackend::Postgres, "SHOW transaction_read_only");
    let row = connection.query_one_raw(ask).await?;
    let told = row.map(|row| row.try_get::<String>("", "transaction_read_only")).transpose()?;
    connection.close().await?;
    if told.as_deref() == Some("on") {
        let text = "it takes no rows: it follows another, or default_transaction_read_only is on";
        return Err(StoreError::Unavailable(text.to_owned()));
    }
    Ok(())
}

/// Each step's name and whether it has run; `None` where nothing of ours is. Makes nothing.
pub async fn migration_status(
    url: &DatabaseUrl,
) -> Result<Option<Vec<(String, bool)>>, StoreError> {
    let connection = match url {
        DatabaseUrl::Sqlite(path) if !path.is_file() => return Ok(None),
        DatabaseUrl::Sqlite(path) => connect_sqlite(path, 1, true).await?,
        DatabaseUrl::Postgres(url) => connect_postgres(url, |_| 1).await?,
    };
    if !SchemaManager::new(&connection).has_table("seaql_migrations").await? {
        return Ok(None);
    }
    let done = Migrator::get_applied_migrations(&connection).await?;
    let has_run = |name: &str| done.iter().any(|step| step.name() == name);
    let steps = Migrator::migrations();
    connection.close().await?;
    Ok(Some(steps.iter().map(|step| (step.name().to_owned(), has_run(step.name()))).collect()))
}

/// `query_only`: the file is there already; writes go through the lane alone, and a mistake is found by
/// the first test.
pub async fn connect_sqlite(
    path: &Path,
    connections: u32,
    query_only: bool,
) -> Result<DatabaseConnection, StoreError> {
    let mode = if query_only { "rw" } else { "rwc" };
    let mut options = ConnectOptions::new(format!("sqlite://{}?mode={mode}", path.display()));
    options
        .max_connections(connections)
        .sqlx_logging(false)
        .test_before_acquire(false)
        .record_stmt_in_spans(false)
        .map_sqlx_sqlite_opts(move |options| {
            let options = options
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Full)
                .busy_timeout(Duration::from_secs(5))
                .foreign_keys(true)
                .statement_cache_capacity(256)
                .pragma("temp_store", "memory")
                .pragma("mmap_size", "134217728");
            if query_only { options.pragma("query_only", "1") } else { options }
        });
    Ok(Database::connect(options).await?)
}

/// What the library would complain of with the whole address, or name the half of a password in a warning; said
/// without it, because a password stands there.
fn checked(address: &str) -> Result<&str, StoreError> {
    let wrong = |what: &str| {
        let how = "percent-encode what is no letter and no digit in its password";
        StoreError::Unavailable(format!("database_url {what}; {how}"))
    };
    let url = Url::parse(address).map_err(|error| wrong(&format!("is no address ({error})")))?;
    if !matches!(url.scheme(), "postgres" | "postgresql") {
        return Err(wrong("does not begin with postgres://"));
    }
    let rest = [url.path(), url.query().unwrap_or_default()];
    if url.fragment().is_some() || rest.iter().any(|part| part.contains('@')) {
        return Err(wrong("has one of / ? # before its last @"));
    }
    Ok(address)
}

/// Reading is short and only as parallel as the cores: more connections would cost PostgreSQL more
/// than they bring. Writers wait for the disk, so there are more of them.
pub async fn connect_postgres(
    url: &str,
    connections: impl Fn(usize) -> usize,
) -> Result<DatabaseConnection, StoreError> {
    let mut options = ConnectOptions::new(checked(url)?);
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    options
        .max_connections(u32::try_from(connections(cores)).unwrap_or(u32::MAX))
        .acquire_timeout(Duration::from_secs(3))
        .connect_timeout(Duration::from_secs(3))
        .sqlx_logging(false)
        .test_before_acquire(false)
        .record_stmt_in_spans(false)
        // Every statement is a look-up by key: planning it anew costs more than running it.
        .map_sqlx_postgres_opts(|options| {
            let options = options.extra_float_digits(None);
            options.options([("plan_cache_mode", "force_generic_plan"), ("jit", "off")])
        });
    Ok(Database::connect(options).await?)
}
