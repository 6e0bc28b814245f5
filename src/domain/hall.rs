//! What the tax service hall has collected of a person who came there with a document:
//! it stands for itself and belongs to no account. What is made of it is decided in `registration`.

use crate::base::clock::Day;
use crate::domain::number::document::DocumentNumber;
use crate::domain::number::name::PersonName;
use crate::domain::number::phone::Phone;
use crate::domain::number::resident::Sex;
use crate::domain::person::DocumentEnd;
use crate::domain::refusal::Refusal;

/// One collection (办税服务厅实名信息采集); a newer one of the same document takes its place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HallRecord {
    pub name: PersonName,
    pub number: DocumentNumber,
    pub sex: Option<Sex>,
    /// ISO 3166-1 alpha-3.
    pub nationality: String,
    pub document_ends: Option<DocumentEnd>,
    /// Where the person said that they are reached.
    pub phone: Option<Phone>,
    /// An officer has compared face and document.
    pub verified_by_sight: bool,
    /// SHA-256 of the portrait as it is kept, in hexadecimal.
    pub portrait: Option<String>,
    pub collected_on: Day,
    /// Who collected it, in the hall's own words.
    pub collected_by: String,
}

impl HallRecord {
    /// Face and document were compared by an officer, and the portrait that says so was kept: as good as
    /// the comparison that a camera makes.
    pub fn is_by_sight(&self) -> bool {
        self.verified_by_sight && self.portrait.is_some()
    }

    /// What cannot be verified online is worth nothing here without both (D-03): `E_FORMAT` at `by_sight` or
    /// `portrait`. A mark without a portrait is none anywhere.
    pub fn check_seen(&self, has_portrait: bool) -> Result<(), Refusal> {
        let is_offline = !self.number.kind.is_online();
        let mut fields = Vec::new();
        if is_offline && !self.verified_by_sight {
            fields.push("by_sight");
        }
        if (is_offline || self.verified_by_sight) && !has_portrait {
            fields.push("portrait");
        }
        match fields.is_empty() {
            true => Ok(()),
            false => Err(Refusal::Format { fields }),
        }
    }
}
