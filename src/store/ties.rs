//! Since when and until when people worked for enterprises: by an authorisation that both sides had
//! agreed to, as staff of an agency, as the handler whom a record names.

use sea_orm::sea_query::{Query, SelectStatement};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use crate::base::clock::{Day, Timestamp};
use crate::base::id::{AssignmentId, EnterpriseId, PersonId};
use crate::store::entity::{
    agent_assignment, authorisation, cross_region_record, engagement, record_handler,
};
use crate::store::{Rows, StoreError, authorisations};

/// One such time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Tie {
    pub person: PersonId,
    pub enterprise: EnterpriseId,
    pub from: Timestamp,
    /// `None`: it lasts.
    pub until: Option<Timestamp>,
}

impl Tie {
    pub fn holds(&self, person: PersonId, enterprise: EnterpriseId, at: Timestamp) -> bool {
        (self.person, self.enterprise) == (person, enterprise)
            && self.from <= at
            && self.until.is_none_or(|until| at <= until)
    }
}

pub struct Ties<'c, A>(Rows<'c, A>);

impl<'c, A> Rows<'c, A> {
    pub fn ties(self) -> Ties<'c, A> {
        Ties(self)
    }
}

impl<A> Ties<'_, A> {
    /// Of these people with these enterprises, as far as it is known to the day: what was revived counts
    /// since then, what the business systems have ended for nothing.
    pub async fn between(
        &self,
        people: &[PersonId],
        enterprises: &[EnterpriseId],
    ) -> Result<Vec<Tie>, StoreError> {
        if people.is_empty() || enterprises.is_empty() {
            return Ok(Vec::new());
        }
        let mut ties = self.by_authorisation(people, enterprises).await?;
        ties.extend(self.as_staff(people, enterprises).await?);
        ties.extend(self.as_named_handler(people, enterprises).await?);
        Ok(ties)
    }

    async fn by_authorisation(
        &self,
        people: &[PersonId],
        enterprises: &[EnterpriseId],
    ) -> Result<Vec<Tie>, StoreError> {
        use authorisation::Column;
        let rows = self
            .0
            .find::<authorisation::Entity>()
            .filter(Column::PersonId.is_in(people.iter().map(|id| id.0)))
            .filter(Column::EnterpriseId.is_in(enterprises.iter().map(|id| id.0)))
            .filter(Column::ConfirmedAt.is_not_null())
            .all(&self.0.db())
            .await?;
        let mut ties = Vec::new();
        for row in rows {
            let one = authorisations::read(row)?;
            let Some(from) = one.confirmed_at() else { continue };
            let ended = (!one.state().is_live()).then(|| one.updated_at());
            let until = ended.into_iter().chain(one.valid_to().map(Day::end)).min();
            ties.push(Tie { person: one.person, enterprise: one.enterprise, from, until });
        }
        Ok(ties)
    }

    async fn as_staff(
        &self,
        people: &[PersonId],
        agencies: &[EnterpriseId],
    ) -> Result<Vec<Tie>, StoreError> {
        use agent_assignment::Column;
        let of_agencies = of_enterprises(
            engagement::Entity,
            engagement::Column::Id,
            engagement::Column::AgencyId,
            agencies,
        );
        let assigned = self
            .0
            .find::<agent_assignment::Entity>()
            .filter(Column::PersonId.is_in(people.iter().map(|id| id.0)))
            .filter(Column::State.eq("active"))
            .filter(Column::EngagementId.in_subquery(of_agencies))
            .all(&self.0.db())
            .await?;
        if assigned.is_empty() {
            return Ok(Vec::new());
        }
        let engagements = self
            .0
            .find::<engagement::Entity>()
            .filter(engagement::Column::Id.is_in(assigned.iter().map(|one| one.engagement_id)))
            .filter(engagement::Column::State.eq("active"))
            .all(&self.0.db())
            .await?;
        let tie = |one: &agent_assignment::Model| {
            let of = engagements.iter().find(|of| of.id == one.engagement_id)?;
            let term = Term { from: &of.valid_from, to: of.valid_to.as_deref() };
            let since = AssignmentId(one.id).made_at()?;
            term.tie(PersonId(one.person_id), EnterpriseId(of.agency_id), since)
        };
        Ok(assigned.iter().filter_map(tie).collect())
    }

    async fn as_named_handler(
        &self,
        people: &[PersonId],
        enterprises: &[EnterpriseId],
    ) -> Result<Vec<Tie>, StoreError> {
        use cross_region_record::Column;
        let of_enterprises = of_enterprises(
            cross_region_record::Entity,
            Column::Id,
            Column::EnterpriseId,
            enterprises,
        );
        let named = self
            .0
            .find::<record_handler::Entity>()
            .filter(record_handler::Column::PersonId.is_in(people.iter().map(|id| id.0)))
            .filter(record_handler::Column::RecordId.in_subquery(of_enterprises))
            .all(&self.0.db())
            .await?;
        if named.is_empty() {
            return Ok(Vec::new());
        }
        let records = self
            .0
            .find::<cross_region_record::Entity>()
            .filter(Column::Id.is_in(named.iter().map(|one| one.record_id)))
            .filter(Column::State.eq("open"))
            .all(&self.0.db())
            .await?;
        let tie = |one: &record_handler::Model| {
            let of = records.iter().find(|of| of.id == one.record_id)?;
            let term = Term { from: &of.valid_from, to: of.valid_to.as_deref() };
            let since = Timestamp(one.since?);
            term.tie(PersonId(one.person_id), EnterpriseId(of.enterprise_id), since)
        };
        Ok(named.iter().filter_map(tie).collect())
    }
}

/// The ids of a table's rows that belong to these enterprises.
fn of_enterprises<E: EntityTrait>(
    table: E,
    id: E::Column,
    owner: E::Column,
    enterprises: &[EnterpriseId],
) -> SelectStatement {
    Query::select()
        .column(id)
        .from(table)
        .and_where(owner.is_in(enterprises.iter().map(|id| id.0)))
        .to_owned()
}

/// As the business systems' rows have it.
struct Term<'a> {
    from: &'a str,
    to: Option<&'a str>,
}

impl Term<'_> {
    /// `since`: when we were told; before that nobody knew.
    fn tie(&self, person: PersonId, enterprise: EnterpriseId, since: Timestamp) -> Option<Tie> {
        let from = Day::parse(self.from)?.start().max(since);
        let until = self.to.and_then(Day::parse).map(Day::end);
        Some(Tie { person, enterprise, from, until })
    }
}
