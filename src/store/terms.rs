//! How documents stand: what was proved here, from when until when they are good, which are void, and which
//! are held by nobody but an invitation.

use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder};

use crate::base::clock::Day;
use crate::base::id::PersonId;
use crate::domain::number::document::{DocumentNumber, DocumentType};
use crate::domain::person::{DocumentEnd, DocumentStatus, IdentityDocument};
use crate::store::entity::identity_document::{Column, Entity, Model};
use crate::store::people::{ACTIVE, People};
use crate::store::{StoreError, Writing};

/// Whoever was only ever asked: no account, no level, no word of the registry and nothing agreed to.
const ONLY_INVITED: &str = "SELECT p.id FROM person p WHERE p.realm = $1 AND p.id = $2 AND p.real_name_level < 2 \
     AND NOT EXISTS (SELECT 1 FROM account a WHERE a.realm = $1 AND a.person_id = p.id) \
     AND NOT EXISTS (SELECT 1 FROM real_name_step s WHERE s.realm = $1 AND s.person_id = p.id) \
     AND NOT EXISTS (SELECT 1 FROM agent_assignment g WHERE g.realm = $1 AND g.person_id = p.id) \
     AND NOT EXISTS (SELECT 1 FROM record_handler r WHERE r.realm = $1 AND r.person_id = p.id) \
     AND NOT EXISTS (SELECT 1 FROM authorisation h WHERE h.realm = $1 AND h.person_id = p.id \
     AND (h.origin = 'registry' OR h.confirmed_at IS NOT NULL \
     OR h.state IN ('active', 'pending_by_enterprise', 'deleted', 'ended')))";

impl<A> People<'_, A> {
    /// Whether somebody is known by invitations alone, so that the number which they name is nobody's yet.
    pub async fn is_only_invited(&self, id: PersonId) -> Result<bool, StoreError> {
        Ok(self.0.one(ONLY_INVITED, [id.0.into()]).await?.is_some())
    }

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

    /// All that somebody holds or has held, the oldest first.
    pub async fn all_documents(
        &self,
        person: PersonId,
    ) -> Result<Vec<(IdentityDocument, DocumentStatus)>, StoreError> {
        let rows = self
            .0
            .find::<Entity>()
            .filter(Column::PersonId.eq(person.0))
            .order_by_asc(Column::Id)
            .all(&self.0.db())
            .await?;
        let read = |row: Model| {
            let status = DocumentStatus::parse(&row.status)
                .ok_or_else(|| StoreError::inconsistent("identity_document", "status", row.id))?;
            Ok::<_, StoreError>((self.read_document(&row)?, status))
        };
        rows.into_iter().map(read).collect()
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
    /// A document that counts goes from one to another, who does not hold it yet; `false`: it is no longer theirs.
    pub async fn pass_document(
        &self,
        number: &DocumentNumber,
        from: PersonId,
        to: PersonId,
    ) -> Result<bool, StoreError> {
        let done = self
            .0
            .update::<Entity>()
            .col_expr(Column::PersonId, Expr::value(to.0))
            .col_expr(Column::Status, Expr::value(DocumentStatus::Superseded.name()))
            .filter(Column::Kind.eq(number.kind.name()))
            .filter(Column::NumberIndex.is_in(self.indexes_of(number)))
            .filter(Column::PersonId.eq(from.0))
            .filter(Column::Status.eq(ACTIVE))
            .exec(&self.0.db())
            .await?;
        Ok(done.rows_affected == 1)
    }

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
