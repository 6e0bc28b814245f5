//! What the registry says of somebody's document. What was proved here stays, whatever it repeats (D-08); what
//! the authority reports void proves nothing until it says otherwise (L-12).

use crate::base::id::PersonId;
use crate::domain::audit::AuditEvent;
use crate::domain::authorisation::By;
use crate::domain::notice::NoticeKind;
use crate::domain::number::document::DocumentNumber;
use crate::domain::number::name::PersonName;
use crate::domain::person::{DocumentEnd, DocumentStatus};
use crate::flows::notify::person::tell_person;
use crate::flows::people::invited::{Prover, asked_by, pass_on};
use crate::flows::people::{date_document, hold_document};
use crate::flows::{Ctx, Fault, Stop};
use crate::store::Tx;
use crate::store::people::NewDocument;

pub struct ToldDocument<'a> {
    /// Whose the registry says it is.
    pub name: &'a PersonName,
    pub number: &'a DocumentNumber,
    /// `None`: as it was.
    pub ends: Option<DocumentEnd>,
    /// `None`: as it was.
    pub is_void: Option<bool>,
}

/// What became of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ToldAs {
    Held,
    /// The person holds it, and has proved here that it is good for longer.
    HeldLonger,
    /// It stays a former one: the person has proved here another of its kind since.
    Former,
    Void,
    SomebodyElses,
}

pub async fn tell_document(
    ctx: &Ctx,
    tx: &Tx<'_>,
    person: PersonId,
    told: &ToldDocument<'_>,
) -> Result<ToldAs, Stop> {
    let (people, number) = (tx.rows().people(), told.number);
    let mut known = people.standing(number).await?;
    if known.is_some_and(|(holder, _)| holder != person) {
        // Each change holds its own; many are held in the order in which everybody holds several.
        let enterprises = asked_by(tx.rows().reading(), person, number).await?;
        tx.rows().enterprises().hold_all(&enterprises).await?;
        let to = Prover { person, name: told.name, by: By::REGISTRY };
        if !pass_on(ctx, tx, number, &to).await? {
            return Ok(ToldAs::SomebodyElses);
        }
        known = people.standing(number).await?;
    }
    let status = known.map(|(_, status)| status);
    if told.is_void.unwrap_or(status == Some(DocumentStatus::Void)) {
        void_document(ctx, tx, person, (number, status)).await?;
        return Ok(ToldAs::Void);
    }
    let is_former = status.is_some_and(|status| status != DocumentStatus::Active);
    if status == Some(DocumentStatus::Void) {
        people.set_standing(number, DocumentStatus::Superseded).await?;
        tx.note(AuditEvent::DocumentVoidOver { person, kind: number.kind.name().to_owned() });
    }
    if is_former && people.has_proved(person, number.kind).await? {
        return Ok(ToldAs::Former);
    }
    if !hold_document(ctx, tx, person, number).await? {
        return Ok(ToldAs::SomebodyElses);
    }
    let Some(end) = told.ends else { return Ok(ToldAs::Held) };
    let mut held = people.documents(person).await?;
    held.retain(|one| one.kind == number.kind);
    if held.iter().any(|one| one.is_proved_beyond(end)) {
        return Ok(ToldAs::HeldLonger);
    }
    date_document(tx, person, number.kind, end).await?;
    Ok(ToldAs::Held)
}

/// It takes nothing else's place. `status`: how it stands; `None`: nobody has held it.
async fn void_document(
    ctx: &Ctx,
    tx: &Tx<'_>,
    person: PersonId,
    (number, status): (&DocumentNumber, Option<DocumentStatus>),
) -> Result<(), Fault> {
    let people = tx.rows().people();
    match status {
        Some(DocumentStatus::Void) => return Ok(()),
        Some(DocumentStatus::Active | DocumentStatus::Superseded) => {}
        None => {
            let new = NewDocument { row: ctx.new_row_id(), person, number, valid_to: None };
            people.add_documents(&[new]).await?;
        }
    }
    people.set_standing(number, DocumentStatus::Void).await?;
    tx.note(AuditEvent::DocumentVoid { person, kind: number.kind.name().to_owned() });
    if status == Some(DocumentStatus::Active) {
        tell_person(ctx, tx, person, NoticeKind::DocumentVoid, None).await?;
    }
    Ok(())
}
