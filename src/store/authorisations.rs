//! Authorisations between persons and enterprises, and the events that led to their state.

use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, EntityTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect,
    TryInsertResult,
};
use uuid::Uuid;

use super::entity::{authorisation, authorisation_event};
use super::{Rows, StoreError, Writing};
use crate::base::clock::{Day, Timestamp};
use crate::base::id::{AuthorisationId, EnterpriseId, PersonId};
use crate::domain::authorisation::{Authorisation, Origin, State};
use crate::domain::identity_type::{IdentityTypeName, Permissions};

pub struct Authorisations<'c, A>(Rows<'c, A>);

impl<'c, A> Rows<'c, A> {
    pub fn authorisations(self) -> Authorisations<'c, A> {
        Authorisations(self)
    }
}

const ORIGINS: [(Origin, &str); 4] = [
    (Origin::ByEnterprise, "by_enterprise"),
    (Origin::ByPerson, "by_person"),
    (Origin::Hall, "hall"),
    (Origin::Registry, "registry"),
];

impl<A> Authorisations<'_, A> {
    pub async fn find(&self, id: AuthorisationId) -> Result<Option<Authorisation>, StoreError> {
        let row = self
            .0
            .find::<authorisation::Entity>()
            .filter(authorisation::Column::Id.eq(id.0))
            .one(&self.0.db())
            .await?;
        row.map(read).transpose()
    }

    /// All of a person in one enterprise, oldest first.
    pub async fn list(
        &self,
        person: PersonId,
        enterprise: EnterpriseId,
    ) -> Result<Vec<Authorisation>, StoreError> {
        let rows = self
            .0
            .find::<authorisation::Entity>()
            .filter(authorisation::Column::PersonId.eq(person.0))
            .filter(authorisation::Column::EnterpriseId.eq(enterprise.0))
            .order_by_asc(authorisation::Column::Id)
            .all(&self.0.db())
            .await?;
        rows.into_iter().map(read).collect()
    }

    /// Live ones whose term has passed, or invitations older than `invited_before`; some of them.
    pub async fn overdue(
        &self,
        today: Day,
        invited_before: Timestamp,
    ) -> Result<Vec<Authorisation>, StoreError> {
        let state = authorisation::Column::State;
        let passed = authorisation::Column::ValidTo.lt(today.to_string());
        let unanswered = state
            .is_in(["pending_by_person", "pending_by_enterprise"])
            .and(authorisation::Column::UpdatedAt.lt(invited_before.0));
        let live = ["pending_by_person", "pending_by_enterprise", "active"];
        let rows = self
            .0
            .find::<authorisation::Entity>()
            .filter(state.is_in(live).and(passed).or(unanswered))
            .limit(100)
            .all(&self.0.db())
            .await?;
        rows.into_iter().map(read).collect()
    }

    /// Active ones that end on this day.
    pub async fn ending_on(&self, day: Day) -> Result<Vec<Authorisation>, StoreError> {
        let rows = self
            .0
            .find::<authorisation::Entity>()
            .filter(authorisation::Column::State.eq("active"))
            .filter(authorisation::Column::ValidTo.eq(day.to_string()))
            .all(&self.0.db())
            .await?;
        rows.into_iter().map(read).collect()
    }
}

impl Authorisations<'_, Writing> {
    /// `false`: a live one of this person, enterprise and identity type is there already
    /// (invariant 4).
    pub async fn add(&self, new: &Authorisation) -> Result<bool, StoreError> {
        let added = authorisation::Entity::insert(authorisation::ActiveModel {
            id: Set(new.id.0),
            realm: Set(self.0.realm.to_owned()),
            enterprise_id: Set(new.enterprise.0),
            person_id: Set(new.person.0),
            identity_type: Set(new.identity_type.0.clone()),
            permissions: Set(join(&new.permissions)),
            valid_from: Set(new.valid_from.to_string()),
            valid_to: Set(new.valid_to.map(|day| day.to_string())),
            origin: Set(origin_name(new.origin).to_owned()),
            state: Set(new.state.name().to_owned()),
            invited_by: Set(new.invited_by.map(|person| person.0)),
            confirmed_at: Set(new.confirmed_at.map(|at| at.0)),
            updated_at: Set(new.updated_at.0),
            version: Set(new.version),
        })
        .on_conflict(OnConflict::new().do_nothing().to_owned())
        .try_insert()
        .exec_without_returning(&self.0.db())
        .await?;
        Ok(matches!(added, TryInsertResult::Inserted(1)))
    }

    /// Saves what [`Authorisation::apply`] returned. `false`: another act came first.
    pub async fn update(&self, changed: &Authorisation) -> Result<bool, StoreError> {
        let done = self
            .0
            .update::<authorisation::Entity>()
            .col_expr(authorisation::Column::State, Expr::value(changed.state.name()))
            .col_expr(authorisation::Column::Permissions, Expr::value(join(&changed.permissions)))
            .col_expr(
                authorisation::Column::ValidTo,
                Expr::value(changed.valid_to.map(|day| day.to_string())),
            )
            .col_expr(
                authorisation::Column::ConfirmedAt,
                Expr::value(changed.confirmed_at.map(|at| at.0)),
            )
            .col_expr(authorisation::Column::UpdatedAt, Expr::value(changed.updated_at.0))
            .col_expr(authorisation::Column::Version, Expr::value(changed.version))
            .filter(authorisation::Column::Id.eq(changed.id.0))
            .filter(authorisation::Column::Version.eq(changed.version - 1))
            .exec(&self.0.db())
            .await?;
        Ok(done.rows_affected == 1)
    }

    /// `side`: `enterprise`, `person`, `officer`, `system`.
    pub async fn add_event(
        &self,
        row_id: Uuid,
        of: &Authorisation,
        event: &str,
        side: &str,
        person: Option<PersonId>,
    ) -> Result<(), StoreError> {
        authorisation_event::Entity::insert(authorisation_event::ActiveModel {
            realm: Set(self.0.realm.to_owned()),
            id: Set(row_id),
            authorisation_id: Set(of.id.0),
            event: Set(event.to_owned()),
            side: Set(side.to_owned()),
            person_id: Set(person.map(|person| person.0)),
            at: Set(of.updated_at.0),
        })
        .exec_without_returning(&self.0.db())
        .await?;
        Ok(())
    }
}

fn origin_name(origin: Origin) -> &'static str {
    ORIGINS.iter().find(|(known, _)| *known == origin).map_or("hall", |(_, name)| name)
}

/// Permission sets are kept as sorted words.
pub(super) fn join(permissions: &Permissions) -> String {
    permissions.iter().map(String::as_str).collect::<Vec<_>>().join(" ")
}

pub(super) fn split(permissions: &str) -> Permissions {
    permissions.split_whitespace().map(str::to_owned).collect()
}

pub(super) fn read(row: authorisation::Model) -> Result<Authorisation, StoreError> {
    let wrong = |column| StoreError::inconsistent("authorisation", column, row.id);
    let origin = ORIGINS.iter().find(|(_, name)| *name == row.origin).map(|(origin, _)| *origin);
    let valid_to = row.valid_to.as_deref().map(|day| Day::parse(day).ok_or(wrong("valid_to")));
    Ok(Authorisation {
        id: AuthorisationId(row.id),
        enterprise: EnterpriseId(row.enterprise_id),
        person: PersonId(row.person_id),
        permissions: split(&row.permissions),
        valid_from: Day::parse(&row.valid_from).ok_or_else(|| wrong("valid_from"))?,
        valid_to: valid_to.transpose()?,
        origin: origin.ok_or_else(|| wrong("origin"))?,
        state: State::parse(&row.state).ok_or_else(|| wrong("state"))?,
        invited_by: row.invited_by.map(PersonId),
        confirmed_at: row.confirmed_at.map(Timestamp),
        updated_at: Timestamp(row.updated_at),
        version: row.version,
        identity_type: IdentityTypeName(row.identity_type),
    })
}
