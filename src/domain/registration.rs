//! Registration (用户注册, R-01 to R-18): what somebody says of themself on its pages, which step is due,
//! and what proves them in the end. Nothing here asks whether anybody is known: that is told only to
//! whoever has a code from the phone or address that they named.

use serde::{Deserialize, Serialize};

use crate::base::clock::{Day, Timestamp};
use crate::domain::hall::HallRecord;
use crate::domain::login::Then;
use crate::domain::number::country::{CHINA, by_alpha};
use crate::domain::number::document::{DocumentNumber, DocumentType};
use crate::domain::number::email::EmailAddress;
use crate::domain::number::name::PersonName;
use crate::domain::number::normalise;
use crate::domain::number::phone::Phone;
use crate::domain::number::resident::Sex;
use crate::domain::person::PersonKind;
use crate::domain::refusal::Refusal;

/// Asked separately, beside the face service, before a face is looked at.
pub const PERSONAL_AGREEMENT: &str = "personal-information";
pub const FACE_AGREEMENT: &str = "face-service";

/// 注册方式.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    Domestic,
    Overseas,
}

impl Way {
    pub const ALL: [Self; 2] = [Self::Domestic, Self::Overseas];

    pub fn name(self) -> &'static str {
        match self {
            Self::Domestic => "domestic",
            Self::Overseas => "overseas",
        }
    }

    /// Domestic where nothing, or nothing that is known, was chosen.
    pub fn chosen(name: &str) -> Self {
        Self::ALL.into_iter().find(|way| way.name() == name).unwrap_or(Self::Domestic)
    }

    /// The kinds of documents by which one registers this way; each of the eleven is one way's.
    pub fn documents(self) -> &'static [DocumentType] {
        match self {
            Self::Domestic => &[DocumentType::ResidentIdCard, DocumentType::ChinesePassport],
            Self::Overseas => &[
                DocumentType::HkMacaoResidencePermit,
                DocumentType::TaiwanResidencePermit,
                DocumentType::HkMacaoTravelPermit,
                DocumentType::TaiwanTravelPermit,
                DocumentType::ForeignPermanentResidentId,
                DocumentType::ForeignPassport,
                DocumentType::ForeignWorkPermitA,
                DocumentType::ForeignWorkPermitB,
                DocumentType::ForeignWorkPermitC,
            ],
        }
    }

    pub fn takes(self, kind: DocumentType) -> bool {
        self.documents().contains(&kind)
    }

    pub fn kind(self) -> PersonKind {
        match self {
            Self::Domestic => PersonKind::Domestic,
            Self::Overseas => PersonKind::Overseas,
        }
    }
}

/// Who registers, as typed in step 2; empty texts where nothing was.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Typed<'a> {
    pub name: &'a str,
    pub document_type: &'a str,
    pub document: &'a str,
    pub sex: &'a str,
    pub nationality: &'a str,
}

/// Who registers.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Candidate {
    pub name: PersonName,
    pub number: DocumentNumber,
    pub sex: Sex,
    /// ISO 3166-1 alpha-3.
    pub nationality: String,
}

impl Candidate {
    /// Sex and nationality are what the number says where it does; what somebody chose must not say
    /// otherwise. `E_FORMAT` names every field that is wrong, in the order of the form.
    pub fn parse(way: Way, typed: Typed<'_>, today: Day) -> Result<Self, Refusal> {
        let name = PersonName::parse(typed.name);
        let kind = DocumentType::parse(typed.document_type);
        let kind = kind.filter(|kind| way.documents().contains(kind));
        let number = kind.map(|kind| DocumentNumber::parse(kind, typed.document, today));
        let number = number.and_then(Result::ok);
        let sex = sex(number.as_ref(), typed.sex);
        let nationality = nationality(number.as_ref(), typed.nationality);
        let parts = (name, number, sex, nationality);
        if let (Ok(name), Some(number), Some(sex), Some(nationality)) = parts.clone() {
            return Ok(Self { name, number, sex, nationality });
        }
        let (name, number, sex, nationality) = parts;
        // Of a number that is none nobody can say whether sex and nationality fit it.
        let has_number = number.is_some();
        let wrong = [
            ("name", name.is_err()),
            ("document_type", kind.is_none()),
            ("document", kind.is_some() && !has_number),
            ("sex", has_number && sex.is_none()),
            ("nationality", has_number && nationality.is_none()),
        ];
        let fields = wrong.into_iter().filter(|(_, is_wrong)| *is_wrong);
        Err(Refusal::Format { fields: fields.map(|(field, _)| field).collect() })
    }
}

fn sex(number: Option<&DocumentNumber>, chosen: &str) -> Option<Sex> {
    let (kind, carried) = number.map(|number| (number.kind, number.sex))?;
    match (carried, chosen) {
        // Its page asks for none: what was chosen before for another kind is not meant.
        (Some(carried), _) if kind == DocumentType::ResidentIdCard => Some(carried),
        (Some(carried), "") => Some(carried),
        (carried, chosen) => {
            Sex::parse(chosen).filter(|sex| carried.is_none_or(|carried| carried == *sex))
        }
    }
}

fn nationality(number: Option<&DocumentNumber>, chosen: &str) -> Option<String> {
    let (number, chosen) = (number?, normalise(chosen));
    match number.nationality() {
        Some(carried) => (chosen.is_empty() || chosen == carried).then(|| carried.to_owned()),
        // A foreign document is no citizen's.
        None => by_alpha(&chosen).filter(|one| one.alpha != CHINA).map(|one| one.alpha.to_owned()),
    }
}

/// Where the code goes: a mainland phone, from overseas any phone or an e-mail address.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Contact {
    Phone(Phone),
    Email(EmailAddress),
}

impl Contact {
    pub fn parse(way: Way, text: &str) -> Result<Self, Refusal> {
        let found = match way {
            Way::Domestic => Phone::parse(text).ok().filter(Phone::is_mainland).map(Self::Phone),
            Way::Overseas if text.contains('@') => EmailAddress::parse(text).ok().map(Self::Email),
            Way::Overseas => Phone::parse(text).ok().map(Self::Phone),
        };
        found.ok_or(Refusal::format(match way {
            Way::Domestic => "phone",
            Way::Overseas => "contact",
        }))
    }

    /// How level 2 is reached by it (L-03).
    pub fn name(&self) -> &'static str {
        match self {
            Self::Phone(_) => "phone",
            Self::Email(_) => "email",
        }
    }

    /// The form that counters and codes know it by.
    pub fn comparable(&self) -> String {
        match self {
            Self::Phone(phone) => phone.as_str().to_owned(),
            Self::Email(email) => email.comparable(),
        }
    }
}

/// A password that was chosen, and where the person says that they are reached.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Access {
    /// A PHC string: the password itself is not kept.
    pub password: String,
    pub contact: Contact,
    /// When a code that was sent there came back.
    #[serde(default)]
    pub proved_at: Option<Timestamp>,
}

impl Access {
    /// For how long a code that came back proves the contact; whoever goes on later has another sent.
    const PROVED_SECONDS: i64 = 3600;

    fn is_over(&self, now: Timestamp) -> bool {
        self.proved_at.is_some_and(|at| at.plus(Self::PROVED_SECONDS) <= now)
    }
}

/// Who says that name and number belong together (L-04).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NamedBy {
    Hall,
    /// The authority that knows names and numbers.
    Authority,
    /// It knows no documents of this kind: whoever compares the face does, with the portrait of that
    /// number.
    Face,
}

impl NamedBy {
    /// How level 3 was reached.
    fn name(self) -> &'static str {
        match self {
            Self::Hall => "hall",
            Self::Authority => "real_name",
            Self::Face => "face",
        }
    }
}

/// What is left to prove, once the contact is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    /// The hall's record and its phone: no face is looked at.
    Hall,
    /// A face.
    Face { named_by: NamedBy, has_agreed: bool },
}

/// Somebody's registration on its way.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Registration {
    pub way: Way,
    /// Where the person goes once they are registered.
    pub then: Then,
    /// Id and version of what was agreed to.
    pub agreed: Vec<(String, String)>,
    /// Grows whenever it is about somebody else: what was begun for the former answers nothing.
    pub turn: u32,
    pub candidate: Option<Candidate>,
    pub access: Option<Access>,
    /// Of this candidate and this contact.
    pub proof: Option<Proof>,
}

/// The pages, in their order (L327 to L342).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Step {
    Identity,
    Contact,
    Verify,
}

impl Registration {
    pub fn begun(way: Way, then: Then, agreed: Vec<(String, String)>) -> Self {
        Self { way, then, agreed, turn: 0, candidate: None, access: None, proof: None }
    }

    /// The furthest step that is open; those before it can be gone back to.
    pub fn due(&self) -> Step {
        match (&self.candidate, &self.proof) {
            (None, _) => Step::Identity,
            (Some(_), None) => Step::Contact,
            (Some(_), Some(_)) => Step::Verify,
        }
    }

    /// It is about this candidate from now on. Of another number the password is chosen anew, because it
    /// must hold nothing of it.
    #[must_use]
    pub fn naming(&self, candidate: Candidate) -> Self {
        if self.candidate.as_ref() == Some(&candidate) {
            return self.clone();
        }
        let is_number = |one: &Candidate| one.number == candidate.number;
        let access = self.access.clone().filter(|_| self.candidate.as_ref().is_some_and(is_number));
        let (turn, candidate) = (self.turn + 1, Some(candidate));
        Self { turn, candidate, access, proof: None, ..self.clone() }
    }

    /// A code is on its way to them.
    #[must_use]
    pub fn reached_by(&self, access: Access) -> Self {
        let (turn, access) = (self.turn + 1, Some(access));
        Self { turn, access, proof: None, ..self.clone() }
    }

    /// The code came back.
    #[must_use]
    pub fn reached(&self, now: Timestamp) -> Self {
        let access = self.access.clone().map(|access| Access { proved_at: Some(now), ..access });
        Self { access, ..self.clone() }
    }

    /// The contact is to be proved anew.
    #[must_use]
    pub fn unreached(&self) -> Self {
        let access = self.access.clone().map(|access| Access { proved_at: None, ..access });
        Self { turn: self.turn + 1, access, proof: None, ..self.clone() }
    }

    /// As it stands at a moment: however often it was taken a step further, a code proves no more than it did. Of
    /// one that an earlier release took nobody has kept when.
    #[must_use]
    pub fn as_of(self, now: Timestamp) -> Self {
        let access = self.access.as_ref();
        let is_over = access.is_some_and(|access| access.is_over(now));
        let is_undated = access.is_none_or(|access| access.proved_at.is_none());
        match is_over || (self.proof.is_some() && is_undated) {
            true => self.unreached(),
            false => self,
        }
    }

    /// This is left to prove.
    #[must_use]
    pub fn left_with(&self, proof: Proof) -> Self {
        Self { proof: Some(proof), ..self.clone() }
    }

    /// Both parts were agreed to before the face check.
    #[must_use]
    pub fn agreeing(&self, more: Vec<(String, String)>) -> Self {
        let proof = self.proof.clone().map(|proof| match proof {
            Proof::Face { named_by, .. } => Proof::Face { named_by, has_agreed: true },
            Proof::Hall => Proof::Hall,
        });
        let mut agreed = self.agreed.clone();
        agreed.extend(more);
        Self { agreed, proof, ..self.clone() }
    }
}

/// What a number that is known leads to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Leads {
    /// Nobody has an account by it.
    Nowhere,
    /// To an account; or it is void and opens none.
    Account,
    /// To whoever holds another of its kind by now (D-08).
    Former,
}

/// Whom the documents name already.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Known {
    pub name: PersonName,
    /// Name and number were verified once (DEC-21); an invitation says only what a manager typed.
    pub is_verified: bool,
    pub leads: Leads,
    /// Of an enterprise, whether its relation waits or stands (DEC-24).
    pub is_manager: bool,
}

/// What the proof of a contact has opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Judged {
    /// The hall's record and phone are enough.
    Hall,
    /// A face is wanted; `is_named`: name and number stand in the hall's record, and no authority need be
    /// asked.
    Face { is_named: bool },
    /// They have an account: they sign in, or recover it.
    HasAccount,
    /// It was replaced: their present document is the way.
    Former,
}

/// What is left to prove; asked only for somebody whose contact is proved. `E_REAL_NAME`: the number is
/// another name's, whoever asks learns no more than an authority would say. `E_OFFLINE_ONLY`.
pub fn judge(
    candidate: &Candidate,
    contact: &Contact,
    hall: Option<&HallRecord>,
    known: Option<&Known>,
) -> Result<Judged, Refusal> {
    let is_theirs = |one: &Known| one.is_verified || one.leads != Leads::Nowhere;
    if known.is_some_and(|one| is_theirs(one) && one.name != candidate.name) {
        return Err(Refusal::RealName);
    }
    match known.map(|known| known.leads) {
        Some(Leads::Account) => return Ok(Judged::HasAccount),
        Some(Leads::Former) => return Ok(Judged::Former),
        Some(Leads::Nowhere) | None => {}
    }
    let hall = hall.filter(|record| record.name == candidate.name);
    let by_sight = hall.is_some_and(HallRecord::is_by_sight);
    if !candidate.number.kind.is_online() && !by_sight {
        return Err(Refusal::OfflineOnly);
    }
    let is_hall_phone = hall.is_some_and(|record| match (&record.phone, contact) {
        (Some(phone), Contact::Phone(typed)) => phone == typed,
        _ => false,
    });
    // A legal representative's powers want a face that somebody has compared (DEC-24).
    let is_enough = by_sight || !known.is_some_and(|known| known.is_manager);
    Ok(match is_hall_phone && is_enough {
        true => Judged::Hall,
        false => Judged::Face { is_named: hall.is_some() },
    })
}

/// The steps of the real-name level that a registration has proved, each with how, lowest first (L-01 to
/// L-05). An officer's comparison by sight, with the portrait, is worth the camera's.
pub fn levels(
    contact: &Contact,
    proof: &Proof,
    hall: Option<&HallRecord>,
) -> Vec<(u8, &'static str)> {
    let mut reached = vec![(1, "password"), (2, contact.name())];
    match proof {
        Proof::Hall => {
            reached.push((3, "hall"));
            if hall.is_some_and(HallRecord::is_by_sight) {
                reached.push((4, "hall"));
            }
        }
        Proof::Face { named_by, .. } => {
            reached.push((3, named_by.name()));
            reached.push((4, "face"));
        }
    }
    reached
}
