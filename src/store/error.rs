//! What can go wrong below. The database is away, another row is in the way, a value cannot be
//! kept, we made a mistake: these are different answers, and this is the only place that tells them
//! apart.

use sea_orm::sqlx::Error as SqlxError;
use sea_orm::sqlx::error::{DatabaseError, ErrorKind};
use sea_orm::{DbErr, RuntimeErr};

use crate::base::cipher::{KeeperError, SealError};

#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// The database did not answer, or cannot now: try again later (503).
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// The database has ended our transaction for the sake of another: the same, asked once more, finds what the
    /// other has done (503).
    #[error("the database ended the transaction for another one: {0}")]
    GaveWay(String),
    /// Another row or another transaction is in the way (409).
    #[error("another row is in the way: {0}")]
    Conflict(String),
    /// A value that the database cannot keep (400).
    #[error("a value cannot be kept: {0}")]
    BadValue(String),
    /// A statement that makes no sense to the database (500).
    #[error("a statement of ours is wrong: {0}")]
    Mistake(String),
    /// A row that no code of ours wrote.
    #[error("{table}.{column} of row {row} makes no sense")]
    Inconsistent { table: &'static str, column: &'static str, row: String },
    #[error(transparent)]
    Sealed(#[from] SealError),
    #[error(transparent)]
    Keeper(#[from] KeeperError),
    /// The database was sealed for another master key.
    #[error("the master key {0} does not fit this database, which opens with {1}")]
    WrongKey(String, String),
    /// Of the roots at rest.
    #[error("{0}")]
    Roots(&'static str),
}

impl StoreError {
    pub fn inconsistent(table: &'static str, column: &'static str, row: impl ToString) -> Self {
        Self::Inconsistent { table, column, row: row.to_string() }
    }

    /// With what a pooler that gave this error needs.
    pub(super) fn of_a_pooler(self) -> Self {
        let text = self.to_string();
        let says = |part: &str| text.contains(part);
        let needs = if says("startup parameter") {
            "PgBouncer needs ignore_startup_parameters = options"
        } else if says("prepared statement") {
            "PgBouncer with pool_mode = transaction needs version 1.21 or later and \
             max_prepared_statements above 0"
        } else {
            return self;
        };
        Self::Unavailable(format!("{needs} ({text})"))
    }
}

impl From<DbErr> for StoreError {
    fn from(error: DbErr) -> Self {
        let text = error.to_string();
        match &error {
            DbErr::ConnectionAcquire(_) | DbErr::Conn(_) => Self::Unavailable(text),
            DbErr::Exec(RuntimeErr::SqlxError(cause))
            | DbErr::Query(RuntimeErr::SqlxError(cause)) => match &**cause {
                SqlxError::Database(told) => of_database(&**told, text),
                SqlxError::Io(_)
                | SqlxError::Tls(_)
                | SqlxError::Protocol(_)
                | SqlxError::PoolTimedOut
                | SqlxError::PoolClosed
                | SqlxError::WorkerCrashed
                | SqlxError::BeginFailed => Self::Unavailable(text),
                _ => Self::Mistake(text),
            },
            _ => Self::Mistake(text),
        }
    }
}

/// Whether the connection was gone before the statement could be answered. The next one may live.
pub(super) fn is_dead_connection(error: &DbErr) -> bool {
    let (DbErr::Exec(RuntimeErr::SqlxError(cause))
    | DbErr::Query(RuntimeErr::SqlxError(cause))
    | DbErr::Conn(RuntimeErr::SqlxError(cause))) = error
    else {
        return false;
    };
    match &**cause {
        // What the operating system says of a connection that was; nobody listening is another thing.
        SqlxError::Io(error) => !matches!(
            error.kind(),
            std::io::ErrorKind::ConnectionRefused | std::io::ErrorKind::NotFound
        ),
        SqlxError::WorkerCrashed | SqlxError::BeginFailed => true,
        // Shut down by an administrator, or together with a server process that crashed.
        SqlxError::Database(told) => matches!(told.code().as_deref(), Some("57P01" | "57P02")),
        _ => false,
    }
}

fn of_database(told: &dyn DatabaseError, text: String) -> StoreError {
    match told.kind() {
        ErrorKind::UniqueViolation
        | ErrorKind::ForeignKeyViolation
        | ErrorKind::ExclusionViolation => {
            return StoreError::Conflict(text);
        }
        ErrorKind::NotNullViolation | ErrorKind::CheckViolation => {
            return StoreError::Mistake(text);
        }
        _ => {}
    }
    let code = told.code().unwrap_or_default();
    match code.parse::<u32>() {
        Ok(code) if code.to_string().len() < 5 => of_sqlite(code, text),
        _ => of_postgres(&code, text),
    }
}

/// The low byte is the primary result code (`https://sqlite.org/rescode.html`).
fn of_sqlite(code: u32, text: String) -> StoreError {
    match code & 0xff {
        // BUSY, LOCKED, NOMEM, INTERRUPT, IOERR, FULL, CANTOPEN, PROTOCOL.
        5 | 6 | 7 | 9 | 10 | 13 | 14 | 15 => StoreError::Unavailable(text),
        // READONLY with a reason of the file's; without one a reader was asked to write.
        8 if code > 0xff => StoreError::Unavailable(text),
        18 => StoreError::BadValue(text),
        _ => StoreError::Mistake(text),
    }
}

/// Classes of SQLSTATE (PostgreSQL, appendix A).
fn of_postgres(code: &str, text: String) -> StoreError {
    match (code.get(..2).unwrap_or_default(), code) {
        // Somebody else holds a lock that we did not want to wait for.
        (_, "55P03") => StoreError::Conflict(text),
        // A standby, or a database that is not there (yet).
        (_, "25006" | "3D000") => StoreError::Unavailable(text),
        ("08" | "53" | "57" | "58", _) => StoreError::Unavailable(text),
        // A deadlock, a serialisation failure.
        ("40", _) => StoreError::GaveWay(text),
        ("22", _) => StoreError::BadValue(text),
        _ => StoreError::Mistake(text),
    }
}
