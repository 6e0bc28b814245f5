//! The columns of a joined table, so that a row reads into the entity of each.

use sea_orm::{EntityTrait, IdenStatic, Iterable};

/// `s.id AS s_id, …`: every column, so that a row reads into the entity's own model.
pub(super) fn columns<E: EntityTrait>(alias: &str) -> String {
    let one = |column: E::Column| format!("{alias}.{0} AS {alias}_{0}", column.as_str());
    E::Column::iter().map(one).collect::<Vec<_>>().join(", ")
}
