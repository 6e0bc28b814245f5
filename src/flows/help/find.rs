//! Who is meant, and what of them a helper may see: enough to tell them apart and to help, masked as
//! another person's (DEC-3). A look is an act: it is written down with its reason, also one that found
//! nobody.

use crate::base::clock::Timestamp;
use crate::base::id::{AccountId, PersonId, SessionId};
use crate::domain::help::Helper;
use crate::domain::mask::{self, Viewer};
use crate::domain::number::document::{DocumentNumber, DocumentType};
use crate::domain::number::phone::Phone;
use crate::domain::number::username::Username;
use crate::domain::person::{Account, AccountOrigin, PasswordState};
use crate::domain::refusal::Refusal;
use crate::flows::centre::sessions::entered_from;
use crate::flows::people::note_help;
use crate::flows::{Ctx, Fault, Stop};

/// No name or number is longer, spaces and all.
const LONGEST: usize = 64;

/// One person, masked.
pub struct Profile {
    pub person: PersonId,
    pub name: String,
    pub documents: Vec<Document>,
    pub real_name_level: u8,
    pub email: Option<String>,
    /// `None`: they never had one, or it is cancelled.
    pub account: Option<AccountProfile>,
}

pub struct Document {
    pub kind: DocumentType,
    pub number: String,
}

pub struct AccountProfile {
    pub id: AccountId,
    pub origin: AccountOrigin,
    pub username: Option<String>,
    /// The default first.
    pub phones: Vec<String>,
    pub locked_at: Option<Timestamp>,
    pub unlocked_at: Option<Timestamp>,
    /// The initial password still stands.
    pub has_initial_password: bool,
    pub password_expired_at: Option<Timestamp>,
    pub factors: Factors,
    /// Newest first.
    pub sessions: Vec<SignedIn>,
}

/// What there is to remove.
pub struct Factors {
    pub has_authenticator: bool,
    pub n_recovery_codes: u64,
    pub n_passkeys: usize,
    pub n_browsers: usize,
}

pub struct SignedIn {
    pub id: SessionId,
    pub entrance: String,
    /// `personal`, `enterprise`, `agent` or `specific_entity`.
    pub acting: &'static str,
    /// Browser and system in a few words.
    pub device: String,
    /// Masked.
    pub address: String,
    pub since: Timestamp,
    pub until: Timestamp,
    /// Ids of the applications that were entered from there, in order.
    pub clients: Vec<String>,
}

/// By document number, phone, username, or the id of a person or an account; several where equal digits
/// stand on documents of different kinds. `E_FORMAT`: it is none of these.
pub async fn find(ctx: &Ctx, helper: &Helper, text: &str) -> Result<Vec<Profile>, Stop> {
    let found = people(ctx, text).await?;
    let tx = ctx.begin().await?;
    if found.is_empty() {
        note_help(&tx, helper, "look", None, None);
    }
    for person in &found {
        note_help(&tx, helper, "look", Some(*person), None);
    }
    tx.commit().await?;
    let mut profiles = Vec::new();
    for person in found {
        profiles.extend(profile(ctx, person).await?);
    }
    Ok(profiles)
}

/// Somebody who was found before, as they are now; `E_STATE`: nobody.
pub async fn look(ctx: &Ctx, helper: &Helper, person: PersonId) -> Result<Profile, Stop> {
    let found = profile(ctx, person).await?.ok_or(Refusal::State)?;
    let tx = ctx.begin().await?;
    note_help(&tx, helper, "look", Some(person), None);
    tx.commit().await?;
    Ok(found)
}

/// Whom a text means, without a look at them.
pub async fn people(ctx: &Ctx, text: &str) -> Result<Vec<PersonId>, Stop> {
    let (accounts, people) = (ctx.rows().accounts(), ctx.rows().people());
    if text.chars().count() > LONGEST {
        return Err(Refusal::format("person").into());
    }
    if let Ok(id) = text.trim().parse() {
        let of_account = accounts.find(AccountId(id)).await?.map(|account| account.person);
        let known = people.find(PersonId(id)).await?.map(|person| person.id);
        return Ok(of_account.or(known).into_iter().collect());
    }
    let numbers = DocumentNumber::candidates(text, ctx.now().day());
    let (phone, username) = (Phone::asked(text).ok(), Username::parse(text).ok());
    if numbers.is_empty() && phone.is_none() && username.is_none() {
        return Err(Refusal::format("person").into());
    }
    let mut found = people.named_by_documents(&numbers).await?;
    if let Some(phone) = phone {
        found.extend(accounts.find_by_phone(&phone).await?.map(|account| account.person));
    }
    if let Some(username) = username {
        found.extend(accounts.find_by_username(&username).await?.map(|account| account.person));
    }
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

async fn profile(ctx: &Ctx, id: PersonId) -> Result<Option<Profile>, Fault> {
    let rows = ctx.rows();
    let Some(person) = rows.people().find(id).await? else { return Ok(None) };
    let documents = rows.people().documents(id).await?;
    let documents = documents
        .into_iter()
        .map(|one| Document { kind: one.kind, number: mask::document(&one.number, Viewer::Other) });
    let account = match rows.accounts().find_by_person(id).await? {
        Some(account) => Some(account_profile(ctx, &account).await?),
        None => None,
    };
    Ok(Some(Profile {
        person: id,
        name: mask::name(person.name.as_str()),
        documents: documents.collect(),
        real_name_level: person.real_name_level,
        email: person.email.map(|email| mask::email(email.as_str(), Viewer::Other)),
        account,
    }))
}

async fn account_profile(ctx: &Ctx, account: &Account) -> Result<AccountProfile, Fault> {
    let (rows, id) = (ctx.rows(), account.id);
    let phones = rows.accounts().phones(id).await?;
    let phones = phones.iter().map(|one| mask::phone(one.phone.national(), Viewer::Other));
    let authenticator = rows.authenticators().find(id).await?;
    let factors = Factors {
        has_authenticator: authenticator.is_some_and(|one| one.is_confirmed),
        n_recovery_codes: rows.authenticators().recovery_codes_left(id).await?,
        n_passkeys: rows.passkeys().list(id).await?.len(),
        n_browsers: rows.devices().list(id, ctx.now()).await?.len(),
    };
    Ok(AccountProfile {
        id,
        origin: account.origin,
        username: account.username.as_ref().map(|name| mask::name(name.as_str())),
        phones: phones.collect(),
        locked_at: account.help.locked_at,
        unlocked_at: account.help.unlocked_at,
        has_initial_password: account.password == PasswordState::Initial,
        password_expired_at: account.help.password_expired_at,
        factors,
        sessions: signed_in(ctx, id).await?,
    })
}

async fn signed_in(ctx: &Ctx, account: AccountId) -> Result<Vec<SignedIn>, Fault> {
    let sessions = ctx.rows().sessions();
    let live = sessions.live_of(account, ctx.now()).await?;
    let mut found = Vec::new();
    for one in live {
        let clients = entered_from(ctx, &one).await?;
        let address = one.ip.parse().map(mask::address_of_host).unwrap_or_default();
        found.push(SignedIn {
            id: one.id,
            entrance: one.entrance,
            acting: one.acting.kind(),
            device: one.device,
            address,
            since: one.created_at,
            until: one.expires_at,
            clients,
        });
    }
    Ok(found)
}
