//! A person's line of a feed into person, document, account and phone.

use uuid::Uuid;

use crate::base::clock::{Day, Timestamp};
use crate::base::id::{AccountId, PersonId};
use crate::domain::feed::{PersonLine, Wrong, verified};
use crate::domain::notice::NoticeKind;
use crate::domain::number::country::CHINA;
use crate::domain::number::document::{DocumentNumber, DocumentType};
use crate::domain::number::email::EmailAddress;
use crate::domain::number::name::PersonName;
use crate::domain::number::normalise;
use crate::domain::number::phone::Phone;
use crate::domain::number::username::Username;
use crate::domain::person::{
    Account, AccountOrigin, AccountStatus, DocumentEnd, DocumentStatus, Help, PasswordState,
    Person, PersonKind,
};
use crate::flows::Ctx;
use crate::flows::feed::among::{Candidate, Once};
use crate::flows::feed::not_taken::{NotTaken, Saved};
use crate::flows::feed::phones::{ToldPhone, follow};
use crate::flows::notify::person::tell_person;
use crate::flows::people::{self, Newcomer, ToldAs, ToldDocument};
use crate::flows::sign_in::lower::lower_in;
use crate::store::people::LOWERED;
use crate::store::{StoreError, Tx};

/// What a line says, parsed.
struct Told {
    name: PersonName,
    number: DocumentNumber,
    /// ISO 3166-1 alpha-3, as the line or the number says; `None`: neither does.
    nationality: Option<String>,
    phone: Option<ToldPhone>,
    email: Option<EmailAddress>,
    /// `None`: the line says nothing of it.
    real_name_level: Option<u8>,
    document_ends: Option<DocumentEnd>,
    document_void: Option<bool>,
}

impl Told {
    fn parse(line: &PersonLine, now: Timestamp) -> Result<Self, Wrong> {
        let today = now.day();
        let kind = DocumentType::parse(&line.document_type)
            .ok_or_else(|| Wrong::field("document_type", "no such kind of document"))?;
        let nationality = line.nationality.as_deref().map(normalise);
        let is_code = |text: &str| text.len() == 3 && text.chars().all(|c| c.is_ascii_uppercase());
        if nationality.as_deref().is_some_and(|text| !is_code(text)) {
            return Err(Wrong::field("nationality", "three letters (ISO 3166-1 alpha-3)"));
        }
        if line.real_name_level.is_some_and(|level| !(1..=5).contains(&level)) {
            return Err(Wrong::field("real_name_level", "1 to 5"));
        }
        let end = |text: &str| match text {
            "long_term" => Ok(DocumentEnd::Never),
            _ => Day::parse(text)
                .map(DocumentEnd::On)
                .ok_or_else(|| Wrong::field("document_valid_to", "no such day")),
        };
        let email = line.email.as_deref().map(EmailAddress::parse).transpose();
        let name = PersonName::parse(&line.name).map_err(|error| Wrong::field("name", error))?;
        let number = DocumentNumber::parse(kind, &line.document, today)
            .map_err(|error| Wrong::field("document", error))?;
        let by_number = number.nationality().map(str::to_owned);
        Ok(Self {
            name,
            number,
            nationality: nationality.or(by_number),
            phone: ToldPhone::parse(line, now)?,
            email: email.map_err(|error| Wrong::field("email", error))?,
            real_name_level: line.real_name_level,
            document_ends: line.document_valid_to.as_deref().map(end).transpose()?,
            document_void: line.document_void,
        })
    }

    fn is_void(&self) -> bool {
        self.document_void == Some(true)
    }

    /// Of somebody of whom nothing else is told.
    fn first_nationality(&self) -> &str {
        self.nationality.as_deref().unwrap_or(CHINA)
    }

    /// The level of somebody of whom nothing was told before.
    fn first_level(&self, is_void: bool) -> u8 {
        reached(self.real_name_level.unwrap_or_else(verified), is_void)
    }

    /// What the line reaches of somebody known: where it says nothing, nothing.
    fn further_level(&self, is_void: bool) -> u8 {
        reached(self.real_name_level.unwrap_or_default(), is_void)
    }
}

/// What rests on a void document is not reached by it.
fn reached(level: u8, is_void: bool) -> u8 {
    if is_void { level.min(LOWERED) } else { level }
}

/// `known`: whom an older version of the line became; a newer one goes to them and to nobody else.
pub async fn save_person(
    ctx: &Ctx,
    tx: &Tx<'_>,
    line: &PersonLine,
    known: Option<PersonId>,
) -> Result<Saved, NotTaken> {
    let (rows, told) = (tx.rows(), Told::parse(line, ctx.now())?);
    // Also of a void one, which leads nobody else to them.
    let holder = match rows.people().standing(&told.number).await? {
        Some((holder, DocumentStatus::Active | DocumentStatus::Void)) => Some(holder),
        Some((_, DocumentStatus::Superseded)) | None => None,
    };
    let (account, person) = match known.or(holder) {
        Some(id) => (people::held_account(tx, id).await?, rows.people().find(id).await?),
        None => (None, None),
    };
    let Some(person) = person else {
        let added = add(ctx, tx, told, None, PasswordState::Initial).await?;
        let remarks = added.remark.into_iter().collect();
        return Ok(Saved { target: added.account.person.0, remarks });
    };
    if known.is_none() && account.is_some() {
        check_same(&person, &told)?;
    }
    let has_cancelled = account.is_none() && has_cancelled(tx, person.id).await?;
    let document = hold_document(ctx, tx, person.id, &told).await?;
    let level = match account.is_none() && !has_cancelled {
        true => told.first_level(document.is_void),
        false => told.further_level(document.is_void),
    };
    let (email, of_email) = told_email(&person, &told, has_cancelled);
    let before = person.clone();
    let mut changed = Person {
        name: told.name.clone(),
        // What somebody has proved here, a record of less does not take away; a void document does.
        real_name_level: level.max(person.real_name_level),
        email_verified_at: person.email_verified_at.filter(|_| email == person.email),
        email,
        updated_at: ctx.now(),
        ..person
    };
    let of_origin = follow_origin(&mut changed, &told, account.as_ref());
    people::update(tx, &before, &changed).await?;
    if account.is_some() && before.email.is_some() && before.email != changed.email {
        tell_person(ctx, tx, changed.id, NoticeKind::ContactChanged, None).await?;
    }
    let of_phone = match (&account, &told.phone) {
        (Some(account), Some(phone)) => follow(ctx, tx, account, phone).await?,
        (Some(_), None) => None,
        // An account that was cancelled is opened again by its person alone (PC-23, PC-26).
        (None, _) if has_cancelled => None,
        // An invitation knew a name and a document, no account.
        (None, _) => {
            let opened = new_account(ctx, changed.id, None, PasswordState::Initial);
            open(ctx, tx, opened, told.phone.as_ref()).await?.remark
        }
    };
    if told.is_void() {
        lower_in(ctx, tx, changed.id, "document_void").await?;
    }
    let remarks = [document.remark, of_email, of_phone].into_iter().flatten();
    let remarks = remarks.chain(of_origin).collect();
    Ok(Saved { target: changed.id.0, remarks })
}

/// The address that the person has afterwards, and why it is not the told one. What a code has reached is the
/// person's own; an account that was cancelled has left none behind (PC-22).
fn told_email(
    person: &Person,
    told: &Told,
    has_cancelled: bool,
) -> (Option<EmailAddress>, Option<Wrong>) {
    let own = person.email.clone();
    let Some(told) = told.email.as_ref().filter(|_| !has_cancelled) else { return (own, None) };
    match own {
        Some(own) if person.email_verified_at.is_some() => {
            let is_other = *told != own;
            let reason = "not followed: a code has reached another address of theirs";
            (Some(own), is_other.then(|| Wrong::field("email", reason)))
        }
        _ => (Some(told.clone()), None),
    }
}

/// Nationality, kind and sex, as far as the line or the number says them; what it is not followed in is remarked
/// on: whoever has registered here has said themself who they are.
fn follow_origin(person: &mut Person, told: &Told, account: Option<&Account>) -> Vec<Wrong> {
    let sex = told.number.sex.map(|sex| sex.name().to_owned());
    if account.is_some_and(|account| account.origin == AccountOrigin::Registered) {
        let other = told.nationality.as_ref().filter(|told| **told != person.nationality);
        let other = other.map(|_| "nationality");
        let of_sex = sex.zip(person.sex.as_ref()).filter(|(told, own)| told != *own);
        let fields = [other, of_sex.map(|_| "document")].into_iter().flatten();
        let reason = "not followed: the person has registered here with another sex or nationality";
        return fields.map(|field| Wrong::field(field, reason)).collect();
    }
    // An invitation may have known none.
    if told.nationality.is_some() || person.nationality.is_empty() {
        person.kind = kind_of(told.first_nationality());
        told.first_nationality().clone_into(&mut person.nationality);
    }
    person.sex = sex.or(person.sex.take());
    Vec::new()
}

fn kind_of(nationality: &str) -> PersonKind {
    match nationality {
        CHINA => PersonKind::Domestic,
        _ => PersonKind::Overseas,
    }
}

/// Adds those of many lines whose person nobody knows and whose document and phone are nobody's,
/// nor another line's. The row of each; `None`: it is to be looked at alone.
pub(super) async fn add_unknown(
    ctx: &Ctx,
    tx: &Tx<'_>,
    lines: &[Candidate<'_, PersonLine>],
) -> Result<Vec<Option<Uuid>>, NotTaken> {
    let (now, rows) = (ctx.now(), tx.rows());
    let told: Vec<Option<Told>> = lines.iter().map(|one| Told::parse(one.line, now).ok()).collect();
    let numbers: Vec<DocumentNumber> =
        told.iter().flatten().map(|told| told.number.clone()).collect();
    let phones: Vec<Phone> =
        told.iter().flatten().filter_map(|told| Some(told.phone.as_ref()?.phone.clone())).collect();
    let held = rows.people().holders(&numbers).await?;
    let known_phones = rows.accounts().known_phones(&phones).await?;
    let (one_number, one_phone) = (Once::among(numbers), Once::among(phones));
    let is_free = |told: &Told| {
        let mut phone = told.phone.iter().map(|told| &told.phone);
        !told.is_void()
            && one_number.has(&told.number)
            && !held.contains_key(&told.number)
            && phone.all(|phone| one_phone.has(phone) && !known_phones.contains(phone))
    };
    let (mut new, mut added) = (Vec::new(), Vec::with_capacity(lines.len()));
    for (candidate, told) in lines.iter().zip(told) {
        let told = told.filter(|told| candidate.is_new && is_free(told));
        let newcomer = told.map(|told| newcomer(ctx, told));
        added.push(newcomer.as_ref().map(|one| one.person.id.0));
        new.extend(newcomer);
    }
    people::add_all(ctx, tx, &new).await?;
    Ok(added)
}

fn newcomer(ctx: &Ctx, told: Told) -> Newcomer {
    let person = new_person(ctx, &told);
    let account = new_account(ctx, person.id, None, PasswordState::Initial);
    // An account's first phone is its default.
    let phone = told.phone.map(|phone| phone.binding(&account, true));
    Newcomer { person, document: told.number, document_ends: told.document_ends, account, phone }
}

async fn has_cancelled(tx: &Tx<'_>, person: PersonId) -> Result<bool, StoreError> {
    Ok(!tx.rows().reading().cancelling().cancelled(&[person]).await?.is_empty())
}

/// A line of its own for a document that is known: the same person, or a mistake. Foreign passports
/// are numbered by each country for itself.
fn check_same(person: &Person, told: &Told) -> Result<(), Wrong> {
    if person.name != told.name {
        return Err(Wrong::field("name", "the document is held by somebody of another name"));
    }
    let is_foreign = told.number.kind == DocumentType::ForeignPassport;
    if is_foreign && told.nationality.as_ref().is_some_and(|told| person.nationality != *told) {
        return Err(Wrong::field("nationality", "the document is held by somebody of another one"));
    }
    Ok(())
}

/// What became of the line's document.
struct Document {
    /// Nothing rests on it.
    is_void: bool,
    remark: Option<Wrong>,
}

async fn hold_document(
    ctx: &Ctx,
    tx: &Tx<'_>,
    person: PersonId,
    told: &Told,
) -> Result<Document, NotTaken> {
    let document = ToldDocument {
        name: &told.name,
        number: &told.number,
        ends: told.document_ends,
        is_void: told.document_void,
    };
    let told_as = people::tell_document(ctx, tx, person, &document).await?;
    let remark = match told_as {
        ToldAs::SomebodyElses => {
            return Err(Wrong::field("document", "is somebody else's").into());
        }
        ToldAs::Void if !told.is_void() => {
            Some(("document", "stays void until `document_void` is false"))
        }
        ToldAs::Held | ToldAs::Void => None,
        ToldAs::HeldLonger => {
            Some(("document_valid_to", "not followed: a later day was proved here"))
        }
        ToldAs::Former => {
            Some(("document", "stays a former one: another of its kind was proved here"))
        }
    };
    let remark = remark.map(|(field, reason)| Wrong::field(field, reason));
    Ok(Document { is_void: told_as == ToldAs::Void, remark })
}

/// A person nobody knew, with an account of the given username and password.
pub async fn add_person(
    ctx: &Ctx,
    tx: &Tx<'_>,
    line: &PersonLine,
    username: Option<Username>,
    password: PasswordState,
) -> Result<(PersonId, AccountId), NotTaken> {
    let added = add(ctx, tx, Told::parse(line, ctx.now())?, username, password).await?;
    Ok((added.account.person, added.account.id))
}

/// An account, and what is to be said of its phone.
struct Opened {
    account: Account,
    remark: Option<Wrong>,
}

async fn add(
    ctx: &Ctx,
    tx: &Tx<'_>,
    told: Told,
    username: Option<Username>,
    password: PasswordState,
) -> Result<Opened, NotTaken> {
    let person = new_person(ctx, &told);
    people::add(tx, &person).await?;
    hold_document(ctx, tx, person.id, &told).await?;
    let account = new_account(ctx, person.id, username, password);
    open(ctx, tx, account, told.phone.as_ref()).await
}

fn new_person(ctx: &Ctx, told: &Told) -> Person {
    let now = ctx.now();
    Person {
        id: PersonId::new(&ctx.services.clock, ctx.random()),
        kind: kind_of(told.first_nationality()),
        name: told.name.clone(),
        sex: told.number.sex.map(|sex| sex.name().to_owned()),
        nationality: told.first_nationality().to_owned(),
        real_name_level: told.first_level(told.is_void()),
        email: told.email.clone(),
        email_verified_at: None,
        created_at: now,
        updated_at: now,
    }
}

fn new_account(
    ctx: &Ctx,
    person: PersonId,
    username: Option<Username>,
    password: PasswordState,
) -> Account {
    Account {
        id: AccountId::new(&ctx.services.clock, ctx.random()),
        person,
        status: AccountStatus::Active,
        origin: match password {
            PasswordState::Initial => AccountOrigin::Imported,
            PasswordState::Set(_) => AccountOrigin::Registered,
        },
        username,
        password,
        help: Help::default(),
        era: 0,
    }
}

async fn open(
    ctx: &Ctx,
    tx: &Tx<'_>,
    account: Account,
    phone: Option<&ToldPhone>,
) -> Result<Opened, NotTaken> {
    people::open_account(ctx, tx, &account).await?;
    let remark = match phone {
        Some(phone) => follow(ctx, tx, &account, phone).await?,
        None => None,
    };
    Ok(Opened { account, remark })
}
