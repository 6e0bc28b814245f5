//! Group commit for SQLite: one writer lane. Each request's transaction is a savepoint inside one
//! IMMEDIATE transaction; that is committed when nobody waits for the lane or after a moment, and
//! every request is answered only after the commit that holds its rows. One disk sync then serves
//! many requests, as in PostgreSQL.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sea_orm::{
    DatabaseConnection, DatabaseTransaction, SqliteTransactionMode, TransactionOptions,
    TransactionTrait,
};
use tokio::sync::{Mutex, OwnedMutexGuard, oneshot};

use super::StoreError;

/// How long a batch may stay open while others want to join it.
const LONGEST_BATCH: Duration = Duration::from_millis(2);
const LARGEST_BATCH: usize = 128;

type Done = oneshot::Sender<Result<(), String>>;

pub(super) struct Lane {
    connection: DatabaseConnection,
    batch: Arc<Mutex<Batch>>,
    n_waiting: Arc<AtomicUsize>,
}

#[derive(Default)]
pub(super) struct Batch {
    number: u64,
    open: Option<OpenBatch>,
}

struct OpenBatch {
    transaction: DatabaseTransaction,
    opened_at: tokio::time::Instant,
    committed: Vec<Done>,
}

/// The place of one request in the lane; nobody else writes while it is held.
pub(super) struct Place {
    batch: OwnedMutexGuard<Batch>,
    n_waiting: Arc<AtomicUsize>,
}

/// Counts a waiter even if it gives up.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Lane {
    pub(super) fn new(connection: DatabaseConnection) -> Self {
        Self { connection, batch: Arc::default(), n_waiting: Arc::default() }
    }

    /// Waits for the lane and opens a savepoint in it.
    pub(super) async fn enter(&self) -> Result<(DatabaseTransaction, Place), StoreError> {
        let waiting = Waiting::new(&self.n_waiting);
        let mut batch = Arc::clone(&self.batch).lock_owned().await;
        drop(waiting);
        if batch.open.is_none() {
            self.open(&mut batch).await?;
        }
        let Some(open) = &batch.open else {
            return Err(StoreError::GroupCommit("no batch is open".to_owned()));
        };
        let savepoint = open.transaction.begin().await?;
        Ok((savepoint, Place { batch, n_waiting: Arc::clone(&self.n_waiting) }))
    }

    async fn open(&self, batch: &mut Batch) -> Result<(), StoreError> {
        let immediate = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        let transaction = self.connection.begin_with_options(immediate).await?;
        batch.number += 1;
        let opened_at = tokio::time::Instant::now();
        batch.open = Some(OpenBatch { transaction, opened_at, committed: Vec::new() });
        // Whoever should commit may be dropped in the middle; the batch must end all the same.
        let (shared, number) = (Arc::clone(&self.batch), batch.number);
        tokio::spawn(async move {
            tokio::time::sleep(LONGEST_BATCH).await;
            let mut batch = shared.lock_owned().await;
            if batch.number == number {
                close(&mut batch).await;
            }
        });
        Ok(())
    }
}

impl Place {
    /// Releases the savepoint and returns once the rows are on disk.
    pub(super) async fn commit(mut self, savepoint: DatabaseTransaction) -> Result<(), StoreError> {
        savepoint.commit().await?;
        let (done, committed) = oneshot::channel();
        let Some(open) = &mut self.batch.open else {
            return Err(StoreError::GroupCommit("no batch is open".to_owned()));
        };
        open.committed.push(done);
        let full = open.committed.len() >= LARGEST_BATCH;
        let late = open.opened_at.elapsed() >= LONGEST_BATCH;
        if full || late || self.n_waiting.load(Ordering::SeqCst) == 0 {
            close(&mut self.batch).await;
        }
        drop(self);
        committed
            .await
            .map_err(|_| StoreError::GroupCommit("the lane was closed".to_owned()))?
            .map_err(StoreError::GroupCommit)
    }
}

async fn close(batch: &mut Batch) {
    let Some(open) = batch.open.take() else { return };
    let result = open.transaction.commit().await.map_err(|error| error.to_string());
    for done in open.committed {
        let _ = done.send(result.clone());
    }
}
