//! Engagements of agencies and the assignments of their staff.

use std::sync::LazyLock;

use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ColumnTrait, EntityTrait, FromQueryResult, QueryFilter, QueryResult, Value};
use uuid::Uuid;

use crate::base::clock::Day;
use crate::base::id::{AssignmentId, EngagementId, EnterpriseId, PersonId};
use crate::domain::engagement::{AgentIdentity, Assignment, Engaged, Engagement};
use crate::domain::enterprise::Enterprise;
use crate::store::authorisations::{join, split};
use crate::store::columns::columns;
use crate::store::entity::{agent_assignment, engagement, enterprise};
use crate::store::{Rows, StoreError, Writing, enterprises};

pub struct Engagements<'c, A>(Rows<'c, A>);

impl<'c, A> Rows<'c, A> {
    pub fn engagements(self) -> Engagements<'c, A> {
        Engagements(self)
    }
}

/// Which of an agent's client enterprises to read.
pub struct ClientQuery<'a> {
    pub person: PersonId,
    pub agency: EnterpriseId,
    /// Part of a name or number; empty is all.
    pub text: &'a str,
    pub today: Day,
    pub offset: i64,
    pub limit: i64,
}

static COLUMNS: LazyLock<String> = LazyLock::new(|| {
    format!(
        "{}, {}, {}, {}",
        columns::<agent_assignment::Entity>("x"),
        columns::<engagement::Entity>("g"),
        columns::<enterprise::Entity>("a"),
        columns::<enterprise::Entity>("c"),
    )
});

static JOINED: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT {} FROM agent_assignment x JOIN engagement g ON g.id = x.engagement_id \
         JOIN enterprise a ON a.id = g.agency_id JOIN enterprise c ON c.id = g.client_id",
        *COLUMNS
    )
});

/// The engagements of one side: live ones first, of those the newest; also those to which nobody is assigned.
fn of_side(side: &str) -> String {
    format!(
        "SELECT {} FROM engagement g JOIN enterprise a ON a.id = g.agency_id \
         JOIN enterprise c ON c.id = g.client_id \
         LEFT JOIN agent_assignment x ON x.engagement_id = g.id AND x.state = 'active' \
         WHERE g.realm = $1 AND g.{side} = $2 \
         ORDER BY (g.state = 'active' AND (g.valid_to IS NULL OR g.valid_to >= $3)) DESC, \
         g.id DESC, x.id LIMIT $4",
        *COLUMNS
    )
}

static OF_AGENCY: LazyLock<String> = LazyLock::new(|| of_side("agency_id"));
static OF_CLIENT: LazyLock<String> = LazyLock::new(|| of_side("client_id"));

static ONE: LazyLock<String> =
    LazyLock::new(|| format!("{} WHERE x.realm = $1 AND x.id = $2", *JOINED));

static OF_PERSON: LazyLock<String> = LazyLock::new(|| {
    format!("{} WHERE x.realm = $1 AND x.person_id = $2 ORDER BY x.id LIMIT $3 OFFSET $4", *JOINED)
});

/// Live ones alone, so that a page is a page (G-05).
static CLIENTS: LazyLock<String> = LazyLock::new(|| {
    format!(
        "{} WHERE x.realm = $1 AND x.person_id = $2 AND g.agency_id = $3 AND x.state = 'active' \
         AND g.state = 'active' AND g.valid_from <= $4 AND (g.valid_to IS NULL OR g.valid_to >= $4) \
         AND (c.name LIKE $5 OR c.tin LIKE $5 OR c.uscc LIKE $5) ORDER BY c.tin, x.id \
         LIMIT $6 OFFSET $7",
        *JOINED
    )
});

impl<A> Engagements<'_, A> {
    pub async fn find(&self, id: AssignmentId) -> Result<Option<AgentIdentity>, StoreError> {
        self.0.one(&ONE, [id.0.into()]).await?.map(|row| read(&row)).transpose()
    }

    /// By number; at most `limit`.
    pub async fn clients(&self, query: &ClientQuery<'_>) -> Result<Vec<AgentIdentity>, StoreError> {
        let like = format!("%{}%", query.text.replace(['%', '_'], ""));
        let values: [Value; 6] = [
            query.person.0.into(),
            query.agency.0.into(),
            query.today.to_string().into(),
            like.into(),
            query.limit.into(),
            query.offset.into(),
        ];
        self.0.all(&CLIENTS, values).await?.iter().map(read).collect()
    }

    /// All that somebody is or was assigned to.
    pub async fn of_person(
        &self,
        person: PersonId,
        offset: u64,
        limit: u64,
    ) -> Result<Vec<AgentIdentity>, StoreError> {
        let [offset, limit] = [offset, limit].map(|n| i64::try_from(n).unwrap_or(i64::MAX));
        let values = [person.0.into(), limit.into(), offset.into()];
        self.0.all(&OF_PERSON, values).await?.iter().map(read).collect()
    }

    /// Whether the person is assigned to a client of this agency; whoever was is no longer of its staff.
    pub async fn is_staff(
        &self,
        person: PersonId,
        agency: EnterpriseId,
    ) -> Result<bool, StoreError> {
        let assigned = self
            .0
            .find::<agent_assignment::Entity>()
            .filter(agent_assignment::Column::PersonId.eq(person.0))
            .filter(agent_assignment::Column::State.eq("active"))
            .filter(
                agent_assignment::Column::EngagementId.in_subquery(
                    sea_orm::sea_query::Query::select()
                        .column(engagement::Column::Id)
                        .from(engagement::Entity)
                        .and_where(engagement::Column::AgencyId.eq(agency.0))
                        .to_owned(),
                ),
            )
            .one(&self.0.db())
            .await?;
        Ok(assigned.is_some())
    }

    /// The live engagement of an agency and a client enterprise.
    pub async fn find_live(
        &self,
        agency: EnterpriseId,
        client: EnterpriseId,
    ) -> Result<Option<EngagementId>, StoreError> {
        let row = self
            .0
            .find::<engagement::Entity>()
            .filter(engagement::Column::AgencyId.eq(agency.0))
            .filter(engagement::Column::ClientId.eq(client.0))
            .filter(engagement::Column::State.eq("active"))
            .one(&self.0.db())
            .await?;
        Ok(row.map(|row| EngagementId(row.id)))
    }

    /// Agency and client of an engagement, whatever its state.
    pub async fn sides(
        &self,
        id: EngagementId,
    ) -> Result<Option<(EnterpriseId, EnterpriseId)>, StoreError> {
        let row = self
            .0
            .find::<engagement::Entity>()
            .filter(engagement::Column::Id.eq(id.0))
            .one(&self.0.db())
            .await?;
        Ok(row.map(|row| (EnterpriseId(row.agency_id), EnterpriseId(row.client_id))))
    }

    /// Live assignments of an engagement.
    pub async fn staff(&self, id: EngagementId) -> Result<Vec<Assignment>, StoreError> {
        let rows = self
            .0
            .find::<agent_assignment::Entity>()
            .filter(agent_assignment::Column::EngagementId.eq(id.0))
            .filter(agent_assignment::Column::State.eq("active"))
            .all(&self.0.db())
            .await?;
        let read = |row: agent_assignment::Model| Assignment {
            id: AssignmentId(row.id),
            engagement: id,
            person: PersonId(row.person_id),
            permissions: split(&row.permissions),
            is_active: true,
        };
        Ok(rows.into_iter().map(read).collect())
    }

    /// The engagements of an enterprise, as the agency or as the client, with every assignment; at most `limit`
    /// of those.
    pub async fn of(
        &self,
        enterprise: EnterpriseId,
        as_agency: bool,
        today: Day,
        limit: i64,
    ) -> Result<Vec<Engaged>, StoreError> {
        let sql = if as_agency { &*OF_AGENCY } else { &*OF_CLIENT };
        let values = [enterprise.0.into(), today.to_string().into(), limit.into()];
        self.0.all(sql, values).await?.iter().map(read_engaged).collect()
    }
}

impl Engagements<'_, Writing> {
    /// Inserts the engagement or replaces what it says; whom it ties together never changes.
    pub async fn save(&self, new: &Engagement) -> Result<(), StoreError> {
        engagement::Entity::insert(engagement::ActiveModel {
            id: Set(new.id.0),
            realm: Set(self.0.realm.to_owned()),
            agency_id: Set(new.agency.0),
            client_id: Set(new.client_enterprise.0),
            valid_from: Set(new.valid_from.to_string()),
            valid_to: Set(new.valid_to.map(|day| day.to_string())),
            state: Set(state(new.is_active).to_owned()),
        })
        .on_conflict(
            OnConflict::column(engagement::Column::Id)
                .update_columns([
                    engagement::Column::ValidFrom,
                    engagement::Column::ValidTo,
                    engagement::Column::State,
                ])
                .to_owned(),
        )
        .exec_without_returning(&self.0.db())
        .await?;
        Ok(())
    }

    /// Ends one assignment.
    pub async fn dismiss(&self, id: AssignmentId) -> Result<(), StoreError> {
        self.0
            .update::<agent_assignment::Entity>()
            .col_expr(agent_assignment::Column::State, Expr::value("ended"))
            .filter(agent_assignment::Column::Id.eq(id.0))
            .filter(agent_assignment::Column::State.eq("active"))
            .exec(&self.0.db())
            .await?;
        Ok(())
    }

    pub async fn assign(&self, new: &Assignment) -> Result<(), StoreError> {
        agent_assignment::Entity::insert(agent_assignment::ActiveModel {
            realm: Set(self.0.realm.to_owned()),
            id: Set(new.id.0),
            engagement_id: Set(new.engagement.0),
            person_id: Set(new.person.0),
            permissions: Set(join(&new.permissions)),
            state: Set(state(new.is_active).to_owned()),
        })
        .exec_without_returning(&self.0.db())
        .await?;
        Ok(())
    }

    /// The business system says that it is over (G-17).
    pub async fn end(&self, id: EngagementId) -> Result<bool, StoreError> {
        let done = self
            .0
            .update::<engagement::Entity>()
            .col_expr(engagement::Column::State, Expr::value("ended"))
            .filter(engagement::Column::Id.eq(id.0))
            .filter(engagement::Column::State.eq("active"))
            .exec(&self.0.db())
            .await?;
        Ok(done.rows_affected == 1)
    }
}

fn state(is_active: bool) -> &'static str {
    if is_active { "active" } else { "ended" }
}

fn read(row: &QueryResult) -> Result<AgentIdentity, StoreError> {
    let (engagement, agency, client_enterprise) = read_sides(row)?;
    Ok(AgentIdentity { assignment: read_assignment(row)?, engagement, agency, client_enterprise })
}

fn read_engaged(row: &QueryResult) -> Result<Engaged, StoreError> {
    let (engagement, agency, client_enterprise) = read_sides(row)?;
    let assignment = match row.try_get::<Option<Uuid>>("x_", "id")? {
        Some(_) => Some(read_assignment(row)?),
        None => None,
    };
    Ok(Engaged { engagement, agency, client_enterprise, assignment })
}

fn read_assignment(row: &QueryResult) -> Result<Assignment, StoreError> {
    let assignment = agent_assignment::Model::from_query_result(row, "x_")?;
    Ok(Assignment {
        id: AssignmentId(assignment.id),
        engagement: EngagementId(assignment.engagement_id),
        person: PersonId(assignment.person_id),
        permissions: split(&assignment.permissions),
        is_active: assignment.state == "active",
    })
}

/// The engagement, its agency and its client.
fn read_sides(row: &QueryResult) -> Result<(Engagement, Enterprise, Enterprise), StoreError> {
    let engagement = engagement::Model::from_query_result(row, "g_")?;
    let wrong = |column| StoreError::inconsistent("engagement", column, engagement.id);
    let valid_to = engagement.valid_to.as_deref();
    let valid_to = valid_to.map(|day| Day::parse(day).ok_or_else(|| wrong("valid_to")));
    let read = Engagement {
        id: EngagementId(engagement.id),
        agency: EnterpriseId(engagement.agency_id),
        client_enterprise: EnterpriseId(engagement.client_id),
        valid_from: Day::parse(&engagement.valid_from).ok_or_else(|| wrong("valid_from"))?,
        valid_to: valid_to.transpose()?,
        is_active: engagement.state == "active",
    };
    let agency = enterprises::read(enterprise::Model::from_query_result(row, "a_")?)?;
    let client = enterprises::read(enterprise::Model::from_query_result(row, "c_")?)?;
    Ok((read, agency, client))
}
