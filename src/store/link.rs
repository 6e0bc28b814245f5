//! What statements go over: the pool to read, a transaction to write. A connection that PostgreSQL
//! has closed meanwhile, at its restart, costs nobody their request: what only reads is asked again,
//! what writes never is, because it may have been done.

use std::time::{Duration, Instant};

use sea_orm::entity::prelude::async_trait;
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, ExecResult,
    QueryResult, Statement, TransactionTrait,
};

use super::error::is_dead_connection;

/// More than any pool of ours has connections, all of which die together.
const MOST_DEAD: usize = 300;
/// Whoever accepts connections and drops them, as a proxy without a server does, is not asked for longer.
const LONGEST: Duration = Duration::from_secs(3);

#[derive(Clone, Copy)]
pub(super) enum Link<'c> {
    Pool(&'c DatabaseConnection),
    Tx(&'c DatabaseTransaction),
}

/// What a pool is asked. SQLite's connections do not die, and statements are long to copy.
async fn ask<T, F>(
    pool: &DatabaseConnection,
    statement: Statement,
    ask: impl Fn(Statement) -> F,
) -> Result<T, DbErr>
where
    F: Future<Output = Result<T, DbErr>>,
{
    match pool.get_database_backend() {
        DbBackend::Sqlite => ask(statement).await,
        _ => on_a_living(|| ask(statement.clone())).await,
    }
}

/// Again for as long as a connection turns out to be dead; each is thrown away with that, so that a
/// living one is met soon, or none can be made and the error is another.
pub(super) async fn on_a_living<T, F>(mut ask: impl FnMut() -> F) -> Result<T, DbErr>
where
    F: Future<Output = Result<T, DbErr>>,
{
    let mut answer = ask().await;
    let begun = Instant::now();
    for _ in 0..MOST_DEAD {
        match &answer {
            Err(error) if is_dead_connection(error) && begun.elapsed() < LONGEST => {
                answer = ask().await;
            }
            _ => break,
        }
    }
    answer
}

/// A transaction in which nothing has been done yet.
pub(super) async fn begin(pool: &DatabaseConnection) -> Result<DatabaseTransaction, DbErr> {
    on_a_living(|| pool.begin()).await
}

/// What is asked, without its values, for whoever looks for a slow one.
fn trace(statement: &Statement) {
    tracing::trace!(target: "hufu::sql", "{}", statement.sql);
}

#[async_trait::async_trait]
impl ConnectionTrait for Link<'_> {
    fn get_database_backend(&self) -> DbBackend {
        match self {
            Self::Pool(pool) => pool.get_database_backend(),
            Self::Tx(tx) => tx.get_database_backend(),
        }
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        trace(&statement);
        match self {
            Self::Pool(pool) => pool.execute_raw(statement).await,
            Self::Tx(tx) => tx.execute_raw(statement).await,
        }
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        match self {
            Self::Pool(pool) => pool.execute_unprepared(sql).await,
            Self::Tx(tx) => tx.execute_unprepared(sql).await,
        }
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        trace(&statement);
        match self {
            Self::Pool(pool) => ask(pool, statement, |one| pool.query_one_raw(one)).await,
            Self::Tx(tx) => tx.query_one_raw(statement).await,
        }
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        trace(&statement);
        match self {
            Self::Pool(pool) => ask(pool, statement, |one| pool.query_all_raw(one)).await,
            Self::Tx(tx) => tx.query_all_raw(statement).await,
        }
    }
}
