//! People and their documents. Names, numbers and e-mail addresses are sealed; numbers are found
//! by their keyed hash.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use sea_orm::sea_query::Expr;
use sea_orm::{ActiveValue::Set, ColumnTrait, Condition, QueryFilter, QueryOrder};
use uuid::Uuid;

use super::entity::{identity_document, person};
use super::found::{Found, Page, Place};
use super::{Rows, StoreError, Writing};
use crate::base::clock::{Day, Timestamp};
use crate::base::id::PersonId;
use crate::domain::number::address::PostalAddress;
use crate::domain::number::document::{DocumentNumber, DocumentType};
use crate::domain::number::email::EmailAddress;
use crate::domain::number::name::PersonName;
use crate::domain::person::{DocumentEnd, DocumentStatus, IdentityDocument, Person, PersonKind};

pub struct People<'c, A>(pub(super) Rows<'c, A>);

impl<'c, A> Rows<'c, A> {
    pub fn people(self) -> People<'c, A> {
        People(self)
    }
}

/// A document that nobody holds or has held.
pub struct NewDocument<'n> {
    pub row: Uuid,
    pub person: PersonId,
    pub number: &'n DocumentNumber,
    /// The last day; `None`: for ever, or nobody has told.
    pub valid_to: Option<Day>,
}

impl<A> People<'_, A> {
    pub async fn find(&self, id: PersonId) -> Result<Option<Person>, StoreError> {
        let row = self
            .0
            .find::<person::Entity>()
            .filter(person::Column::Id.eq(id.0))
            .one(&self.0.db())
            .await?;
        row.map(|row| self.read(row)).transpose()
    }

    /// Who holds one of these documents: several people where equal digits stand on documents of
    /// different kinds (E-04).
    pub async fn find_by_documents(
        &self,
        numbers: &[DocumentNumber],
    ) -> Result<Vec<PersonId>, StoreError> {
        self.holders_of(numbers, &[ACTIVE]).await
    }

    /// Whom one of these documents names, also a void one: to the registry and the bureau it is still its
    /// person's. It lets nobody in.
    pub async fn named_by_documents(
        &self,
        numbers: &[DocumentNumber],
    ) -> Result<Vec<PersonId>, StoreError> {
        self.holders_of(numbers, &[ACTIVE, DocumentStatus::Void.name()]).await
    }

    async fn holders_of(
        &self,
        numbers: &[DocumentNumber],
        statuses: &[&str],
    ) -> Result<Vec<PersonId>, StoreError> {
        let keys = |number: &DocumentNumber| {
            let (kind, indexes) = (number.kind.name(), self.indexes_of(number).into_iter());
            indexes.map(move |index| (kind, index)).collect::<Vec<_>>()
        };
        let wanted: Vec<(&str, Vec<u8>)> = numbers.iter().flat_map(keys).collect();
        let indices: BTreeSet<Vec<u8>> = wanted.iter().map(|(_, index)| index.clone()).collect();
        let rows = self
            .0
            .find::<identity_document::Entity>()
            .filter(identity_document::Column::NumberIndex.is_in(indices))
            .filter(identity_document::Column::Status.is_in(statuses.iter().copied()))
            .all(&self.0.db())
            .await?;
        let is_wanted = |row: &identity_document::Model| {
            wanted.iter().any(|(kind, index)| row.kind == *kind && row.number_index == *index)
        };
        let people: BTreeSet<Uuid> =
            rows.into_iter().filter(is_wanted).map(|row| row.person_id).collect();
        Ok(people.into_iter().map(PersonId).collect())
    }

    pub async fn find_by_document(
        &self,
        number: &DocumentNumber,
    ) -> Result<Option<PersonId>, StoreError> {
        let found = self.find_by_documents(std::slice::from_ref(number)).await?;
        Ok(found.first().copied())
    }

    /// A number is looked up by this beside its kind, whatever renewal its card has.
    pub(super) fn index_of(&self, number: &DocumentNumber) -> Vec<u8> {
        self.0.index("document", number.comparable())
    }

    pub(super) fn indexes_of(&self, number: &DocumentNumber) -> Vec<Vec<u8>> {
        self.0.indexes("document", number.comparable())
    }

    /// Those that count, the oldest first.
    pub async fn documents(&self, id: PersonId) -> Result<Vec<IdentityDocument>, StoreError> {
        let rows = self
            .0
            .find::<identity_document::Entity>()
            .filter(identity_document::Column::PersonId.eq(id.0))
            .filter(identity_document::Column::Status.eq(ACTIVE))
            .order_by_asc(identity_document::Column::Id)
            .all(&self.0.db())
            .await?;
        rows.into_iter().map(|row| self.read_document(&row)).collect()
    }

    /// Their postal address, where they have told one.
    pub async fn address(&self, id: PersonId) -> Result<Option<PostalAddress>, StoreError> {
        let found = self.0.find::<person::Entity>().filter(person::Column::Id.eq(id.0));
        let row = found.one(&self.0.db()).await?;
        let Some(sealed) = row.and_then(|row| row.address) else { return Ok(None) };
        let text = self.0.unseal(&format!("person.address.{id}"), &sealed)?;
        Ok(PostalAddress::parse(&text).ok())
    }

    /// People of level 3 and above of whose documents the last ended before a day, by the end of each.
    pub async fn past_documents(
        &self,
        before: Day,
        after: Option<Place>,
    ) -> Result<Page<PersonId>, StoreError> {
        let after = after.unwrap_or_else(|| Place::first(""));
        let values = [before.to_string().into(), after.at, after.id.into()];
        let rows = self.0.all(&PAST_DOCUMENTS, values).await?;
        let found = rows.iter().map(|row| {
            let (at, id): (String, Uuid) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
            let person: Uuid = row.try_get_by_index(2)?;
            let found = Found { id: person, row: Ok(PersonId(person)) };
            Ok::<_, StoreError>((Place { at: at.into(), id }, found))
        });
        Ok(Page::of(found.collect::<Result<_, _>>()?, PAST_AT_ONCE))
    }

    pub(super) fn read(&self, row: person::Model) -> Result<Person, StoreError> {
        let place = |column: &str| format!("person.{column}.{}", row.id);
        let email = row.email.as_deref().map(|sealed| self.0.unseal(&place("email"), sealed));
        Ok(Person {
            id: PersonId(row.id),
            kind: match row.kind.as_str() {
                "domestic" => PersonKind::Domestic,
                "overseas" => PersonKind::Overseas,
                _ => return Err(StoreError::inconsistent("person", "kind", row.id)),
            },
            name: PersonName::kept(&self.0.unseal(&place("name"), &row.name)?),
            sex: row.sex,
            nationality: row.nationality,
            real_name_level: u8::try_from(row.real_name_level)
                .map_err(|_| StoreError::inconsistent("person", "real_name_level", row.id))?,
            // An address of before the rule: nothing can be sent to it.
            email: email.transpose()?.and_then(|email| EmailAddress::parse(&email).ok()),
            email_verified_at: row.email_verified_at.map(Timestamp),
            created_at: Timestamp(row.created_at),
            updated_at: Timestamp(row.updated_at),
        })
    }

    pub(super) fn read_document(
        &self,
        row: &identity_document::Model,
    ) -> Result<IdentityDocument, StoreError> {
        Ok(IdentityDocument {
            person: PersonId(row.person_id),
            kind: DocumentType::parse(&row.kind)
                .ok_or_else(|| StoreError::inconsistent("identity_document", "kind", row.id))?,
            number: self.0.unseal(&format!("document.number.{}", row.id), &row.number)?,
            valid_from: row.valid_from.as_deref().and_then(Day::parse),
            valid_to: row.valid_to.as_deref().and_then(Day::parse),
        })
    }
}

impl People<'_, Writing> {
    /// What is said of somebody known: all but their documents and postal address.
    pub async fn update(&self, person: &Person) -> Result<(), StoreError> {
        let place = |column: &str| format!("person.{column}.{}", person.id);
        let email = person.email.as_ref();
        self.0
            .update::<person::Entity>()
            .col_expr(
                person::Column::Name,
                Expr::value(self.0.seal(&place("name"), person.name.as_str())),
            )
            .col_expr(person::Column::RealNameLevel, Expr::value(i32::from(person.real_name_level)))
            .col_expr(
                person::Column::Email,
                Expr::value(email.map(|email| self.0.seal(&place("email"), email.as_str()))),
            )
            .col_expr(
                person::Column::EmailIndex,
                Expr::value(email.map(|email| self.0.index("email", &email.comparable()))),
            )
            .col_expr(
                person::Column::EmailVerifiedAt,
                Expr::value(person.email_verified_at.map(|at| at.0)),
            )
            .col_expr(person::Column::Kind, Expr::value(kind_name(person.kind)))
            .col_expr(person::Column::Sex, Expr::value(person.sex.clone()))
            .col_expr(person::Column::Nationality, Expr::value(person.nationality.clone()))
            .col_expr(person::Column::UpdatedAt, Expr::value(person.updated_at.0))
            .filter(person::Column::Id.eq(person.id.0))
            .exec(&self.0.db())
            .await?;
        Ok(())
    }

    /// An address that a code has just reached.
    pub async fn set_email(
        &self,
        id: PersonId,
        email: &EmailAddress,
        verified_at: Timestamp,
    ) -> Result<(), StoreError> {
        let sealed = self.0.seal(&format!("person.email.{id}"), email.as_str());
        let index = self.0.index("email", &email.comparable());
        self.0
            .update::<person::Entity>()
            .col_expr(person::Column::Email, Expr::value(sealed))
            .col_expr(person::Column::EmailIndex, Expr::value(index))
            .col_expr(person::Column::EmailVerifiedAt, Expr::value(verified_at.0))
            .filter(person::Column::Id.eq(id.0))
            .exec(&self.0.db())
            .await?;
        Ok(())
    }

    pub async fn set_address(
        &self,
        id: PersonId,
        address: &PostalAddress,
    ) -> Result<(), StoreError> {
        let sealed = self.0.seal(&format!("person.address.{id}"), address.as_str());
        self.0
            .update::<person::Entity>()
            .col_expr(person::Column::Address, Expr::value(sealed))
            .filter(person::Column::Id.eq(id.0))
            .exec(&self.0.db())
            .await?;
        Ok(())
    }

    pub async fn add(&self, person: &Person) -> Result<(), StoreError> {
        self.add_all(&[person]).await
    }

    pub async fn add_all(&self, people: &[&Person]) -> Result<(), StoreError> {
        let row = |person: &&Person| {
            let place = |column: &str| format!("person.{column}.{}", person.id);
            let email = person.email.as_ref();
            person::ActiveModel {
                id: Set(person.id.0),
                realm: Set(self.0.realm.to_owned()),
                kind: Set(kind_name(person.kind).to_owned()),
                name: Set(self.0.seal(&place("name"), person.name.as_str())),
                sex: Set(person.sex.clone()),
                nationality: Set(person.nationality.clone()),
                real_name_level: Set(i32::from(person.real_name_level)),
                email: Set(email.map(|email| self.0.seal(&place("email"), email.as_str()))),
                email_index: Set(email.map(|email| self.0.index("email", &email.comparable()))),
                created_at: Set(person.created_at.0),
                updated_at: Set(person.updated_at.0),
                address: Set(None),
                email_verified_at: Set(person.email_verified_at.map(|at| at.0)),
            }
        };
        self.0.insert_all(people.iter().map(row).collect()).await
    }

    /// The last day of the document of this kind that a person holds; `false`: it was so before.
    pub async fn date_document(
        &self,
        person: PersonId,
        kind: DocumentType,
        end: DocumentEnd,
    ) -> Result<bool, StoreError> {
        use identity_document::Column;
        let (day, is_other) = match end {
            DocumentEnd::Never => (None, Condition::all().add(Column::ValidTo.is_not_null())),
            DocumentEnd::On(day) => {
                let day = day.to_string();
                let is_other = Condition::any()
                    .add(Column::ValidTo.is_null())
                    .add(Column::ValidTo.ne(day.as_str()));
                (Some(day), is_other)
            }
        };
        let done = self
            .0
            .update::<identity_document::Entity>()
            .col_expr(Column::ValidTo, Expr::value(day))
            .filter(is_other)
            .filter(Column::PersonId.eq(person.0))
            .filter(Column::Kind.eq(kind.name()))
            .filter(Column::Status.eq(ACTIVE))
            .exec(&self.0.db())
            .await?;
        Ok(done.rows_affected > 0)
    }

    /// The person holds this document from now on, in place of another of its kind (D-08).
    pub async fn hold_document(
        &self,
        row_id: Uuid,
        person: PersonId,
        number: &DocumentNumber,
    ) -> Result<Holding, StoreError> {
        use identity_document::Column;
        let db = self.0.db();
        let known = self
            .0
            .find::<identity_document::Entity>()
            .filter(Column::Kind.eq(number.kind.name()))
            .filter(Column::NumberIndex.is_in(self.indexes_of(number)))
            .one(&db)
            .await?;
        if known.as_ref().is_some_and(|row| row.person_id != person.0) {
            return Ok(Holding::SomebodyElse);
        }
        if known.as_ref().is_some_and(|row| row.status == DocumentStatus::Void.name()) {
            return Ok(Holding::Void);
        }
        let row_id = known.as_ref().map_or(row_id, |row| row.id);
        self.0
            .update::<identity_document::Entity>()
            .col_expr(Column::Status, Expr::value(DocumentStatus::Superseded.name()))
            .filter(Column::PersonId.eq(person.0))
            .filter(Column::Kind.eq(number.kind.name()))
            .filter(Column::Status.eq(ACTIVE))
            .filter(Column::Id.ne(row_id))
            .exec(&db)
            .await?;
        if let Some(known) = known {
            let sealed = self.0.seal(&format!("document.number.{row_id}"), number.as_str());
            let done = self
                .0
                .update::<identity_document::Entity>()
                .col_expr(Column::Number, Expr::value(sealed))
                // By the root that has sealed the number: each follows the other.
                .col_expr(Column::NumberIndex, Expr::value(self.index_of(number)))
                .col_expr(Column::Status, Expr::value(ACTIVE))
                .filter(Column::Id.eq(row_id))
                // It may have gone over to somebody else meanwhile, who has proved it.
                .filter(Column::PersonId.eq(person.0))
                .exec(&db)
                .await?;
            if done.rows_affected != 1 {
                return Ok(Holding::SomebodyElse);
            }
            return Ok(if known.status == ACTIVE { Holding::Known } else { Holding::New });
        }
        let new = NewDocument { row: row_id, person, number, valid_to: None };
        self.add_documents(&[new]).await?;
        Ok(Holding::New)
    }
}

/// Whose a document was when somebody was to hold it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Holding {
    /// Nobody's, or one that this person had held before.
    New,
    /// This person's already.
    Known,
    /// It stays theirs.
    SomebodyElse,
    /// This person's, and reported void: nobody holds it until the authority says otherwise.
    Void,
}

/// Whose level rests on a document, and none that they hold is still good. By the documents' ends, which
/// have an index.
const PAST_AT_ONCE: usize = 200;

static PAST_DOCUMENTS: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT d.valid_to, d.id, d.person_id FROM identity_document d \
         JOIN person p ON p.id = d.person_id AND p.real_name_level > 2 \
         WHERE d.realm = $1 AND d.status = 'active' AND d.valid_to < $2 \
         AND (d.valid_to, d.id) > ($3, $4) \
         AND NOT EXISTS (SELECT 1 FROM identity_document o WHERE o.realm = $1 \
         AND o.person_id = d.person_id AND o.status = 'active' \
         AND (o.valid_to IS NULL OR o.valid_to >= $2)) \
         ORDER BY d.valid_to, d.id LIMIT {PAST_AT_ONCE}"
    )
});

/// The level that is left without a document behind it (L-12).
pub const LOWERED: u8 = 2;

/// Of a document that counts.
pub(super) const ACTIVE: &str = "active";

fn kind_name(kind: PersonKind) -> &'static str {
    match kind {
        PersonKind::Domestic => "domestic",
        PersonKind::Overseas => "overseas",
    }
}
