//! The message centre: what people are told of their authorisations and accounts.

use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect, TryInsertResult,
};
use uuid::Uuid;

use super::entity::notice::{ActiveModel, Column, Entity, Model};
use super::{Rows, StoreError, Writing};
use crate::base::clock::Timestamp;
use crate::base::id::{AuthorisationId, EnterpriseId, PersonId};
use crate::domain::notice::{Notice, NoticeKind, Relation};

pub struct Notices<'c, A>(Rows<'c, A>);

impl<'c, A> Rows<'c, A> {
    pub fn notices(self) -> Notices<'c, A> {
        Notices(self)
    }
}

impl<A> Notices<'_, A> {
    /// A page of those until a moment, newest first.
    pub async fn page(
        &self,
        person: PersonId,
        until: Timestamp,
        offset: u64,
        limit: u64,
    ) -> Result<Vec<Notice>, StoreError> {
        let rows = self
            .0
            .find::<Entity>()
            .filter(Column::PersonId.eq(person.0))
            .filter(Column::At.lte(until.0))
            .order_by_desc(Column::At)
            .order_by_desc(Column::Id)
            .offset(offset)
            .limit(limit)
            .all(&self.0.db())
            .await?;
        rows.into_iter().map(read).collect()
    }

    /// Newest first.
    pub async fn list(&self, person: PersonId, limit: u64) -> Result<Vec<Notice>, StoreError> {
        let rows = self
            .0
            .find::<Entity>()
            .filter(Column::PersonId.eq(person.0))
            .order_by_desc(Column::At)
            .order_by_desc(Column::Id)
            .limit(limit)
            .all(&self.0.db())
            .await?;
        rows.into_iter().map(read).collect()
    }

    pub async fn unread(&self, person: PersonId) -> Result<u64, StoreError> {
        let of_person = self.0.find::<Entity>().filter(Column::PersonId.eq(person.0));
        Ok(of_person.filter(Column::ReadAt.is_null()).count(&self.0.db()).await?)
    }
}

impl Notices<'_, Writing> {
    /// `once`: of two with the same, the second is not kept; `false`.
    pub async fn add(&self, id: Uuid, new: &Notice, once: &str) -> Result<bool, StoreError> {
        let added = Entity::insert(self.row(id, new, once))
            .on_conflict(OnConflict::new().do_nothing().to_owned())
            .try_insert()
            .exec_without_returning(&self.0.db())
            .await?;
        Ok(matches!(added, TryInsertResult::Inserted(1)))
    }

    /// Many of which each is the only one, with their rows' ids.
    pub async fn add_all(&self, new: &[(Uuid, Notice)]) -> Result<(), StoreError> {
        let row = |(id, new): &(Uuid, Notice)| self.row(*id, new, &id.to_string());
        self.0.insert_all(new.iter().map(row).collect()).await
    }

    fn row(&self, id: Uuid, new: &Notice, once: &str) -> ActiveModel {
        ActiveModel {
            id: Set(id),
            realm: Set(self.0.realm.to_owned()),
            person_id: Set(new.to.0),
            kind: Set(new.kind.name().to_owned()),
            authorisation_id: Set(new.relation.as_ref().map(|of| of.authorisation.0)),
            enterprise_id: Set(new.relation.as_ref().map(|of| of.enterprise.0)),
            about_id: Set(new.relation.as_ref().map(|of| of.holder.0)),
            identity_type: Set(new.relation.as_ref().map(|of| of.identity_type.clone())),
            once: Set(once.to_owned()),
            at: Set(new.at.0),
            read_at: Set(None),
        }
    }

    pub async fn read_all(&self, person: PersonId, now: Timestamp) -> Result<(), StoreError> {
        self.0
            .update::<Entity>()
            .col_expr(Column::ReadAt, Expr::value(now.0))
            .filter(Column::PersonId.eq(person.0))
            .filter(Column::ReadAt.is_null())
            .exec(&self.0.db())
            .await?;
        Ok(())
    }
}

fn read(row: Model) -> Result<Notice, StoreError> {
    let of = (row.authorisation_id, row.enterprise_id, row.about_id, row.identity_type);
    let relation = match of {
        (Some(authorisation), Some(enterprise), Some(holder), Some(identity_type)) => {
            Some(Relation {
                authorisation: AuthorisationId(authorisation),
                enterprise: EnterpriseId(enterprise),
                holder: PersonId(holder),
                identity_type,
            })
        }
        (None, None, None, None) => None,
        _ => return Err(StoreError::inconsistent("notice", "authorisation_id", row.id)),
    };
    Ok(Notice {
        to: PersonId(row.person_id),
        kind: NoticeKind::parse(&row.kind)
            .ok_or_else(|| StoreError::inconsistent("notice", "kind", row.id))?,
        relation,
        at: Timestamp(row.at),
        is_read: row.read_at.is_some(),
    })
}
