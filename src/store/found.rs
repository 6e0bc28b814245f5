//! Rows of which each is read by itself, page after page along an index: one that makes no sense is in the
//! way of no other.

use sea_orm::{FromQueryResult, QueryResult, Value};
use uuid::Uuid;

use super::StoreError;

/// One row of several.
pub struct Found<T> {
    pub id: Uuid,
    pub row: Result<T, StoreError>,
}

impl<T> Found<T> {
    /// `prefix`: of the entity's columns (`columns`).
    pub(super) fn of<M: FromQueryResult>(
        row: &QueryResult,
        prefix: &str,
        read: impl FnOnce(M) -> Result<T, StoreError>,
    ) -> Result<Self, StoreError> {
        let model = M::from_query_result(row, prefix).map_err(StoreError::from);
        Ok(Self { id: row.try_get(prefix, "id")?, row: model.and_then(read) })
    }
}

/// Where a page ends: what its index is ordered by, and the row.
#[derive(Clone, Debug)]
pub struct Place {
    pub(super) at: Value,
    pub(super) id: Uuid,
}

impl Place {
    /// In front of all.
    pub(super) fn first(at: impl Into<Value>) -> Self {
        Self { at: at.into(), id: Uuid::nil() }
    }
}

/// Some rows, and where the next page begins if there is one.
pub struct Page<T> {
    pub rows: Vec<Found<T>>,
    pub next: Option<Place>,
}

impl<T> Page<T> {
    /// `most`: as many as one statement returns.
    pub(super) fn of(found: Vec<(Place, Found<T>)>, most: usize) -> Self {
        let last = found.last().map(|(place, _)| place.clone());
        let next = last.filter(|_| found.len() >= most);
        Self { rows: found.into_iter().map(|(_, row)| row).collect(), next }
    }
}
