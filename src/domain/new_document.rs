//! A document that somebody adds to their own (D-06): what was typed, checked as a whole before anybody is
//! asked to show a face for it.

use serde::{Deserialize, Serialize};

use crate::base::clock::Day;
use crate::domain::number::document::{DocumentNumber, DocumentType};
use crate::domain::number::name::PersonName;
use crate::domain::number::resident::Sex;
use crate::domain::person::{DocumentEnd, IdentityDocument, Person};
use crate::domain::refusal::Refusal;

/// As it was typed; a field that was left out is empty. Kept sealed while its scan is on the way, and
/// parsed once more afterwards.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct TypedDocument {
    pub name: String,
    /// A kind's name.
    pub kind: String,
    pub number: String,
    /// `long` or `dates`.
    pub term: String,
    pub valid_from: String,
    pub valid_to: String,
}

/// One that is right by itself.
#[derive(Clone, Debug)]
pub struct NewDocument {
    pub name: PersonName,
    pub number: DocumentNumber,
    pub valid_from: Day,
    pub valid_to: DocumentEnd,
}

impl TypedDocument {
    /// `E_OFFLINE_ONLY` for what the hall alone collects (D-05), `E_FORMAT` with every field that is wrong.
    pub fn parse(&self, today: Day) -> Result<NewDocument, Refusal> {
        let kind = DocumentType::parse(&self.kind);
        if kind.is_some_and(|kind| !kind.is_online()) {
            return Err(Refusal::OfflineOnly);
        }
        let name = PersonName::parse(&self.name).ok();
        let number = kind.and_then(|kind| DocumentNumber::parse(kind, &self.number, today).ok());
        let valid_from = Day::parse(self.valid_from.trim()).filter(|day| *day <= today);
        let valid_to = self.valid_to(kind, valid_from, today);
        match (name, number, valid_from, valid_to) {
            (Some(name), Some(number), Some(valid_from), Some(valid_to)) => {
                Ok(NewDocument { name, number, valid_from, valid_to })
            }
            (name, number, valid_from, valid_to) => {
                let all = [
                    ("name", name.is_none()),
                    ("document_type", kind.is_none()),
                    // Of no kind nothing can be said of its number.
                    ("document", number.is_none() && kind.is_some()),
                    ("valid_from", valid_from.is_none()),
                    ("valid_to", valid_to.is_none()),
                ];
                let wrong = all.into_iter().filter(|(_, is_wrong)| *is_wrong);
                Err(Refusal::Format { fields: wrong.map(|(field, _)| field).collect() })
            }
        }
    }

    /// `None`: no end that it could have.
    fn valid_to(
        &self,
        kind: Option<DocumentType>,
        from: Option<Day>,
        today: Day,
    ) -> Option<DocumentEnd> {
        if self.term == "long" {
            let may_be = !kind.is_some_and(DocumentType::always_ends);
            return may_be.then_some(DocumentEnd::Never);
        }
        let day = Day::parse(self.valid_to.trim()).filter(|day| *day >= today)?;
        from.is_none_or(|from| from <= day).then_some(DocumentEnd::On(day))
    }
}

impl NewDocument {
    /// Whether it can be this person's, as far as name, sex and birth date say (D-07). What is right in
    /// place of a wrong name is not told.
    pub fn check_of(
        &self,
        person: &Person,
        held: &[IdentityDocument],
        today: Day,
    ) -> Result<(), Refusal> {
        if self.name != person.name {
            return Err(Refusal::format("name"));
        }
        let sex = |sex: Sex| if sex == Sex::Male { "male" } else { "female" };
        let is_other_sex = match (self.number.sex, &person.sex) {
            (Some(told), Some(known)) => sex(told) != known,
            _ => false,
        };
        let born = held.iter().filter_map(|one| {
            DocumentNumber::parse(one.kind, &one.number, today).ok().and_then(|one| one.birth_date)
        });
        let is_other_age =
            self.number.birth_date.is_some_and(|told| born.into_iter().any(|known| known != told));
        match is_other_sex || is_other_age {
            true => Err(Refusal::format("document")),
            false => Ok(()),
        }
    }
}
