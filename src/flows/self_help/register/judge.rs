//! What is known of somebody whose phone or address is proved: an account, a hall's record, a name that
//! an authority knows. Each question costs one of the day's, so that neither a phone nor addresses that are made
//! up are a key to a list of numbers.

use crate::base::id::PersonId;
use crate::base::secret::{Hashed, Secret};
use crate::domain::authorisation::State;
use crate::domain::hall::HallRecord;
use crate::domain::identity_type::Capability;
use crate::domain::person::{DocumentStatus, Person};
use crate::domain::refusal::Refusal;
use crate::domain::registration::{
    Access, Candidate, Contact, Judged, Known, Leads, NamedBy, Proof, judge as judged,
};
use crate::flows::limits::{self, Limit};
use crate::flows::self_help::progress::Begun;
use crate::flows::self_help::register::{Held, JOURNEY, keep};
use crate::flows::{Ctx, Fault, Stop};
use crate::outbound::asked::{NameAnswer, NameAsked};
use crate::store::Rows;

/// In a day. Of an address more than a hall registers; of the domain of a mail address, since whoever has one
/// makes addresses up without end, half of that. Both of where somebody is: people everywhere have their mail at
/// the same few providers.
const QUESTIONS_OF_ADDRESS: u32 = 2000;
const QUESTIONS_OF_DOMAIN: u32 = 1000;
const QUESTIONS_OF_CONTACT: u32 = 5;
const DAY: i64 = 86_400;

/// Where somebody goes from here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// To the step that is due.
    GoOn,
    /// Nowhere: they have an account, and the registration is over.
    HasAccount,
    /// Nowhere, too: their present document is the way.
    Former,
}

/// What the rows say of a candidate.
pub(super) struct Facts {
    pub person: Option<Person>,
    pub known: Option<Known>,
    pub hall: Option<HallRecord>,
}

impl Facts {
    pub async fn read(ctx: &Ctx, rows: Rows<'_>, candidate: &Candidate) -> Result<Self, Fault> {
        let hall = rows.hall_records().find(&candidate.number).await?;
        let standing = rows.people().standing(&candidate.number).await?;
        let Some((id, status)) = standing else {
            return Ok(Self { person: None, known: None, hall });
        };
        let person = rows.people().find(id).await?;
        let known = match &person {
            Some(person) => Some(Known {
                name: person.name.clone(),
                is_verified: person.real_name_level >= 3,
                leads: leads(rows, person.id, status).await?,
                is_manager: is_manager(ctx, rows, person.id).await?,
            }),
            None => None,
        };
        Ok(Self { person, known, hall })
    }

    pub fn judge(&self, candidate: &Candidate, access: &Access) -> Result<Judged, Refusal> {
        judged(candidate, &access.contact, self.hall.as_ref(), self.known.as_ref())
    }
}

/// A former number and a void one open nothing: it is said before a face is looked at.
async fn leads(rows: Rows<'_>, person: PersonId, status: DocumentStatus) -> Result<Leads, Fault> {
    Ok(match status {
        DocumentStatus::Superseded => Leads::Former,
        DocumentStatus::Void => Leads::Account,
        DocumentStatus::Active if rows.accounts().find_by_person(person).await?.is_some() => {
            Leads::Account
        }
        DocumentStatus::Active => Leads::Nowhere,
    })
}

async fn is_manager(ctx: &Ctx, rows: Rows<'_>, person: PersonId) -> Result<bool, Fault> {
    let held = rows.standings().held(person).await?;
    Ok(held.iter().any(|(one, _)| {
        let known = ctx.realm.identity_type(&one.identity_type);
        let is_open = one.state() == State::Active || one.state().is_pending();
        is_open && known.is_some_and(|known| known.can(Capability::ManageHandlers))
    }))
}

/// What a question is counted in.
fn questions(ctx: &Ctx, contact: &Contact) -> Vec<Limit> {
    let mut all = limits::of_networks(ctx, "register-asked-at", QUESTIONS_OF_ADDRESS);
    let counted = match contact {
        Contact::Email(email) => {
            let domain = format!("register-asked-domain/{}", Hashed::of(&email.site()).to_text());
            all.extend(limits::of_networks(ctx, &domain, QUESTIONS_OF_DOMAIN));
            email.mailbox()
        }
        Contact::Phone(_) => contact.comparable(),
    };
    let name = format!("register-asked/{}", Hashed::of(&counted).to_text());
    all.push(Limit { name, most: QUESTIONS_OF_CONTACT });
    all
}

/// Asks, and keeps what is left to prove.
pub(super) async fn judge(ctx: &Ctx, begun: &Begun, held: &Held) -> Result<Verdict, Stop> {
    let registration = &held.registration;
    let candidate = registration.candidate.as_ref().ok_or(Refusal::State)?;
    let access = registration.access.as_ref().ok_or(Refusal::State)?;
    let questions = questions(ctx, &access.contact);
    limits::take(ctx, &questions, DAY).await?;
    let facts = Facts::read(ctx, ctx.rows(), candidate).await?;
    let proof = match facts.judge(candidate, access)? {
        Judged::HasAccount => {
            JOURNEY.forget(ctx, begun).await;
            return Ok(Verdict::HasAccount);
        }
        Judged::Former => {
            JOURNEY.forget(ctx, begun).await;
            return Ok(Verdict::Former);
        }
        Judged::Hall => Proof::Hall,
        Judged::Face { is_named: true } => {
            Proof::Face { named_by: NamedBy::Hall, has_agreed: false }
        }
        Judged::Face { is_named: false } => {
            let named_by = named_by(ctx, candidate, &questions).await?;
            Proof::Face { named_by, has_agreed: false }
        }
    };
    keep(ctx, begun, held, registration.left_with(proof)).await?;
    Ok(Verdict::GoOn)
}

/// The authority that knows names (L-04). Kinds of documents that it does not know are left to whoever
/// compares the face with the portrait behind the number.
async fn named_by(ctx: &Ctx, candidate: &Candidate, questions: &[Limit]) -> Result<NamedBy, Stop> {
    let provider = ctx.realm.real_name.as_ref();
    let provider: Option<(&str, &Secret)> = provider.map(|(url, secret)| (url.as_str(), secret));
    if !ctx.services.outbound.knows_names(provider) {
        return Ok(NamedBy::Face);
    }
    let asked = NameAsked {
        name: candidate.name.as_str(),
        document_type: candidate.number.kind.name(),
        number: candidate.number.as_str(),
    };
    let handed_in = (&ctx.services.clock, ctx.random());
    match ctx.services.outbound.check_name(provider, &asked, handed_in).await {
        Ok(NameAnswer::Match) => Ok(NamedBy::Authority),
        Ok(NameAnswer::Unsupported) => Ok(NamedBy::Face),
        Ok(NameAnswer::Mismatch | NameAnswer::NotFound) => Err(Refusal::RealName.into()),
        Err(error) => {
            tracing::warn!(%error, "A real name could not be verified");
            limits::give_back(ctx.ephemeral(), questions).await?;
            Err(Refusal::RealNameUnavailable.into())
        }
    }
}
