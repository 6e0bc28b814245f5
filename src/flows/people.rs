//! What is kept of people and their accounts beyond their relations: documents, phones, e-mail, level.
//! Each change leaves its trace in the audit, so whoever makes one goes through here;
//! `tests/it/tidy.rs` looks. Relations are `flows::relations`', passwords and factors
//! `flows::sign_in`'s.

mod agreements;
mod help;
mod invited;
mod newcomers;
mod phones;
mod told;

use crate::base::id::PersonId;
use crate::domain::audit::AuditEvent;
use crate::domain::authorisation::By;
use crate::domain::new_document::NewDocument;
use crate::domain::notice::NoticeKind;
use crate::domain::number::address::PostalAddress;
use crate::domain::number::document::{DocumentNumber, DocumentType};
use crate::domain::number::email::EmailAddress;
use crate::domain::number::username::Username;
use crate::domain::person::{Account, DocumentEnd, Person};
use crate::domain::refusal::Refusal;
use crate::flows::notify::cause::Cause;
use crate::flows::notify::person::tell_person;
use crate::flows::notify::tell::end_session;
use crate::flows::people::invited::Prover;
use crate::flows::{Ctx, Fault, Stop};
use crate::store::people::Holding;
use crate::store::{StoreError, Tx};

pub use agreements::{Agreed, accept, are_agreed};
pub use help::{expire_password, lock_account, note_help, unlock_account};
pub use invited::asked_by;
pub use newcomers::{Newcomer, add_all};
pub use phones::{
    bind_phone, bind_told_phone, contest_phone, drop_awaited_phone, remove_phone, set_default_phone,
};
pub use told::{ToldAs, ToldDocument, tell_document};

/// The account of somebody about whom others than they themself write, held until the transaction ends: before
/// the person, as whoever is signed in holds it (`session::hold`), so that no two wait for each other.
pub async fn held_account(tx: &Tx<'_>, person: PersonId) -> Result<Option<Account>, StoreError> {
    let accounts = tx.rows().accounts();
    let Some(found) = accounts.find_by_person(person).await? else { return Ok(None) };
    accounts.hold(&[found.id]).await?;
    // As it is now: it may have been cancelled meanwhile.
    accounts.find_by_person(person).await
}

/// The person holds this document from now on, in place of another of its kind (D-08); `false`: it is
/// somebody else's, or void.
pub async fn hold_document(
    ctx: &Ctx,
    tx: &Tx<'_>,
    person: PersonId,
    number: &DocumentNumber,
) -> Result<bool, Fault> {
    let people = tx.rows().people();
    match people.hold_document(ctx.new_row_id(), person, number).await? {
        Holding::SomebodyElse | Holding::Void => return Ok(false),
        Holding::Known => {}
        Holding::New => {
            let kind = number.kind.name().to_owned();
            tx.note(AuditEvent::DocumentHeld { person, kind });
        }
    }
    Ok(true)
}

/// The same of one that a face has just been compared with.
pub async fn hold_proved_document(
    ctx: &Ctx,
    tx: &Tx<'_>,
    person: PersonId,
    number: &DocumentNumber,
) -> Result<bool, Fault> {
    if !hold_document(ctx, tx, person, number).await? {
        return Ok(false);
    }
    tx.rows().people().set_proved(person, number.kind).await?;
    Ok(true)
}

/// The registry says until when a document is good.
pub async fn date_document(
    tx: &Tx<'_>,
    person: PersonId,
    kind: DocumentType,
    end: DocumentEnd,
) -> Result<(), Fault> {
    if tx.rows().people().date_document(person, kind, end).await? {
        let kind = kind.name().to_owned();
        tx.note(AuditEvent::DocumentDated { person, kind });
    }
    Ok(())
}

/// The person has shown a document, and told from when until when it is good (D-07); `false`: it is
/// somebody else's, or void. What was asked of them by its number, before anybody had proved it, is theirs with it.
pub async fn add_document(
    ctx: &Ctx,
    tx: &Tx<'_>,
    person: PersonId,
    new: &NewDocument,
) -> Result<bool, Stop> {
    let people = tx.rows().people();
    let mut holding = people.hold_document(ctx.new_row_id(), person, &new.number).await?;
    if holding == Holding::SomebodyElse {
        let known = people.find(person).await?.ok_or(Refusal::State)?;
        let to = Prover { person, name: &known.name, by: By::holder(person) };
        if invited::pass_on(ctx, tx, &new.number, &to).await? {
            holding = people.hold_document(ctx.new_row_id(), person, &new.number).await?;
        }
    }
    if matches!(holding, Holding::SomebodyElse | Holding::Void) {
        return Ok(false);
    }
    people.set_term(person, new.number.kind, (new.valid_from, new.valid_to)).await?;
    people.set_proved(person, new.number.kind).await?;
    let kind = new.number.kind.name().to_owned();
    tx.note(match holding {
        Holding::New => AuditEvent::DocumentHeld { person, kind },
        _ => AuditEvent::DocumentDated { person, kind },
    });
    tell_person(ctx, tx, person, NoticeKind::DocumentAdded, None).await?;
    Ok(true)
}

/// The end of an account (PC-22, PC-23): whatever led to it and came of it is gone, what is known of the
/// person, their documents and every authorisation stay as they are; `false`: it was cancelled before.
pub async fn cancel_account(ctx: &Ctx, tx: &Tx<'_>, account: &Account) -> Result<bool, Fault> {
    let rows = tx.rows();
    if !rows.cancelling().cancel(account.id).await? {
        return Ok(false);
    }
    for session in rows.sessions().unended_of(account.id).await? {
        end_session(ctx, tx, session, Cause::Cancelled).await?;
    }
    rows.authenticators().remove(account.id).await?;
    drop_awaited_phone(tx, account.id).await?;
    rows.consents().withdraw_all(account.person).await?;
    rows.cancelling().forget_contact(account.person).await?;
    tx.note(AuditEvent::AccountCancelled { account: account.id, person: account.person });
    Ok(true)
}

pub async fn open_account(ctx: &Ctx, tx: &Tx<'_>, account: &Account) -> Result<(), Fault> {
    tx.rows().accounts().add(account, ctx.now()).await?;
    tx.note(AuditEvent::AccountOpened { account: account.id, person: account.person });
    Ok(())
}

/// Somebody new, with the level at which the registry knows them.
pub async fn add(tx: &Tx<'_>, person: &Person) -> Result<(), Fault> {
    tx.rows().people().add(person).await?;
    if person.real_name_level > 1 {
        note_level(tx, person.id, person.real_name_level, "registry");
    }
    Ok(())
}

/// Somebody known, as the registry says they are now.
pub async fn update(tx: &Tx<'_>, before: &Person, after: &Person) -> Result<(), Fault> {
    tx.rows().people().update(after).await?;
    let person = after.id;
    if before.name.as_str() != after.name.as_str() {
        tx.note(AuditEvent::NameChanged { person });
    }
    if before.email != after.email {
        tx.note(AuditEvent::EmailChanged { person });
    }
    if before.real_name_level < after.real_name_level {
        note_level(tx, person, after.real_name_level, "registry");
    }
    Ok(())
}

/// Somebody known, as they have just registered: their real-name level begins at nothing and rests on what
/// they prove now, whatever an account before this one had proved.
pub async fn register(tx: &Tx<'_>, before: &Person, after: &Person) -> Result<(), Fault> {
    let person = after.id;
    tx.rows().people().update(after).await?;
    tx.rows().people().begin_levels(person).await?;
    if before.name.as_str() != after.name.as_str() {
        tx.note(AuditEvent::NameChanged { person });
    }
    Ok(())
}

/// Proved by a code that was sent there.
pub async fn change_email(
    ctx: &Ctx,
    tx: &Tx<'_>,
    person: PersonId,
    email: &EmailAddress,
) -> Result<(), Fault> {
    tx.rows().people().set_email(person, email, ctx.now()).await?;
    tx.note(AuditEvent::EmailChanged { person });
    Ok(())
}

pub async fn change_address(
    tx: &Tx<'_>,
    person: PersonId,
    address: &PostalAddress,
) -> Result<(), Fault> {
    tx.rows().people().set_address(person, address).await?;
    tx.note(AuditEvent::AddressChanged { person });
    Ok(())
}

/// `false`: somebody was faster, or it was changed this year already (PC-18).
pub async fn change_username(
    ctx: &Ctx,
    tx: &Tx<'_>,
    account: &Account,
    new: &Username,
) -> Result<bool, Fault> {
    let (accounts, now) = (tx.rows().accounts(), ctx.now());
    let before = account.username.as_ref();
    let is_changed =
        accounts.set_username(account.id, before, new, now.start_of_year(), now).await?;
    if is_changed {
        tx.note(AuditEvent::UsernameChanged { account: account.id });
    }
    Ok(is_changed)
}

/// One level higher, proved here (L-01); `false`: it has changed meanwhile.
pub async fn raise_level(
    ctx: &Ctx,
    tx: &Tx<'_>,
    person: PersonId,
    level: u8,
    how: &str,
) -> Result<bool, Fault> {
    let is_raised = tx.rows().people().raise_level(person, level, how, ctx.now()).await?;
    if is_raised {
        note_level(tx, person, level, how);
        tell_person(ctx, tx, person, NoticeKind::LevelRaised, None).await?;
    }
    Ok(is_raised)
}

fn note_level(tx: &Tx<'_>, person: PersonId, level: u8, how: &str) {
    tx.note(AuditEvent::RealNameRaised { person, level, how: how.to_owned() });
}
