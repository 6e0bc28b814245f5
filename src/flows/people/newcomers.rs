//! Many people at once whom nobody knew, by the word of the registry: in a few statements what `add`,
//! `hold_document`, `open_account` and `bind_told_phone` keep of each, with the same audit.

use crate::base::clock::Day;
use crate::domain::audit::AuditEvent;
use crate::domain::number::document::DocumentNumber;
use crate::domain::person::{Account, DocumentEnd, Person, PhoneBinding};
use crate::flows::{Ctx, Fault};
use crate::store::Tx;
use crate::store::many::NewPhone;
use crate::store::people::NewDocument;

/// Somebody whose document and phone are nobody's.
pub struct Newcomer {
    pub person: Person,
    pub document: DocumentNumber,
    pub document_ends: Option<DocumentEnd>,
    pub account: Account,
    pub phone: Option<PhoneBinding>,
}

/// One that somebody knows after all is a conflict, and nothing of the others may be committed.
pub async fn add_all(ctx: &Ctx, tx: &Tx<'_>, new: &[Newcomer]) -> Result<(), Fault> {
    let (mut documents, mut phones) = (Vec::with_capacity(new.len()), Vec::new());
    let (mut people, mut accounts) = (Vec::with_capacity(new.len()), Vec::new());
    for one in new {
        note(tx, one);
        documents.push(NewDocument {
            row: ctx.new_row_id(),
            person: one.person.id,
            number: &one.document,
            valid_to: last_day(one),
        });
        let phone = one.phone.clone();
        phones.extend(phone.map(|binding| NewPhone { row: ctx.new_row_id(), binding }));
        people.push(&one.person);
        accounts.push(&one.account);
    }
    let rows = tx.rows();
    rows.people().add_all(&people).await?;
    rows.people().add_documents(&documents).await?;
    rows.accounts().add_all(&accounts, ctx.now()).await?;
    Ok(rows.accounts().add_told_phones(&phones).await?)
}

fn last_day(one: &Newcomer) -> Option<Day> {
    match one.document_ends {
        Some(DocumentEnd::On(day)) => Some(day),
        Some(DocumentEnd::Never) | None => None,
    }
}

fn note(tx: &Tx<'_>, one: &Newcomer) {
    let (person, account) = (one.person.id, one.account.id);
    if one.person.real_name_level > 1 {
        let (level, how) = (one.person.real_name_level, "registry".to_owned());
        tx.note(AuditEvent::RealNameRaised { person, level, how });
    }
    let kind = one.document.kind.name().to_owned();
    tx.note(AuditEvent::DocumentHeld { person, kind: kind.clone() });
    if last_day(one).is_some() {
        tx.note(AuditEvent::DocumentDated { person, kind });
    }
    tx.note(AuditEvent::AccountOpened { account, person });
    if one.phone.is_some() {
        tx.note(AuditEvent::PhoneBound { account });
    }
}
