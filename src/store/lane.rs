//! Group commit for SQLite: one writer lane, run by a task of its own that no request can cancel.
//! Each request's transaction is a savepoint inside one IMMEDIATE transaction; that is committed
//! when nobody waits for the lane or after a moment, and every request is answered only after the
//! commit that holds its rows has succeeded. One disk sync then serves many requests, as in
//! PostgreSQL.
//!
//! The savepoints are the lane's own, in plain SQL: a nested transaction of sqlx or sea-orm undoes
//! itself when its future is dropped, at a time when somebody else's savepoint is the innermost.
//! Statements reach the connection in the order in which they were sent, dropped ones too, so what
//! a request left on its way is undone with its savepoint before the next one begins.

use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, SqliteTransactionMode,
    TransactionOptions, TransactionTrait,
};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use crate::store::StoreError;
use crate::store::connect::connect_sqlite;

/// How long a batch may stay open while others want to join it.
const LONGEST_BATCH: Duration = Duration::from_millis(2);
const LARGEST_BATCH: usize = 128;

type Outcome = Result<(), StoreError>;
/// Whom to tell once the rows are on disk.
type Done = oneshot::Sender<Outcome>;
type Entrance = oneshot::Sender<Result<Seat, StoreError>>;

/// The way in; the lane ends with it.
pub(super) struct Lane(mpsc::UnboundedSender<Entrance>);

/// The place of one request in the lane: nobody else writes while it is held, and dropping it
/// undoes what was written. The transaction goes first, so that the lane has it to itself again
/// when it hears of the leaving.
pub(super) struct Seat {
    transaction: Arc<DatabaseTransaction>,
    leave: oneshot::Sender<Done>,
}

impl Lane {
    pub(super) async fn open(path: PathBuf) -> Result<Self, StoreError> {
        let (entrances, waiting) = mpsc::unbounded_channel();
        let mut worker = Worker { path, connection: None, waiting };
        worker.connect().await?;
        tokio::spawn(worker.run());
        Ok(Self(entrances))
    }

    /// Waits for a seat.
    pub(super) async fn enter(&self) -> Result<Seat, StoreError> {
        let (entrance, seat) = oneshot::channel();
        self.0.send(entrance).map_err(|_| closed())?;
        seat.await.map_err(|_| closed())?
    }
}

impl Seat {
    pub(super) fn transaction(&self) -> &DatabaseTransaction {
        &self.transaction
    }

    /// Returns once the rows are on disk. Whoever stops waiting for that has committed all the same.
    pub(super) async fn commit(self) -> Outcome {
        let Self { transaction, leave } = self;
        drop(transaction);
        let (done, committed) = oneshot::channel();
        leave.send(done).map_err(|_| closed())?;
        committed.await.map_err(|_| closed())?
    }
}

fn closed() -> StoreError {
    StoreError::Unavailable("the writer lane has ended".to_owned())
}

struct Worker {
    path: PathBuf,
    /// `None` after a batch that failed: nobody knows what state its connection is in.
    connection: Option<DatabaseConnection>,
    waiting: mpsc::UnboundedReceiver<Entrance>,
}

impl Worker {
    async fn run(mut self) {
        while let Some(first) = self.waiting.recv().await {
            // The lane outlives whatever happens to a batch: without it nobody writes any more.
            match AssertUnwindSafe(self.batch(first)).catch_unwind().await {
                Ok(Ok(())) => {}
                Ok(Err(fault)) => {
                    self.connection = None;
                    tracing::error!(%fault, "A batch of writes failed; its connection is given up");
                }
                Err(_) => self.connection = None,
            }
        }
    }

    async fn connect(&mut self) -> Result<&DatabaseConnection, StoreError> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => connect_sqlite(&self.path, 1, false).await?,
        };
        Ok(self.connection.insert(connection))
    }

    async fn begin(&mut self) -> Result<Arc<DatabaseTransaction>, StoreError> {
        let immediate = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        Ok(Arc::new(self.connect().await?.begin_with_options(immediate).await?))
    }

    /// Serves one after the other, commits, and tells everybody the same.
    async fn batch(&mut self, first: Entrance) -> Outcome {
        let batch = match self.begin().await {
            Ok(batch) => batch,
            Err(error) => {
                let _ = first.send(Err(error.clone()));
                return Err(error);
            }
        };
        let opened_at = Instant::now();
        let mut released = Vec::new();
        let mut outcome = Ok(());
        let mut next = Some(first);
        while let Some(entrance) = next.take() {
            match serve(&batch, entrance).await {
                Ok(done) => released.extend(done),
                Err(error) => {
                    outcome = Err(error);
                    break;
                }
            }
            if released.len() < LARGEST_BATCH && opened_at.elapsed() < LONGEST_BATCH {
                next = self.waiting.try_recv().ok();
            }
        }
        if outcome.is_ok() {
            outcome = commit(batch).await;
        }
        for done in released {
            let _ = done.send(outcome.clone());
        }
        outcome
    }
}

/// One request in its savepoint. Returns whom to tell of the commit, if anybody. An error means that
/// the batch is no longer whole: SQLite rolls everything back by itself when the disk fails.
async fn serve(
    batch: &Arc<DatabaseTransaction>,
    entrance: Entrance,
) -> Result<Option<Done>, StoreError> {
    if entrance.is_closed() {
        return Ok(None);
    }
    if let Err(error) = batch.execute_unprepared("SAVEPOINT seat").await {
        let error = StoreError::from(error);
        let _ = entrance.send(Err(error.clone()));
        return Err(error);
    }
    let (leave, left) = oneshot::channel();
    let _ = entrance.send(Ok(Seat { transaction: Arc::clone(batch), leave }));
    let Ok(done) = left.await else {
        batch.execute_unprepared("ROLLBACK TO seat; RELEASE seat").await?;
        return Ok(None);
    };
    match batch.execute_unprepared("RELEASE seat").await {
        Ok(_) => Ok(Some(done)),
        Err(error) => {
            let error = StoreError::from(error);
            let _ = done.send(Err(error.clone()));
            Err(error)
        }
    }
}

/// SQLite refuses a COMMIT outside a transaction, so success means that these rows are on disk.
async fn commit(batch: Arc<DatabaseTransaction>) -> Outcome {
    let batch = Arc::into_inner(batch)
        .ok_or_else(|| StoreError::Mistake("a seat is held after it was left".to_owned()))?;
    Ok(batch.commit().await?)
}
