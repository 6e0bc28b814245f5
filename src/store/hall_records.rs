//! What halls have collected of people. Name, number, phone and portrait are sealed; a record is found by
//! kind and number of the document, as people are. A newer version takes the place of the one before, which
//! stays for whoever asks what was known.

use std::collections::HashSet;

use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, UpdateMany,
};
use uuid::Uuid;

use super::entity::hall_portrait as image;
use super::entity::hall_record::{ActiveModel, Column, Entity, Model};
use super::{AT_ONCE, Rows, StoreError, Writing, evened};
use crate::base::clock::{Day, Timestamp};
use crate::base::id::RecordVersionId;
use crate::domain::collection::Portrait;
use crate::domain::hall::HallRecord;
use crate::domain::non_resident::FileKind;
use crate::domain::number::document::{DocumentNumber, DocumentType};
use crate::domain::number::name::PersonName;
use crate::domain::number::phone::Phone;
use crate::domain::number::resident::Sex;
use crate::domain::person::DocumentEnd;

/// How an end that is none is written.
const NEVER: &str = "long_term";

pub struct HallRecords<'c, A>(Rows<'c, A>);

impl<'c, A> Rows<'c, A> {
    pub fn hall_records(self) -> HallRecords<'c, A> {
        HallRecords(self)
    }
}

impl<A> HallRecords<'_, A> {
    pub async fn find(&self, number: &DocumentNumber) -> Result<Option<HallRecord>, StoreError> {
        let row = self
            .0
            .find::<Entity>()
            .filter(Column::Kind.eq(number.kind.name()))
            .filter(Column::NumberIndex.is_in(self.indexes_of(number)))
            .filter(Column::SupersededAt.is_null())
            .one(&self.0.db())
            .await?;
        row.map(|row| self.read(&row, number.kind)).transpose()
    }

    /// What counts of this document: its row, when it was collected, and how.
    pub async fn current(&self, number: &DocumentNumber) -> Result<Option<Current>, StoreError> {
        let row = self
            .0
            .find::<Entity>()
            .filter(Column::Kind.eq(number.kind.name()))
            .filter(Column::NumberIndex.is_in(self.indexes_of(number)))
            .filter(Column::SupersededAt.is_null())
            .one(&self.0.db())
            .await?;
        let Some(row) = row else { return Ok(None) };
        let wrong = || StoreError::inconsistent("hall_record", "collected_on", row.id);
        let collected_on = Day::parse(&row.collected_on).ok_or_else(wrong)?;
        Ok(Some(Current { row: row.id, collected_on, is_told: row.is_told }))
    }

    /// Every version of what was collected of a document, at most so many: what counts, then the newest.
    pub async fn versions(&self, number: &DocumentNumber) -> Result<Vec<Version>, StoreError> {
        self.versions_by(number.kind, self.indexes_of(number)).await
    }

    /// The same by one of them; empty where there is none.
    pub async fn versions_of(&self, id: RecordVersionId) -> Result<Vec<Version>, StoreError> {
        let row = self.0.find::<Entity>().filter(Column::Id.eq(id.0)).one(&self.0.db()).await?;
        let Some(row) = row else { return Ok(Vec::new()) };
        let kind = DocumentType::parse(&row.kind);
        let kind = kind.ok_or_else(|| StoreError::inconsistent("hall_record", "kind", row.id))?;
        self.versions_by(kind, self.indexes_of(&self.read(&row, kind)?.number)).await
    }

    async fn versions_by(
        &self,
        kind: DocumentType,
        indexes: Vec<Vec<u8>>,
    ) -> Result<Vec<Version>, StoreError> {
        let rows = self
            .0
            .find::<Entity>()
            .filter(Column::Kind.eq(kind.name()))
            .filter(Column::NumberIndex.is_in(indexes))
            // What came late is newer than what counts, and two of one moment are in no order of their own.
            .order_by_desc(Column::SupersededAt.is_null())
            .order_by_desc(Column::Id)
            .limit(MOST_VERSIONS)
            .all(&self.0.db())
            .await?;
        let version = |row: &Model| {
            Ok::<_, StoreError>(Version {
                id: RecordVersionId(row.id),
                is_current: row.superseded_at.is_none(),
                portrait_id: row.portrait_id,
                record: self.read(row, kind)?,
            })
        };
        rows.iter().map(version).collect()
    }

    /// The portrait of a version, where it was taken at the console.
    pub async fn portrait(
        &self,
        id: RecordVersionId,
    ) -> Result<Option<(Portrait, Vec<u8>)>, StoreError> {
        let row = self.0.find::<Entity>().filter(Column::Id.eq(id.0)).one(&self.0.db()).await?;
        let Some(portrait) = row.and_then(|row| row.portrait_id) else { return Ok(None) };
        let found = self.0.find::<image::Entity>().filter(image::Column::Id.eq(portrait));
        let Some(row) = found.one(&self.0.db()).await? else { return Ok(None) };
        let content = self.0.unseal_bytes(&portrait_place(row.id), &row.content)?;
        let kind = FileKind::parse(&row.kind);
        let kind = kind.ok_or_else(|| StoreError::inconsistent("hall_portrait", "kind", row.id))?;
        Ok(Some((Portrait { kind, size: content.len() }, content)))
    }

    /// Of which of many documents, perhaps of another kind, halls have collected something.
    pub async fn known(
        &self,
        numbers: &[DocumentNumber],
    ) -> Result<HashSet<DocumentNumber>, StoreError> {
        let mut found = HashSet::new();
        for some in numbers.chunks(AT_ONCE) {
            let indexes = evened(some.iter().flat_map(|number| self.indexes_of(number)).collect());
            let kinds: HashSet<&str> = some.iter().map(|number| number.kind.name()).collect();
            let known: Vec<Vec<u8>> = self
                .0
                .find::<Entity>()
                .select_only()
                .column(Column::NumberIndex)
                .filter(Column::Kind.is_in(kinds))
                .filter(Column::NumberIndex.is_in(indexes))
                .filter(Column::SupersededAt.is_null())
                .into_tuple()
                .all(&self.0.db())
                .await?;
            let known: HashSet<Vec<u8>> = known.into_iter().collect();
            let is_known = |number: &&DocumentNumber| {
                self.indexes_of(number).iter().any(|index| known.contains(index))
            };
            found.extend(some.iter().filter(is_known).cloned());
        }
        Ok(found)
    }

    fn index_of(&self, number: &DocumentNumber) -> Vec<u8> {
        self.0.index("document", number.comparable())
    }

    fn indexes_of(&self, number: &DocumentNumber) -> Vec<Vec<u8>> {
        self.0.indexes("document", number.comparable())
    }

    fn open(&self, row: &Model, column: &str, sealed: &[u8]) -> Result<String, StoreError> {
        self.0.unseal(&place(row.id, column), sealed)
    }

    fn read(&self, row: &Model, kind: DocumentType) -> Result<HallRecord, StoreError> {
        let wrong = |column| StoreError::inconsistent("hall_record", column, row.id);
        let collected_on = Day::parse(&row.collected_on).ok_or_else(|| wrong("collected_on"))?;
        let number = self.open(row, "number", &row.number)?;
        let phone = row.phone.as_deref().map(|sealed| self.open(row, "phone", sealed));
        let portrait = row.portrait.as_deref().map(|sealed| self.open(row, "portrait", sealed));
        let end = |text: &str| match text {
            NEVER => Some(DocumentEnd::Never),
            day => Day::parse(day).map(DocumentEnd::On),
        };
        Ok(HallRecord {
            name: PersonName::kept(&self.open(row, "name", &row.name)?),
            number: DocumentNumber::parse(kind, &number, collected_on)
                .map_err(|_| wrong("number"))?,
            sex: row.sex.as_deref().and_then(Sex::parse),
            nationality: row.nationality.clone(),
            document_ends: row.valid_to.as_deref().and_then(end),
            phone: phone.transpose()?.and_then(|phone| Phone::kept(&phone).ok()),
            verified_by_sight: row.verified_by_sight,
            portrait: portrait.transpose()?,
            collected_on,
            collected_by: row.collected_by.clone(),
        })
    }
}

/// Nobody corrects anything so often.
const MOST_VERSIONS: u64 = 100;

fn portrait_place(id: Uuid) -> String {
    format!("hall_portrait.content.{id}")
}

fn place(row: Uuid, column: &str) -> String {
    format!("hall_record.{column}.{row}")
}

impl HallRecords<'_, Writing> {
    /// In place of what was collected of this document before, and of what an older version of the same
    /// collection said (`former`). `is_former`: what is known counts, and this stands beside it.
    pub async fn put(
        &self,
        new: &NewRecord,
        (former, is_former): (Option<Uuid>, bool),
        now: Timestamp,
    ) -> Result<(), StoreError> {
        if let Some(former) = former {
            self.superseding(now).filter(Column::Id.eq(former)).exec(&self.0.db()).await?;
        }
        if !is_former {
            self.supersede(&new.record.number, now).await?;
        }
        let superseded_at = Set(is_former.then_some(now.0));
        let row = ActiveModel { superseded_at, ..self.row(new.row, &new.record) };
        self.0.insert_all(vec![row]).await
    }

    /// What there is of this document is a former version from now on.
    pub async fn supersede(
        &self,
        number: &DocumentNumber,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.superseding(now)
            .filter(Column::Kind.eq(number.kind.name()))
            .filter(Column::NumberIndex.is_in(self.indexes_of(number)))
            .exec(&self.0.db())
            .await?;
        Ok(())
    }

    fn superseding(&self, now: Timestamp) -> UpdateMany<Entity> {
        self.0
            .update::<Entity>()
            .col_expr(Column::SupersededAt, Expr::value(now.0))
            .filter(Column::SupersededAt.is_null())
    }

    /// The version that counts, made at the console; a [`StoreError::Conflict`] where another does.
    pub async fn add(
        &self,
        id: RecordVersionId,
        record: &HallRecord,
        portrait: Option<Uuid>,
    ) -> Result<(), StoreError> {
        let (portrait_id, is_told) = (Set(portrait), Set(false));
        let row = ActiveModel { portrait_id, is_told, ..self.row(id.0, record) };
        self.0.insert_all(vec![row]).await
    }

    pub async fn add_portrait(&self, new: &NewPortrait<'_>) -> Result<(), StoreError> {
        let model = image::ActiveModel {
            id: Set(new.id),
            realm: Set(self.0.realm.to_owned()),
            kind: Set(new.portrait.kind.name().to_owned()),
            content: Set(self.0.seal_bytes(&portrait_place(new.id), new.content)),
            added_at: Set(new.at.0),
        };
        image::Entity::insert(model).exec_without_returning(&self.0.db()).await?;
        Ok(())
    }

    /// Of documents of which halls had collected nothing.
    pub async fn add_all(&self, new: &[NewRecord]) -> Result<(), StoreError> {
        let rows = new.iter().map(|new| self.row(new.row, &new.record));
        self.0.insert_all(rows.collect()).await
    }

    fn row(&self, id: Uuid, record: &HallRecord) -> ActiveModel {
        let seal = |column: &str, text: &str| self.0.seal(&place(id, column), text);
        ActiveModel {
            id: Set(id),
            realm: Set(self.0.realm.to_owned()),
            kind: Set(record.number.kind.name().to_owned()),
            number: Set(seal("number", record.number.as_str())),
            number_index: Set(self.index_of(&record.number)),
            name: Set(seal("name", record.name.as_str())),
            phone: Set(record.phone.as_ref().map(|phone| seal("phone", phone.as_str()))),
            sex: Set(record.sex.map(|sex| sex.name().to_owned())),
            nationality: Set(record.nationality.clone()),
            valid_to: Set(record.document_ends.map(|end| match end {
                DocumentEnd::Never => NEVER.to_owned(),
                DocumentEnd::On(day) => day.to_string(),
            })),
            verified_by_sight: Set(record.verified_by_sight),
            portrait: Set(record.portrait.as_deref().map(|hash| seal("portrait", hash))),
            collected_on: Set(record.collected_on.to_string()),
            collected_by: Set(record.collected_by.clone()),
            superseded_at: Set(None),
            portrait_id: Set(None),
            is_told: Set(true),
        }
    }
}

/// The collection of a document that counts.
pub struct Current {
    pub row: Uuid,
    pub collected_on: Day,
    /// By a hall's own system; otherwise an officer made it at the console.
    pub is_told: bool,
}

impl Current {
    /// Whether it goes on to count where a hall's own system tells one of this day: it is newer, or of the
    /// same day and an officer's.
    pub fn outlasts(&self, told: Day) -> bool {
        self.collected_on > told || (self.collected_on == told && !self.is_told)
    }
}

/// What a hall has collected, and its row.
pub struct NewRecord {
    pub row: Uuid,
    pub record: HallRecord,
}

/// One version of what a hall has collected of a document.
pub struct Version {
    pub id: RecordVersionId,
    /// The one that counts.
    pub is_current: bool,
    /// Where its portrait is kept, if it is.
    pub portrait_id: Option<Uuid>,
    pub record: HallRecord,
}

/// A portrait as it is kept.
pub struct NewPortrait<'a> {
    pub id: Uuid,
    pub portrait: Portrait,
    pub content: &'a [u8],
    pub at: Timestamp,
}
