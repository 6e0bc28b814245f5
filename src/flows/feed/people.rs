//! A person's line of a feed into person, document, account and phone.

use uuid::Uuid;

use crate::base::id::{AccountId, PersonId};
use crate::domain::feed::{PersonLine, Wrong};
use crate::domain::number::document::{DocumentNumber, DocumentType};
use crate::domain::number::normalise;
use crate::domain::number::phone::Phone;
use crate::domain::number::resident::Sex;
use crate::domain::person::{
    Account, AccountOrigin, AccountStatus, PasswordState, Person, PersonKind, PhoneBinding,
};
use crate::flows::Ctx;
use crate::flows::feed::NotTaken;
use crate::store::Tx;

pub async fn save_person(ctx: &Ctx, tx: &Tx<'_>, line: &PersonLine) -> Result<Uuid, NotTaken> {
    let rows = tx.rows();
    let found = rows.people().find_by_document(&normalise(&line.document)).await?;
    let known = match found {
        Some(id) => rows.people().find(id).await?,
        None => None,
    };
    let Some(known) = known else {
        let (person, _) = add_person(ctx, tx, line, (None, PasswordState::Initial)).await?;
        return Ok(person.0);
    };
    let changed = Person {
        name: line.name.clone(),
        // What somebody has proved here since, an older record does not take away.
        real_name_level: line.real_name_level.max(known.real_name_level),
        email: line.email.clone().or(known.email),
        updated_at: ctx.now(),
        ..known
    };
    rows.people().update(&changed).await?;
    // An invitation knew a name and a document, no account.
    if rows.accounts().find_by_person(changed.id).await?.is_none() {
        let credentials = (None, PasswordState::Initial);
        add_account(ctx, tx, (changed.id, line), credentials).await?;
    }
    Ok(changed.id.0)
}

/// A person nobody knew, with an account of the given username and password.
pub async fn add_person(
    ctx: &Ctx,
    tx: &Tx<'_>,
    line: &PersonLine,
    credentials: (Option<String>, PasswordState),
) -> Result<(PersonId, AccountId), NotTaken> {
    let now = ctx.now();
    let Some(kind) = DocumentType::parse(&line.document_type) else {
        return Err(Wrong::field("document_type", "no such kind of document").into());
    };
    let number = DocumentNumber::parse(kind, &line.document, now.day())
        .map_err(|error| Wrong::field("document", error))?;
    if !(1..=5).contains(&line.real_name_level) {
        return Err(Wrong::field("real_name_level", "1 to 5").into());
    }
    let nationality = line.nationality.clone().unwrap_or_else(|| "CHN".to_owned());
    let sex = number.sex.map(|sex| if sex == Sex::Male { "male" } else { "female" });
    let person = Person {
        id: PersonId::new(&ctx.services.clock, ctx.random()),
        kind: match nationality.as_str() {
            "CHN" => PersonKind::Domestic,
            _ => PersonKind::Overseas,
        },
        name: line.name.clone(),
        sex: sex.map(str::to_owned),
        nationality,
        real_name_level: line.real_name_level,
        email: line.email.clone(),
        created_at: now,
        updated_at: now,
    };
    let rows = tx.rows();
    rows.people().add(&person).await?;
    rows.people().add_document(ctx.new_row_id(), person.id, &number, None).await?;
    let account = add_account(ctx, tx, (person.id, line), credentials).await?;
    Ok((person.id, account))
}

async fn add_account(
    ctx: &Ctx,
    tx: &Tx<'_>,
    (person, line): (PersonId, &PersonLine),
    (username, password): (Option<String>, PasswordState),
) -> Result<AccountId, NotTaken> {
    let (now, rows) = (ctx.now(), tx.rows());
    let phone = line.phone.as_deref().map(Phone::parse).transpose();
    let phone = phone.map_err(|error| Wrong::field("phone", error))?;
    let account = Account {
        id: AccountId::new(&ctx.services.clock, ctx.random()),
        person,
        status: AccountStatus::Active,
        origin: match password {
            PasswordState::Initial => AccountOrigin::Imported,
            PasswordState::Set(_) => AccountOrigin::Registered,
        },
        username,
        password,
        locked_until: None,
        n_locks: 0,
    };
    rows.accounts().add(&account, now).await?;
    if let Some(phone) = phone {
        if rows.accounts().find_by_phone(&phone).await?.is_some() {
            return Err(Wrong::field("phone", "is bound to another account").into());
        }
        let binding =
            PhoneBinding { account: account.id, phone, is_default: true, verified_at: now };
        rows.accounts().add_phone(ctx.new_row_id(), &binding).await?;
    }
    Ok(account.id)
}
