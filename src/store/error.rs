//! What can go wrong below: the database is away, or a row makes no sense.

use sea_orm::DbErr;

use crate::base::cipher::SealError;

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database did not answer or refused: try again later (503).
    #[error("the database is not available")]
    Unavailable(#[from] DbErr),
    /// Committed with others, and their common commit failed.
    #[error("the common commit failed: {0}")]
    GroupCommit(String),
    /// A row that no code of ours wrote.
    #[error("{table}.{column} of row {row} makes no sense")]
    Inconsistent { table: &'static str, column: &'static str, row: String },
    #[error(transparent)]
    Sealed(#[from] SealError),
}

impl StoreError {
    pub fn inconsistent(table: &'static str, column: &'static str, row: impl ToString) -> Self {
        Self::Inconsistent { table, column, row: row.to_string() }
    }
}
