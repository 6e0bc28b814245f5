//! How documents stand: what was proved here, from when until when they are good, and which are void.

use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, QueryFilter};

use crate::base::clock::Day;
use crate::base::id::PersonId;
use crate::domain::number::document::{DocumentNumber, DocumentType};
use crate::domain::person::{DocumentEnd, DocumentStatus};
use crate::store::entity::identity_document::{Column, Entity};
use crate::store::people::{ACTIVE, People};
use crate::store::{StoreError, Writing};

impl<A> People<'_, A> {
    /// Whose a document is or was, and how it stands; `None`: nobody has held it.
    pub async fn standing(
        &self,
        number: &DocumentNumber,
    ) -> Result<Option<(PersonId, DocumentStatus)>, StoreError> {
        let row = self
            .0
            .find::<Entity>()
            .filter(Column::Kind.eq(number.kind.name()))
            .filter(Column::NumberIndex.is_in(self.indexes_of(number)))
            .one(&self.0.db())
            .await?;
        let Some(row) = row else { return Ok(None) };
        let status = DocumentStatus::parse(&row.status)
            .ok_or_else(|| StoreError::inconsistent("identity_document", "status", row.id))?;
        Ok(Some((PersonId(row.person_id), status)))
    }

    /// Whether the person has proved here the document of this kind that counts.
    pub async fn has_proved(
        &self,
        person: PersonId,
        kind: DocumentType,
    ) -> Result<bool, StoreError> {
        let row = self
            .0
            .find::<Entity>()
            .filter(Column::PersonId.eq(person.0))
            .filter(Column::Kind.eq(kind.name()))
            .filter(Column::Status.eq(ACTIVE))
            .filter(Column::IsProved.eq(true))
            .one(&self.0.db())
            .await?;
        Ok(row.is_some())
    }
}

impl People<'_, Writing> {
    /// The document of this kind that a person holds was proved here.
    pub async fn set_proved(&self, person: PersonId, kind: DocumentType) -> Result<(), StoreError> {
        self.0
            .update::<Entity>()
            .col_expr(Column::IsProved, Expr::value(true))
            .filter(Column::PersonId.eq(person.0))
            .filter(Column::Kind.eq(kind.name()))
            .filter(Column::Status.eq(ACTIVE))
            .exec(&self.0.db())
            .await?;
        Ok(())
    }

    /// Of a document that somebody holds or has held.
    pub async fn set_standing(
        &self,
        number: &DocumentNumber,
        status: DocumentStatus,
    ) -> Result<(), StoreError> {
        self.0
            .update::<Entity>()
            .col_expr(Column::Status, Expr::value(status.name()))
            .filter(Column::Kind.eq(number.kind.name()))
            .filter(Column::NumberIndex.is_in(self.indexes_of(number)))
            .exec(&self.0.db())
            .await?;
        Ok(())
    }

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
