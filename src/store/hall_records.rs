//! What halls have collected of people. Name, number, phone and portrait are sealed; a record is found by
//! kind and number of the document, as people are.

use std::collections::HashSet;

use sea_orm::{ActiveValue::Set, ColumnTrait, Condition, QueryFilter, QuerySelect};
use uuid::Uuid;

use super::entity::hall_record::{ActiveModel, Column, Entity, Model};
use super::{AT_ONCE, Rows, StoreError, Writing, evened};
use crate::base::clock::Day;
use crate::domain::hall::HallRecord;
use crate::domain::number::document::DocumentNumber;
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
            .filter(Column::NumberIndex.eq(self.index_of(number)))
            .one(&self.0.db())
            .await?;
        row.map(|row| self.read(&row, number)).transpose()
    }

    /// Of which of many documents, perhaps of another kind, halls have collected something.
    pub async fn known(
        &self,
        numbers: &[DocumentNumber],
    ) -> Result<HashSet<DocumentNumber>, StoreError> {
        let mut found = HashSet::new();
        for some in numbers.chunks(AT_ONCE) {
            let indexes = evened(some.iter().map(|number| self.index_of(number)).collect());
            let kinds: HashSet<&str> = some.iter().map(|number| number.kind.name()).collect();
            let known: Vec<Vec<u8>> = self
                .0
                .find::<Entity>()
                .select_only()
                .column(Column::NumberIndex)
                .filter(Column::Kind.is_in(kinds))
                .filter(Column::NumberIndex.is_in(indexes))
                .into_tuple()
                .all(&self.0.db())
                .await?;
            let known: HashSet<Vec<u8>> = known.into_iter().collect();
            let is_known = |number: &&DocumentNumber| known.contains(&self.index_of(number));
            found.extend(some.iter().filter(is_known).cloned());
        }
        Ok(found)
    }

    fn index_of(&self, number: &DocumentNumber) -> Vec<u8> {
        self.0.index("document", number.comparable())
    }

    fn open(&self, row: &Model, column: &str, sealed: &[u8]) -> Result<String, StoreError> {
        self.0.unseal(&place(row.id, column), sealed)
    }

    /// `asked`: what it was found by; of one person's two cards the record may have the other.
    fn read(&self, row: &Model, asked: &DocumentNumber) -> Result<HallRecord, StoreError> {
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
            number: DocumentNumber::parse(asked.kind, &number, collected_on)
                .map_err(|_| wrong("number"))?,
            sex: row.sex.as_deref().and_then(Sex::parse),
            nationality: row.nationality.clone(),
            document_ends: row.valid_to.as_deref().and_then(end),
            phone: phone.transpose()?.and_then(|phone| Phone::parse(&phone).ok()),
            verified_by_sight: row.verified_by_sight,
            portrait: portrait.transpose()?,
            collected_on,
            collected_by: row.collected_by.clone(),
        })
    }
}

fn place(row: Uuid, column: &str) -> String {
    format!("hall_record.{column}.{row}")
}

impl HallRecords<'_, Writing> {
    /// In place of what was collected of this document before, and of what an older version of the same
    /// collection said (`former`).
    pub async fn put(
        &self,
        new_id: Uuid,
        former: Option<Uuid>,
        record: &HallRecord,
    ) -> Result<(), StoreError> {
        let db = self.0.db();
        let of_document = Condition::all()
            .add(Column::Kind.eq(record.number.kind.name()))
            .add(Column::NumberIndex.eq(self.index_of(&record.number)));
        self.0.delete::<Entity>().filter(of_document).exec(&db).await?;
        if let Some(former) = former {
            self.0.delete::<Entity>().filter(Column::Id.eq(former)).exec(&db).await?;
        }
        self.0.insert_all(vec![self.row(new_id, record)]).await
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
        }
    }
}

/// What a hall has collected, and its row.
pub struct NewRecord {
    pub row: Uuid,
    pub record: HallRecord,
}
