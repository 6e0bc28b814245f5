//! The whole history of relations as the bureau asks for it, by the enterprise or by the person, also what either
//! side has cleared from its own view (AC-40, X-19).

use crate::base::id::{EnterpriseId, PersonId};
use crate::domain::audit::AuditEvent;
use crate::domain::authorisation::{Authorisation, HistoryEntry};
use crate::domain::enterprise::Enterprise;
use crate::domain::help::Helper;
use crate::domain::number::taxpayer::TaxpayerNumber;
use crate::domain::person::Person;
use crate::domain::refusal::Refusal;
use crate::flows::help::people;
use crate::flows::officer::{Subject, look, note};
use crate::flows::{Ctx, Fault, Stop};

/// Records in one answer.
pub const A_PAGE: usize = 200;

/// A relation that is over, whoever still sees it.
pub struct Ended<T> {
    pub entry: HistoryEntry,
    pub authorisation: Authorisation,
    /// The side that was not asked about.
    pub other: T,
}

/// Newest first, after the first `skipped`; `None` where no enterprise has the number. The look leaves
/// its trace: `by` is the client that asks.
pub async fn whole_history(
    ctx: &Ctx,
    by: &str,
    number: &str,
    skipped: usize,
) -> Result<Option<Vec<Ended<Person>>>, Fault> {
    let rows = ctx.rows();
    let number = TaxpayerNumber::asked(number);
    let Some(enterprise) = rows.enterprises().find_by_number(&number).await? else {
        return Ok(None);
    };
    let found = rows.relations().whole_history(enterprise.id, skipped, A_PAGE).await?;
    let tx = ctx.begin().await?;
    let enterprise = Some(enterprise.id);
    tx.note(AuditEvent::HistoryRead { by: by.to_owned(), enterprise, person: None });
    tx.commit().await?;
    Ok(Some(found.into_iter().map(ended).collect()))
}

/// Whom a system of the bureau has asked about.
pub enum OfPerson {
    Nobody,
    /// Equal digits stand on documents of different kinds.
    Several(Vec<PersonId>),
    One(PersonId, Vec<Ended<Enterprise>>),
}

/// The same of a person, whom the text means as at the console ([`find_people`]); the look leaves its trace for
/// each who was found, and where nobody was.
pub async fn whole_history_of_person(
    ctx: &Ctx,
    by: &str,
    text: &str,
    skipped: usize,
) -> Result<OfPerson, Stop> {
    let found = people(ctx, text).await?;
    let read = |person| AuditEvent::HistoryRead { by: by.to_owned(), enterprise: None, person };
    let tx = ctx.begin().await?;
    if found.is_empty() {
        tx.note(read(None));
    }
    for one in &found {
        tx.note(read(Some(*one)));
    }
    tx.commit().await?;
    let [id] = *found.as_slice() else {
        return Ok(if found.is_empty() { OfPerson::Nobody } else { OfPerson::Several(found) });
    };
    let found = ctx.rows().relations().whole_history_of_person(id, skipped, A_PAGE).await?;
    Ok(OfPerson::One(id, found.into_iter().map(ended).collect()))
}

fn ended<T>((entry, authorisation, other): (HistoryEntry, Authorisation, T)) -> Ended<T> {
    Ended { entry, authorisation, other }
}

/// The same for an officer at the console; `E_STATE`: no enterprise has the id.
pub async fn history_for(
    ctx: &Ctx,
    officer: &Helper,
    id: EnterpriseId,
    skipped: usize,
) -> Result<(Enterprise, Vec<Ended<Person>>), Stop> {
    let rows = ctx.rows();
    let enterprise = rows.enterprises().find(id).await?.ok_or(Refusal::State)?;
    let found = rows.relations().whole_history(id, skipped, A_PAGE).await?;
    let subject = Subject { enterprise: Some(id), ..Subject::default() };
    look(ctx, officer, "read-history", subject).await?;
    Ok((enterprise, found.into_iter().map(ended).collect()))
}

/// Whom a text means, by a document, a phone, a username or an id; `E_FORMAT`: it is none of these. A look that
/// found nobody is one, too.
pub async fn find_people(ctx: &Ctx, officer: &Helper, text: &str) -> Result<Vec<Person>, Stop> {
    let mut found = Vec::new();
    for id in people(ctx, text).await? {
        found.extend(ctx.rows().people().find(id).await?);
    }
    let tx = ctx.begin().await?;
    if found.is_empty() {
        note(&tx, officer, "find-person", Subject::default());
    }
    for one in &found {
        note(&tx, officer, "find-person", Subject { person: Some(one.id), ..Subject::default() });
    }
    tx.commit().await?;
    Ok(found)
}

/// Everything that stood between a person and enterprises; `E_STATE`: nobody has the id.
pub async fn history_of_person(
    ctx: &Ctx,
    officer: &Helper,
    id: PersonId,
    skipped: usize,
) -> Result<(Person, Vec<Ended<Enterprise>>), Stop> {
    let rows = ctx.rows();
    let person = rows.people().find(id).await?.ok_or(Refusal::State)?;
    let found = rows.relations().whole_history_of_person(id, skipped, A_PAGE).await?;
    let subject = Subject { person: Some(id), ..Subject::default() };
    look(ctx, officer, "read-history", subject).await?;
    Ok((person, found.into_iter().map(ended).collect()))
}
