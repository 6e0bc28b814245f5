//! Authorisations as the two sides see them: an enterprise its handlers, a person their
//! enterprises, both their history, from which either side hides only its own view (AC-39, AU-17).

use std::collections::HashMap;
use std::sync::LazyLock;

use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder,
    QueryResult, Value,
};
use uuid::Uuid;

use crate::base::clock::Timestamp;
use crate::base::id::{AuthorisationId, EnterpriseId, PersonId};
use crate::domain::authorisation::{Actor, Authorisation, HistoryEntry, HistoryReason};
use crate::domain::enterprise::Enterprise;
use crate::domain::number::name::PersonName;
use crate::domain::person::{IdentityDocument, Person};
use crate::domain::profile::EnterpriseProfile;
use crate::store::authorisations::named_place;
use crate::store::columns::columns;
use crate::store::entity::{
    authorisation, authorisation_history, enterprise, enterprise_profile, identity_document, person,
};
use crate::store::{Rows, StoreError, Writing, authorisations, enterprises};

pub struct Relations<'c, A>(Rows<'c, A>);

impl<'c, A> Rows<'c, A> {
    pub fn relations(self) -> Relations<'c, A> {
        Relations(self)
    }
}

static OF_ENTERPRISE: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT {}, {} FROM authorisation h JOIN person p ON p.id = h.person_id \
         WHERE h.realm = $1 AND h.enterprise_id = $2 AND h.state IN ('active', 'expired', 'pending_by_person', \
         'pending_by_enterprise') ORDER BY h.id",
        columns::<authorisation::Entity>("h"),
        columns::<person::Entity>("p"),
    )
});

static HANDLER: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT {}, {} FROM authorisation h JOIN person p ON p.id = h.person_id \
         WHERE h.realm = $1 AND h.id = $2",
        columns::<authorisation::Entity>("h"),
        columns::<person::Entity>("p"),
    )
});

static ENDS_SINCE: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT {} FROM authorisation h JOIN authorisation_history x ON x.authorisation_id = h.id \
         WHERE h.realm = $1 AND h.person_id = $2 AND h.enterprise_id = $3 AND h.identity_type = $4 \
         AND x.at >= $5",
        columns::<authorisation_history::Entity>("x"),
    )
});

/// One tab of a history, newest first, from `offset` on; at most [`HISTORY_AT_ONCE`].
#[derive(Clone, Copy, Debug)]
pub struct HistoryQuery<'a> {
    pub reason: HistoryReason,
    /// Exact; empty is all.
    pub identity_type: &'a str,
    /// Of what ended until then.
    pub until: Timestamp,
    pub offset: usize,
}

/// What one read of a history brings.
pub const HISTORY_AT_ONCE: usize = 500;

const FITS: &str = "AND x.reason = $3 AND ($4 = '' OR h.identity_type = $4) AND x.at <= $5";
const TAB: &str = "ORDER BY x.at DESC, h.id DESC LIMIT $6 OFFSET $7";

/// Whose own view of a history.
#[derive(Clone, Copy, Debug)]
pub enum View {
    Enterprise(EnterpriseId),
    Person(PersonId),
}

impl View {
    /// Whose it is, the column that names them, and the one that hides an entry from them.
    fn columns(self) -> (Uuid, &'static str, &'static str) {
        match self {
            Self::Enterprise(id) => (id.0, "enterprise_id", "hidden_for_enterprise_at"),
            Self::Person(id) => (id.0, "person_id", "hidden_for_person_at"),
        }
    }
}

static HISTORY_OF_ENTERPRISE: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT {}, {}, {} FROM authorisation h JOIN authorisation_history x \
         ON x.authorisation_id = h.id JOIN person p ON p.id = h.person_id \
         WHERE h.realm = $1 AND h.enterprise_id = $2 AND x.hidden_for_enterprise_at IS NULL {FITS} {TAB}",
        columns::<authorisation::Entity>("h"),
        columns::<authorisation_history::Entity>("x"),
        columns::<person::Entity>("p"),
    )
});

static HISTORY_OF_PERSON: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT {}, {}, {} FROM authorisation h JOIN authorisation_history x \
         ON x.authorisation_id = h.id JOIN enterprise e ON e.id = h.enterprise_id \
         WHERE h.realm = $1 AND h.person_id = $2 AND x.hidden_for_person_at IS NULL {FITS} {TAB}",
        columns::<authorisation::Entity>("h"),
        columns::<authorisation_history::Entity>("x"),
        columns::<enterprise::Entity>("e"),
    )
});

/// Hidden or not, for the back office.
static WHOLE_HISTORY: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT {}, {}, {} FROM authorisation h JOIN authorisation_history x \
         ON x.authorisation_id = h.id JOIN person p ON p.id = h.person_id \
         WHERE h.realm = $1 AND h.enterprise_id = $2 ORDER BY x.at DESC, h.id DESC \
         LIMIT $3 OFFSET $4",
        columns::<authorisation::Entity>("h"),
        columns::<authorisation_history::Entity>("x"),
        columns::<person::Entity>("p"),
    )
});

static WHOLE_HISTORY_OF_PERSON: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT {}, {}, {} FROM authorisation h JOIN authorisation_history x \
         ON x.authorisation_id = h.id JOIN enterprise e ON e.id = h.enterprise_id \
         WHERE h.realm = $1 AND h.person_id = $2 ORDER BY x.at DESC, h.id DESC \
         LIMIT $3 OFFSET $4",
        columns::<authorisation::Entity>("h"),
        columns::<authorisation_history::Entity>("x"),
        columns::<enterprise::Entity>("e"),
    )
});

fn fitting(of: Uuid, query: &HistoryQuery<'_>) -> [Value; 4] {
    [of.into(), query.reason.name().into(), query.identity_type.into(), query.until.0.into()]
}

fn tab_values(of: Uuid, query: &HistoryQuery<'_>) -> [Value; 6] {
    let [of, reason, identity_type, until] = fitting(of, query);
    [of, reason, identity_type, until, count(HISTORY_AT_ONCE), count(query.offset)]
}

fn count(n: usize) -> Value {
    i64::try_from(n).unwrap_or(i64::MAX).into()
}

fn with_enterprise(
    row: &QueryResult,
) -> Result<(HistoryEntry, Authorisation, Enterprise), StoreError> {
    let enterprise = enterprises::read(enterprise::Model::from_query_result(row, "e_")?)?;
    Ok((read_history(row)?, read(row)?, enterprise))
}

impl<A> Relations<'_, A> {
    /// Everybody who is tied to an enterprise or waits to be, oldest first, each as it knows them.
    pub async fn handlers(
        &self,
        enterprise: EnterpriseId,
    ) -> Result<Vec<(Authorisation, Person)>, StoreError> {
        let rows = self.0.all(&OF_ENTERPRISE, [enterprise.0.into()]).await?;
        rows.iter().map(|row| self.known(row)).collect()
    }

    /// One of them, whether it is over or not.
    pub async fn handler(
        &self,
        id: AuthorisationId,
    ) -> Result<Option<(Authorisation, Person)>, StoreError> {
        let row = self.0.one(&HANDLER, [id.0.into()]).await?;
        row.map(|row| self.known(&row)).transpose()
    }

    /// Until somebody has agreed, their enterprise knows them by the name that it typed: whose the number is, and
    /// what others call them, is not told by asking.
    fn known(&self, row: &QueryResult) -> Result<(Authorisation, Person), StoreError> {
        let (one, person) = (read(row)?, self.person(row)?);
        let typed: Option<Vec<u8>> = row.try_get("h_", "named")?;
        let Some(sealed) = typed.filter(|_| one.confirmed_at().is_none()) else {
            return Ok((one, person));
        };
        let name = PersonName::kept(&self.0.unseal(&named_place(one.id.0), &sealed)?);
        Ok((one, Person { name, ..person }))
    }

    fn person(&self, row: &QueryResult) -> Result<Person, StoreError> {
        self.0.people().read(person::Model::from_query_result(row, "p_")?)
    }

    /// What the enterprise has not hidden.
    pub async fn history_of_enterprise(
        &self,
        id: EnterpriseId,
        query: &HistoryQuery<'_>,
    ) -> Result<Vec<(HistoryEntry, Authorisation, Person)>, StoreError> {
        let rows = self.0.all(&HISTORY_OF_ENTERPRISE, tab_values(id.0, query)).await?;
        let entry = |row: &QueryResult| {
            let (one, person) = self.known(row)?;
            Ok::<_, StoreError>((read_history(row)?, one, person))
        };
        rows.iter().map(entry).collect()
    }

    /// What stands or stood in any tab of an enterprise's history, also what either side has hidden
    /// (AC-40, X-19); newest first.
    pub async fn whole_history(
        &self,
        id: EnterpriseId,
        offset: usize,
        limit: usize,
    ) -> Result<Vec<(HistoryEntry, Authorisation, Person)>, StoreError> {
        let values = [id.0.into(), count(limit), count(offset)];
        let rows = self.0.all(&WHOLE_HISTORY, values).await?;
        rows.iter().map(|row| Ok((read_history(row)?, read(row)?, self.person(row)?))).collect()
    }

    /// What the person has not hidden.
    pub async fn history_of_person(
        &self,
        id: PersonId,
        query: &HistoryQuery<'_>,
    ) -> Result<Vec<(HistoryEntry, Authorisation, Enterprise)>, StoreError> {
        let rows = self.0.all(&HISTORY_OF_PERSON, tab_values(id.0, query)).await?;
        rows.iter().map(with_enterprise).collect()
    }

    /// What stands or stood in any tab of a person's history, also what either side has hidden;
    /// newest first.
    pub async fn whole_history_of_person(
        &self,
        id: PersonId,
        offset: usize,
        limit: usize,
    ) -> Result<Vec<(HistoryEntry, Authorisation, Enterprise)>, StoreError> {
        let values = [id.0.into(), count(limit), count(offset)];
        let rows = self.0.all(&WHOLE_HISTORY_OF_PERSON, values).await?;
        rows.iter().map(with_enterprise).collect()
    }

    /// How many entries a tab has, over all its pages.
    pub async fn count_history(
        &self,
        view: View,
        query: &HistoryQuery<'_>,
    ) -> Result<usize, StoreError> {
        let (of, owner, hidden) = view.columns();
        let sql = format!(
            "SELECT count(*) FROM authorisation h JOIN authorisation_history x \
             ON x.authorisation_id = h.id \
             WHERE h.realm = $1 AND h.{owner} = $2 AND x.{hidden} IS NULL {FITS}"
        );
        let row = self.0.one(&sql, fitting(of, query)).await?;
        let n: i64 = row.map(|row| row.try_get_by_index(0)).transpose()?.unwrap_or_default();
        Ok(usize::try_from(n).unwrap_or_default())
    }

    /// The one entry of an authorisation, hidden or not.
    pub async fn history_entry(
        &self,
        id: AuthorisationId,
    ) -> Result<Option<HistoryEntry>, StoreError> {
        let row = self
            .0
            .find::<authorisation_history::Entity>()
            .filter(authorisation_history::Column::AuthorisationId.eq(id.0))
            .one(&self.0.db())
            .await?;
        row.map(entry).transpose()
    }

    /// How others between the same two, of the same identity type, have ended since one ran out.
    pub async fn ends_since(
        &self,
        ran_out: &Authorisation,
    ) -> Result<Vec<HistoryEntry>, StoreError> {
        let values = [
            ran_out.person.0.into(),
            ran_out.enterprise.0.into(),
            ran_out.identity_type.0.as_str().into(),
            ran_out.updated_at().0.into(),
        ];
        let rows = self.0.all(&ENDS_SINCE, values).await?;
        rows.iter().map(read_history).collect()
    }

    /// The oldest active document of each of these people.
    pub async fn documents(
        &self,
        people: &[PersonId],
    ) -> Result<HashMap<PersonId, IdentityDocument>, StoreError> {
        let mut found = HashMap::new();
        for some in people.chunks(500) {
            let rows = self
                .0
                .find::<identity_document::Entity>()
                .filter(identity_document::Column::PersonId.is_in(some.iter().map(|id| id.0)))
                .filter(identity_document::Column::Status.eq("active"))
                .order_by_asc(identity_document::Column::Id)
                .all(&self.0.db())
                .await?;
            for row in &rows {
                let document = self.0.people().read_document(row)?;
                found.entry(document.person).or_insert(document);
            }
        }
        Ok(found)
    }

    pub async fn profile(&self, id: EnterpriseId) -> Result<EnterpriseProfile, StoreError> {
        let row = self
            .0
            .find::<enterprise_profile::Entity>()
            .filter(enterprise_profile::Column::EnterpriseId.eq(id.0))
            .one(&self.0.db())
            .await?;
        let Some(row) = row else { return Ok(EnterpriseProfile::default()) };
        let text = self.0.unseal(&format!("profile.{id}"), &row.profile)?;
        serde_json::from_str(&text)
            .map_err(|_| StoreError::inconsistent("enterprise_profile", "profile", id))
    }
}

impl Relations<'_, Writing> {
    /// Hides a tab from one side's view; the rows and the other side's view stay (invariant 10).
    pub async fn hide_all(
        &self,
        view: View,
        query: &HistoryQuery<'_>,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let (of, owner, hidden) = view.columns();
        let sql = format!(
            "UPDATE authorisation_history AS x SET {hidden} = $6 \
             WHERE x.realm = $1 AND x.{hidden} IS NULL AND x.reason = $3 AND x.at <= $5 \
             AND x.authorisation_id IN \
             (SELECT h.id FROM authorisation h WHERE h.realm = $1 AND h.{owner} = $2 \
             AND ($4 = '' OR h.identity_type = $4))"
        );
        let [of, reason, identity_type, until] = fitting(of, query);
        let values = [of, reason, identity_type, until, now.0.into()];
        let done = self.0.db().execute_raw(self.0.statement(&sql, values)).await?;
        Ok(done.rows_affected())
    }

    /// The same of some entries of an enterprise's.
    pub async fn hide(&self, ids: &[AuthorisationId], now: Timestamp) -> Result<u64, StoreError> {
        let column = authorisation_history::Column::HiddenForEnterpriseAt;
        let mut hidden = 0;
        for some in ids.chunks(500) {
            let done = self
                .0
                .update::<authorisation_history::Entity>()
                .col_expr(column, Expr::value(now.0))
                .filter(
                    authorisation_history::Column::AuthorisationId
                        .is_in(some.iter().map(|id| id.0)),
                )
                .filter(column.is_null())
                .exec(&self.0.db())
                .await?;
            hidden += done.rows_affected;
        }
        Ok(hidden)
    }

    pub async fn save_profile(
        &self,
        id: EnterpriseId,
        profile: &EnterpriseProfile,
    ) -> Result<(), StoreError> {
        enterprise_profile::Entity::insert(self.profile_row(id, profile)?)
            .on_conflict(
                OnConflict::column(enterprise_profile::Column::EnterpriseId)
                    .update_column(enterprise_profile::Column::Profile)
                    .to_owned(),
            )
            .exec_without_returning(&self.0.db())
            .await?;
        Ok(())
    }

    /// Of many enterprises that have none.
    pub async fn add_profiles(
        &self,
        profiles: &[(EnterpriseId, EnterpriseProfile)],
    ) -> Result<(), StoreError> {
        let rows = profiles.iter().map(|(id, profile)| self.profile_row(*id, profile));
        self.0.insert_all(rows.collect::<Result<_, _>>()?).await
    }

    fn profile_row(
        &self,
        id: EnterpriseId,
        profile: &EnterpriseProfile,
    ) -> Result<enterprise_profile::ActiveModel, StoreError> {
        let text = serde_json::to_string(profile)
            .map_err(|_| StoreError::inconsistent("enterprise_profile", "profile", id))?;
        Ok(enterprise_profile::ActiveModel {
            realm: Set(self.0.realm.to_owned()),
            enterprise_id: Set(id.0),
            profile: Set(self.0.seal(&format!("profile.{id}"), &text)),
        })
    }
}

fn read(row: &QueryResult) -> Result<Authorisation, StoreError> {
    authorisations::read(authorisation::Model::from_query_result(row, "h_")?)
}

fn read_history(row: &QueryResult) -> Result<HistoryEntry, StoreError> {
    entry(authorisation_history::Model::from_query_result(row, "x_")?)
}

fn entry(row: authorisation_history::Model) -> Result<HistoryEntry, StoreError> {
    let wrong =
        |column| StoreError::inconsistent("authorisation_history", column, row.authorisation_id);
    Ok(HistoryEntry {
        authorisation: AuthorisationId(row.authorisation_id),
        reason: HistoryReason::parse(&row.reason).ok_or_else(|| wrong("reason"))?,
        by: Actor::of_side(&row.side).ok_or_else(|| wrong("side"))?,
        at: Timestamp(row.at),
        hidden_for_enterprise_at: row.hidden_for_enterprise_at.map(Timestamp),
        hidden_for_person_at: row.hidden_for_person_at.map(Timestamp),
    })
}
