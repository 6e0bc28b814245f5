//! Whom a personal id leads to: document number, phone, e-mail address or username, each parsed as
//! its index is (E-04, N-03). Equal digits on documents of different kinds are different people; the
//! password says which of them has come.

use crate::base::clock::Day;
use crate::base::secret::{Secret, same};
use crate::domain::entrance::{Entrance, PersonalIdKind};
use crate::domain::number::document::{DocumentNumber, initial_password};
use crate::domain::number::email::EmailAddress;
use crate::domain::number::phone::Phone;
use crate::domain::number::username::Username;
use crate::domain::password::dummy_hash;
use crate::domain::person::{Account, PasswordState};
use crate::flows::{Ctx, Fault};
use crate::realm::file::InitialPassword;

/// No name or number is longer, spaces and all.
const LONGEST: usize = 64;

/// The live accounts of all whom the text may mean at this door; the spaces do not meet (DEC-20).
pub async fn find(ctx: &Ctx, entrance: &Entrance, text: &str) -> Result<Vec<Account>, Fault> {
    // The likeliest may come first: a username begins with a letter.
    let mut kinds = entrance.personal_ids.clone();
    if text.trim_start().starts_with(|c: char| c.is_ascii_lowercase()) {
        kinds.sort_by_key(|kind| *kind != PersonalIdKind::Username);
    }
    for kind in kinds {
        let mut found = of_kind(ctx, kind, text).await?;
        // A cancelled account is nobody's, in every respect (E-08).
        found.retain(Account::is_live);
        if !found.is_empty() {
            return Ok(found);
        }
    }
    Ok(Vec::new())
}

/// Whether the text has the form of anything that the door takes.
pub fn is_one(entrance: &Entrance, text: &str, today: Day) -> bool {
    let is_short = text.chars().count() <= LONGEST;
    is_short
        && entrance.personal_ids.iter().any(|kind| match kind {
            PersonalIdKind::Document => !DocumentNumber::candidates(text, today).is_empty(),
            PersonalIdKind::Phone => Phone::asked(text).is_ok(),
            PersonalIdKind::Username => Username::parse(text).is_ok(),
            PersonalIdKind::Email => EmailAddress::parse(text).is_ok(),
        })
}

async fn of_kind(ctx: &Ctx, kind: PersonalIdKind, text: &str) -> Result<Vec<Account>, Fault> {
    let (accounts, people) = (ctx.rows().accounts(), ctx.rows().people());
    let of_people = match kind {
        PersonalIdKind::Phone => {
            let Ok(phone) = Phone::asked(text) else { return Ok(Vec::new()) };
            return Ok(accounts.find_by_phone(&phone).await?.into_iter().collect());
        }
        PersonalIdKind::Username => {
            let Ok(name) = Username::parse(text) else { return Ok(Vec::new()) };
            return Ok(accounts.find_by_username(&name).await?.into_iter().collect());
        }
        PersonalIdKind::Email => {
            let Ok(email) = EmailAddress::parse(text) else { return Ok(Vec::new()) };
            people.find_by_email(&email).await?.into_iter().collect()
        }
        PersonalIdKind::Document => {
            let numbers = DocumentNumber::candidates(text, ctx.now().day());
            people.find_by_documents(&numbers).await?
        }
    };
    let mut found = Vec::new();
    for person in of_people {
        found.extend(accounts.find_by_person(person).await?);
    }
    Ok(found)
}

/// The one whose password it is; two with the same password are nobody. The outer `None`: no lane
/// was free. An unknown person costs as much as a known one. `queue`: where one waits for one's turn.
pub async fn owner(
    ctx: &Ctx,
    found: &[Account],
    password: &Secret,
    queue: Option<&str>,
) -> Result<Option<Option<Account>>, Fault> {
    let _turn = match queue {
        None => None,
        Some(queue) => match ctx.services.hashing.turn(&in_realm(ctx, queue)).await {
            None => return Ok(None),
            turn => turn,
        },
    };
    if found.is_empty() {
        let done = ctx.services.hashing.verify(password, dummy_hash()).await?;
        return Ok(done.map(|_| None));
    }
    let mut owners = Vec::new();
    for account in found {
        match has_password(ctx, account, password).await? {
            None => return Ok(None),
            Some(true) => owners.push(account.clone()),
            Some(false) => {}
        }
    }
    Ok(Some(owners.pop().filter(|_| owners.is_empty())))
}

/// Realms share the lanes, and none waits behind another's.
fn in_realm(ctx: &Ctx, queue: &str) -> String {
    format!("{}/{queue}", ctx.realm.id)
}

async fn has_password(
    ctx: &Ctx,
    account: &Account,
    password: &Secret,
) -> Result<Option<bool>, Fault> {
    let hashing = &ctx.services.hashing;
    let PasswordState::Set(stored) = &account.password else {
        let documents = ctx.rows().people().documents(account.person).await?;
        let fits = ctx.realm.initial_password == InitialPassword::IdLast6
            && documents.iter().any(|document| is_initial(&document.number, password));
        return Ok(hashing.verify(password, dummy_hash()).await?.map(|_| fits));
    };
    hashing.verify(password, stored).await
}

/// Letters compare without case: `31002x` is `31002X` (E-05).
fn is_initial(number: &str, password: &Secret) -> bool {
    let typed = password.expose().to_ascii_uppercase();
    same(initial_password(number).as_bytes(), typed.as_bytes())
}
