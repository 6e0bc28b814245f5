//! What an officer types and takes of a person at the counter, before it is a record of the hall: its
//! fields by the rules of registration, so that what is collected can be registered with, and the portrait.

use crate::base::clock::Day;
use crate::domain::hall::HallRecord;
use crate::domain::non_resident::FileKind;
use crate::domain::number::document::DocumentType;
use crate::domain::number::phone::Phone;
use crate::domain::person::DocumentEnd;
use crate::domain::picture::bare;
use crate::domain::refusal::Refusal;
use crate::domain::registration::{Candidate, Typed, Way};

/// A record as an officer types it; empty texts where nothing was.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct TypedRecord<'a> {
    pub name: &'a str,
    pub document_type: &'a str,
    pub document: &'a str,
    pub sex: &'a str,
    pub nationality: &'a str,
    /// A day, or empty where the document does not end.
    pub valid_to: &'a str,
    pub phone: &'a str,
    /// 肉眼比对: the officer has compared face and document.
    pub is_by_sight: bool,
}

impl TypedRecord<'_> {
    /// Without portrait, day and officer. `stood`: the version that is corrected, whose end stays what it was where
    /// the field comes back as it was shown. `E_FORMAT` names every field that is wrong, in the order of the form.
    pub fn parse(&self, today: Day, stood: Option<&HallRecord>) -> Result<HallRecord, Refusal> {
        let kind = DocumentType::parse(self.document_type);
        let way = kind.and_then(|kind| Way::ALL.into_iter().find(|way| way.takes(kind)));
        let typed = Typed {
            name: self.name,
            document_type: self.document_type,
            document: self.document,
            sex: self.sex,
            nationality: self.nationality,
        };
        let candidate = Candidate::parse(way.unwrap_or(Way::Domestic), typed, today);
        let text = self.valid_to.trim();
        let stood = stood.map(|stood| stood.document_ends);
        let ends = match (stood.filter(|stood| shown_end(*stood) == text), text, kind) {
            (Some(stood), ..) => Some(stood),
            (None, "", Some(kind)) if kind.always_ends() => None,
            (None, "", _) => Some(Some(DocumentEnd::Never)),
            // One that is over was not good when it was shown.
            (None, text, _) => {
                Day::parse(text).filter(|day| *day >= today).map(|day| Some(DocumentEnd::On(day)))
            }
        };
        let phone = match self.phone.trim() {
            "" => Some(None),
            text => Phone::parse(text).ok().map(Some),
        };
        let (Ok(candidate), Some(ends), Some(phone)) = (&candidate, ends, &phone) else {
            let mut fields = match candidate {
                Err(Refusal::Format { fields }) => fields,
                _ => Vec::new(),
            };
            fields.extend(ends.is_none().then_some("document_valid_to"));
            fields.extend(phone.is_none().then_some("phone"));
            return Err(Refusal::Format { fields });
        };
        Ok(HallRecord {
            name: candidate.name.clone(),
            number: candidate.number.clone(),
            sex: Some(candidate.sex),
            nationality: candidate.nationality.clone(),
            document_ends: ends,
            phone: phone.clone(),
            verified_by_sight: self.is_by_sight,
            portrait: None,
            collected_on: today,
            collected_by: String::new(),
        })
    }
}

/// What stands in the field of a record's end: nothing both where the document does not end and where that was not
/// collected.
pub fn shown_end(ends: Option<DocumentEnd>) -> String {
    match ends {
        Some(DocumentEnd::On(day)) => day.to_string(),
        Some(DocumentEnd::Never) | None => String::new(),
    }
}

/// A portrait that was taken at the counter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Portrait {
    pub kind: FileKind,
    /// Bytes.
    pub size: usize,
}

impl Portrait {
    /// Bytes.
    pub const LARGEST: usize = 2 * 1024 * 1024;

    /// With the picture as it is kept, and nothing of where it was taken. `E_FORMAT` at `portrait_size`, or
    /// `portrait_kind`: no JPEG and no PNG by its bytes.
    pub fn of(content: &[u8]) -> Result<(Self, Vec<u8>), Refusal> {
        if content.len() > Self::LARGEST {
            return Err(Refusal::format("portrait_size"));
        }
        let kind = FileKind::of(content);
        let kept = kind.and_then(|kind| Some((kind, bare(kind, content)?)));
        let (kind, kept) = kept.ok_or_else(|| Refusal::format("portrait_kind"))?;
        Ok((Self { kind, size: kept.len() }, kept))
    }
}
