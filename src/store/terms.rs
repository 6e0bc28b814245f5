//! From when until when a document is good, as its holder has told.

use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, QueryFilter};

use crate::base::clock::Day;
use crate::base::id::PersonId;
use crate::domain::number::document::DocumentType;
use crate::domain::person::DocumentEnd;
use crate::store::entity::identity_document::{Column, Entity};
use crate::store::people::{ACTIVE, People};
use crate::store::{StoreError, Writing};

impl People<'_, Writing> {
    /// Of the document of this kind that a person holds.
    pub async fn set_term(
        &self,
        person: PersonId,
        kind: DocumentType,
        (from, end): (Day, DocumentEnd),
    ) -> Result<(), StoreError> {
        let to = match end {
            DocumentEnd::Never => None,
            DocumentEnd::On(day) => Some(day.to_string()),
        };
        self.0
            .update::<Entity>()
            .col_expr(Column::ValidFrom, Expr::value(from.to_string()))
            .col_expr(Column::ValidTo, Expr::value(to))
            .filter(Column::PersonId.eq(person.0))
            .filter(Column::Kind.eq(kind.name()))
            .filter(Column::Status.eq(ACTIVE))
            .exec(&self.0.db())
            .await?;
        Ok(())
    }
}
