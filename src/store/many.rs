//! People looked up and kept many at once: documents, and the phones of their accounts.

use std::collections::{HashMap, HashSet};

use sea_orm::{ActiveValue::Set, ColumnTrait, QueryFilter, QuerySelect};
use uuid::Uuid;

use super::accounts::Accounts;
use super::entity::{contested_phone, identity_document, phone_binding};
use super::people::{ACTIVE, NewDocument, People};
use super::{AT_ONCE, StoreError, Writing, evened};
use crate::base::id::PersonId;
use crate::domain::number::document::DocumentNumber;
use crate::domain::number::phone::Phone;
use crate::domain::person::{DocumentStatus, IdentityDocument, PhoneBinding};

/// Whose a document is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Holder {
    pub person: PersonId,
    /// Another of its kind took its place; a void one is still its person's.
    pub is_former: bool,
}

/// A phone that nobody has, told by the registry.
pub struct NewPhone {
    pub row: Uuid,
    pub binding: PhoneBinding,
}

impl<A> People<'_, A> {
    /// Who holds or has held each of many documents; those of nobody are left out.
    pub async fn holders(
        &self,
        numbers: &[DocumentNumber],
    ) -> Result<HashMap<DocumentNumber, Holder>, StoreError> {
        use identity_document::Column;
        let mut found = HashMap::new();
        for some in numbers.chunks(AT_ONCE) {
            let mut wanted: HashMap<(&str, Vec<u8>), &DocumentNumber> = HashMap::new();
            for number in some {
                let keys = self.indexes_of(number).into_iter();
                wanted.extend(keys.map(|index| ((number.kind.name(), index), number)));
            }
            let kinds: HashSet<&str> = wanted.keys().map(|(kind, _)| *kind).collect();
            let indexes = wanted.keys().map(|(_, index)| index.clone()).collect();
            let rows = self
                .0
                .find::<identity_document::Entity>()
                .filter(Column::Kind.is_in(kinds))
                .filter(Column::NumberIndex.is_in(evened(indexes)))
                .all(&self.0.db())
                .await?;
            for row in rows {
                let key = (row.kind.as_str(), row.number_index);
                let is_former = row.status == DocumentStatus::Superseded.name();
                let holder = Holder { person: PersonId(row.person_id), is_former };
                found.extend(wanted.get(&key).map(|number| ((*number).clone(), holder)));
            }
        }
        Ok(found)
    }

    /// The documents of many people that tell who they are: of a void one the age is still true.
    pub async fn documents_of(
        &self,
        people: &[PersonId],
    ) -> Result<Vec<IdentityDocument>, StoreError> {
        use identity_document::Column;
        let mut found = Vec::new();
        for some in people.chunks(AT_ONCE) {
            let ids = evened(some.iter().map(|person| person.0).collect());
            let rows = self
                .0
                .find::<identity_document::Entity>()
                .filter(Column::PersonId.is_in(ids))
                .filter(Column::Status.is_in([ACTIVE, DocumentStatus::Void.name()]))
                .all(&self.0.db())
                .await?;
            for row in rows {
                found.push(self.read_document(&row)?);
            }
        }
        Ok(found)
    }
}

impl People<'_, Writing> {
    pub async fn add_documents(&self, documents: &[NewDocument<'_>]) -> Result<(), StoreError> {
        let row = |new: &NewDocument<'_>| identity_document::ActiveModel {
            id: Set(new.row),
            realm: Set(self.0.realm.to_owned()),
            person_id: Set(new.person.0),
            kind: Set(new.number.kind.name().to_owned()),
            number: Set(self.0.seal(&format!("document.number.{}", new.row), new.number.as_str())),
            number_index: Set(self.index_of(new.number)),
            valid_from: Set(None),
            valid_to: Set(new.valid_to.map(|day| day.to_string())),
            status: Set(ACTIVE.to_owned()),
            is_proved: Set(false),
        };
        self.0.insert_all(documents.iter().map(row).collect()).await
    }
}

impl<A> Accounts<'_, A> {
    /// Which of many phones are somebody's, or are contested.
    pub async fn known_phones(&self, phones: &[Phone]) -> Result<HashSet<Phone>, StoreError> {
        let mut found = HashSet::new();
        for some in phones.chunks(AT_ONCE) {
            let mut wanted: HashMap<Vec<u8>, &Phone> = HashMap::new();
            for phone in some {
                let indexes = self.contested_indexes(phone).into_iter();
                wanted.extend(indexes.map(|index| (index, phone)));
            }
            let indexes = evened(wanted.keys().cloned().collect());
            let bound: Vec<Vec<u8>> = self
                .0
                .find::<phone_binding::Entity>()
                .select_only()
                .column(phone_binding::Column::PhoneIndex)
                .filter(phone_binding::Column::PhoneIndex.is_in(indexes.clone()))
                .into_tuple()
                .all(&self.0.db())
                .await?;
            let contested: Vec<Vec<u8>> = self
                .0
                .find::<contested_phone::Entity>()
                .select_only()
                .column(contested_phone::Column::PhoneIndex)
                .filter(contested_phone::Column::PhoneIndex.is_in(indexes))
                .into_tuple()
                .all(&self.0.db())
                .await?;
            let known = bound.iter().chain(&contested);
            found.extend(known.filter_map(|index| wanted.get(index).copied().cloned()));
        }
        Ok(found)
    }
}

impl Accounts<'_, Writing> {
    pub async fn add_told_phones(&self, new: &[NewPhone]) -> Result<(), StoreError> {
        let row = |NewPhone { row, binding }: &NewPhone| phone_binding::ActiveModel {
            id: Set(*row),
            realm: Set(self.0.realm.to_owned()),
            account_id: Set(binding.account.0),
            phone: Set(self.0.seal(&format!("phone.{row}"), binding.phone.as_str())),
            phone_index: Set(self.0.index("phone", binding.phone.as_str())),
            is_default: Set(binding.is_default),
            verified_at: Set(binding.verified_at.0),
            is_told: Set(true),
        };
        self.0.insert_all(new.iter().map(row).collect()).await
    }
}
