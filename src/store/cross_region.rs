//! Cross-region records and the handlers that their documents name.

use std::sync::LazyLock;

use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ColumnTrait, EntityTrait, ExprTrait, FromQueryResult, JoinType, QueryFilter, QueryOrder,
    QueryResult, QuerySelect, Value,
};

use crate::base::clock::{Day, Timestamp};
use crate::base::id::{EnterpriseId, PersonId, RecordId};
use crate::domain::cross_region::{CrossRegionRecord, HeldRecord, RecordKind};
use crate::domain::enterprise::Enterprise;
use crate::domain::number::record::RecordNumber;
use crate::store::authorisations::{join, split};
use crate::store::columns::columns;
use crate::store::entity::{cross_region_record, enterprise, record_handler};
use crate::store::{Rows, StoreError, Writing, enterprises};

pub struct CrossRegion<'c, A>(Rows<'c, A>);

impl<'c, A> Rows<'c, A> {
    pub fn cross_region(self) -> CrossRegion<'c, A> {
        CrossRegion(self)
    }
}

/// Which records to list.
pub struct RecordQuery<'a> {
    pub enterprise: EnterpriseId,
    pub kind: RecordKind,
    /// Only those that name this person.
    pub handler: Option<PersonId>,
    /// The record's own number; `None` is all (S-05).
    pub record_no: Option<&'a RecordNumber>,
    pub today: Day,
    pub limit: i64,
}

/// Which records somebody may enter.
pub struct OpenRecords<'a> {
    /// Who is named as handler,
    pub person: PersonId,
    /// or sees every record of these.
    pub enterprises: &'a [EnterpriseId],
    pub kind: RecordKind,
    pub record_no: Option<&'a RecordNumber>,
    /// The first digits of where the work is done; empty is everywhere.
    pub division: &'a str,
    /// Empty is any.
    pub authority: &'a str,
    pub today: Day,
    pub limit: u64,
}

static ONE: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT {}, {} FROM cross_region_record x JOIN enterprise e ON e.id = x.enterprise_id \
         WHERE x.realm = $1 AND x.id = $2",
        columns::<cross_region_record::Entity>("x"),
        columns::<enterprise::Entity>("e"),
    )
});

/// `$6` is today, `$7` the handler; without one every record of the enterprise is listed.
fn list_sql(of_handler: bool) -> String {
    let handler = "EXISTS (SELECT 1 FROM record_handler h \
                   WHERE h.record_id = x.id AND h.person_id = $7)";
    format!(
        "SELECT {} FROM cross_region_record x WHERE x.realm = $1 AND x.enterprise_id = $2 AND x.kind = $3 \
         AND x.state = 'open' AND ($4 = '' OR x.number_key = $4) \
         AND x.valid_from <= $6 AND (x.valid_to IS NULL OR x.valid_to >= $6) AND {} \
         ORDER BY x.number_key LIMIT $5",
        columns::<cross_region_record::Entity>("x"),
        if of_handler { handler } else { "TRUE" },
    )
}

static NAMING: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT {}, {} FROM record_handler h JOIN cross_region_record x ON x.id = h.record_id \
         JOIN enterprise e ON e.id = x.enterprise_id \
         WHERE h.realm = $1 AND h.person_id = $2 ORDER BY x.id LIMIT $3 OFFSET $4",
        columns::<cross_region_record::Entity>("x"),
        columns::<enterprise::Entity>("e"),
    )
});

static ALL: LazyLock<String> = LazyLock::new(|| list_sql(false));
static OF_HANDLER: LazyLock<String> = LazyLock::new(|| list_sql(true));

impl<A> CrossRegion<'_, A> {
    /// A record with everything that decides whether this person may enter it.
    pub async fn held(
        &self,
        id: RecordId,
        person: PersonId,
    ) -> Result<Option<HeldRecord>, StoreError> {
        let Some(row) = self.0.one(&ONE, [id.0.into()]).await? else { return Ok(None) };
        let record = read(cross_region_record::Model::from_query_result(&row, "x_")?)?;
        let enterprise = enterprises::read(enterprise::Model::from_query_result(&row, "e_")?)?;
        let named = self
            .0
            .find::<record_handler::Entity>()
            .filter(record_handler::Column::RecordId.eq(id.0))
            .filter(record_handler::Column::PersonId.eq(person.0))
            .one(&self.0.db())
            .await?;
        Ok(Some(HeldRecord {
            authorisations: self.0.authorisations().list(person, enterprise.id).await?,
            is_handler: named.is_some(),
            record,
            enterprise,
        }))
    }

    /// Those that can be worked on, by number; at most `limit`.
    pub async fn list(
        &self,
        query: &RecordQuery<'_>,
    ) -> Result<Vec<CrossRegionRecord>, StoreError> {
        let RecordQuery { enterprise, kind, record_no, today, limit, .. } = *query;
        let record_no = record_no.map_or("", RecordNumber::comparable);
        let common: [Value; 5] = [
            enterprise.0.into(),
            kind.name().into(),
            record_no.into(),
            limit.into(),
            today.to_string().into(),
        ];
        let rows = match query.handler {
            Some(person) => {
                let [enterprise, kind, record_no, limit, today] = common;
                let values = [enterprise, kind, record_no, limit, today, person.0.into()];
                self.0.all(&OF_HANDLER, values).await?
            }
            None => self.0.all(&ALL, common).await?,
        };
        let read_row =
            |row: &QueryResult| read(cross_region_record::Model::from_query_result(row, "x_")?);
        rows.iter().map(read_row).collect()
    }

    /// Records that can be worked on, with their enterprises, by number; at most `limit`.
    pub async fn open(
        &self,
        query: &OpenRecords<'_>,
    ) -> Result<Vec<(CrossRegionRecord, Enterprise)>, StoreError> {
        use cross_region_record::Column;
        let today = query.today.to_string();
        let naming = sea_orm::sea_query::Query::select()
            .column(record_handler::Column::RecordId)
            .from(record_handler::Entity)
            .and_where(record_handler::Column::PersonId.eq(query.person.0))
            .to_owned();
        let of = Column::EnterpriseId.is_in(query.enterprises.iter().map(|id| id.0));
        let mut found = self
            .0
            .find::<cross_region_record::Entity>()
            .filter(Column::Kind.eq(query.kind.name()))
            .filter(Column::State.eq("open"))
            .filter(Column::ValidFrom.lte(&today))
            .filter(Column::ValidTo.is_null().or(Column::ValidTo.gte(&today)))
            .filter(of.or(Column::Id.in_subquery(naming)));
        if let Some(number) = query.record_no {
            found = found.filter(Column::NumberKey.eq(number.comparable()));
        }
        if !query.division.is_empty() {
            found = found.filter(Column::Division.starts_with(query.division));
        }
        if !query.authority.is_empty() {
            found = found.filter(Column::TaxAuthority.eq(query.authority));
        }
        let joined = found.join(
            JoinType::InnerJoin,
            cross_region_record::Entity::belongs_to(enterprise::Entity)
                .from(Column::EnterpriseId)
                .to(enterprise::Column::Id)
                .into(),
        );
        let rows = joined
            .select_also(enterprise::Entity)
            .order_by_asc(Column::NumberKey)
            .limit(query.limit)
            .all(&self.0.db())
            .await?;
        let both = rows.into_iter().filter_map(|(record, of)| Some((record, of?)));
        both.map(|(record, of)| Ok((read(record)?, enterprises::read(of)?))).collect()
    }

    /// All that name a person, with their enterprises.
    pub async fn naming(
        &self,
        person: PersonId,
        offset: u64,
        limit: u64,
    ) -> Result<Vec<(CrossRegionRecord, Enterprise)>, StoreError> {
        let [offset, limit] = [offset, limit].map(|n| i64::try_from(n).unwrap_or(i64::MAX));
        let values = [person.0.into(), limit.into(), offset.into()];
        let both = |row: &QueryResult| {
            let record = read(cross_region_record::Model::from_query_result(row, "x_")?)?;
            let of = enterprises::read(enterprise::Model::from_query_result(row, "e_")?)?;
            Ok::<_, StoreError>((record, of))
        };
        self.0.all(&NAMING, values).await?.iter().map(both).collect()
    }

    /// Whether any record of the enterprise has ever named the person.
    pub async fn names(
        &self,
        person: PersonId,
        enterprise: EnterpriseId,
    ) -> Result<bool, StoreError> {
        let of_enterprise = sea_orm::sea_query::Query::select()
            .column(cross_region_record::Column::Id)
            .from(cross_region_record::Entity)
            .and_where(cross_region_record::Column::EnterpriseId.eq(enterprise.0))
            .to_owned();
        let named = self
            .0
            .find::<record_handler::Entity>()
            .filter(record_handler::Column::PersonId.eq(person.0))
            .filter(record_handler::Column::RecordId.in_subquery(of_enterprise))
            .one(&self.0.db())
            .await?;
        Ok(named.is_some())
    }

    /// Whose a record is; `None`: there is none.
    pub async fn enterprise_of(&self, id: RecordId) -> Result<Option<EnterpriseId>, StoreError> {
        let row = self
            .0
            .find::<cross_region_record::Entity>()
            .filter(cross_region_record::Column::Id.eq(id.0))
            .one(&self.0.db())
            .await?;
        Ok(row.map(|row| EnterpriseId(row.enterprise_id)))
    }

    /// The record of this number.
    pub async fn find_by_number(
        &self,
        kind: RecordKind,
        record_no: &RecordNumber,
    ) -> Result<Option<RecordId>, StoreError> {
        let row = self
            .0
            .find::<cross_region_record::Entity>()
            .filter(cross_region_record::Column::Kind.eq(kind.name()))
            .filter(cross_region_record::Column::NumberKey.eq(record_no.comparable()))
            .one(&self.0.db())
            .await?;
        Ok(row.map(|row| RecordId(row.id)))
    }
}

impl CrossRegion<'_, Writing> {
    /// Inserts the record or replaces what it says, handlers included.
    pub async fn save(
        &self,
        record: &CrossRegionRecord,
        handlers: &[PersonId],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        use cross_region_record::Column;
        let db = self.0.db();
        let former = self
            .0
            .find::<record_handler::Entity>()
            .filter(record_handler::Column::RecordId.eq(record.id.0))
            .all(&db)
            .await?;
        let since = |person: &PersonId| {
            let known = former.iter().find(|one| one.person_id == person.0);
            known.map_or(Some(now.0), |one| one.since)
        };
        cross_region_record::Entity::insert(cross_region_record::ActiveModel {
            id: Set(record.id.0),
            realm: Set(self.0.realm.to_owned()),
            enterprise_id: Set(record.enterprise.0),
            kind: Set(record.kind.name().to_owned()),
            record_no: Set(record.record_no.as_str().to_owned()),
            number_key: Set(record.record_no.comparable().to_owned()),
            project_name: Set(record.project_name.clone()),
            division: Set(record.division.clone()),
            tax_authority: Set(record.tax_authority.clone()),
            valid_from: Set(record.valid_from.to_string()),
            valid_to: Set(record.valid_to.map(|day| day.to_string())),
            state: Set(if record.is_open { "open" } else { "closed" }.to_owned()),
            permissions: Set(join(&record.permissions)),
        })
        .on_conflict(
            OnConflict::column(Column::Id)
                .update_columns([
                    Column::EnterpriseId,
                    Column::Kind,
                    Column::RecordNo,
                    Column::NumberKey,
                    Column::ProjectName,
                    Column::Division,
                    Column::TaxAuthority,
                    Column::ValidFrom,
                    Column::ValidTo,
                    Column::State,
                    Column::Permissions,
                ])
                .to_owned(),
        )
        .exec_without_returning(&db)
        .await?;
        self.0
            .delete::<record_handler::Entity>()
            .filter(record_handler::Column::RecordId.eq(record.id.0))
            .exec(&db)
            .await?;
        for person in handlers {
            record_handler::Entity::insert(record_handler::ActiveModel {
                realm: Set(self.0.realm.to_owned()),
                record_id: Set(record.id.0),
                person_id: Set(person.0),
                since: Set(since(person)),
            })
            .exec_without_returning(&db)
            .await?;
        }
        Ok(())
    }

    /// It is over, and says of itself what it said.
    pub async fn close(&self, id: RecordId) -> Result<(), StoreError> {
        self.0
            .update::<cross_region_record::Entity>()
            .col_expr(cross_region_record::Column::State, Expr::value("closed"))
            .filter(cross_region_record::Column::Id.eq(id.0))
            .exec(&self.0.db())
            .await?;
        Ok(())
    }
}

fn read(row: cross_region_record::Model) -> Result<CrossRegionRecord, StoreError> {
    let wrong = |column| StoreError::inconsistent("cross_region_record", column, row.id);
    let valid_to = row.valid_to.as_deref().map(|day| Day::parse(day).ok_or(wrong("valid_to")));
    Ok(CrossRegionRecord {
        id: RecordId(row.id),
        enterprise: EnterpriseId(row.enterprise_id),
        kind: RecordKind::parse(&row.kind).ok_or_else(|| wrong("kind"))?,
        valid_from: Day::parse(&row.valid_from).ok_or_else(|| wrong("valid_from"))?,
        valid_to: valid_to.transpose()?,
        is_open: row.state == "open",
        permissions: split(&row.permissions),
        record_no: RecordNumber::kept(&row.record_no),
        project_name: row.project_name,
        division: row.division,
        tax_authority: row.tax_authority,
    })
}
