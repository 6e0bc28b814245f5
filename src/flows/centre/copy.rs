//! A copy of everything that is kept of a person, for themself (PIPL art. 45): as JSON, in full, nothing of
//! other people. Whoever takes it has just proved a second factor, and it is written down.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::base::clock::Timestamp;
use crate::domain::audit::AuditEvent;
use crate::domain::number::address::PostalAddress;
use crate::domain::number::document::DocumentNumber;
use crate::domain::number::email::EmailAddress;
use crate::domain::number::phone::Phone;
use crate::domain::number::resident::Sex;
use crate::domain::number::username::Username;
use crate::domain::person::{DocumentEnd, DocumentStatus, IdentityDocument, Person};
use crate::domain::refusal::Refusal;
use crate::domain::session::Session;
use crate::flows::centre::own_work::{self, Lines};
use crate::flows::centre::{events, own};
use crate::flows::sign_in::factor::change::check_proved;
use crate::flows::{Ctx, Fault, Stop};
use crate::store::hall_records::Version;
use crate::store::records::{LogQuery, LoginLogEntry, Whose};

/// Lines of a long list that one read gives: as many as a page of the sign-in log has.
const LINES: u64 = 200;

/// The copy, begun: no list of it that grows for years is ever held whole.
pub struct OwnCopy {
    ctx: Ctx,
    session: Session,
    made_at: Timestamp,
    /// What comes first, until it was handed out.
    head: Option<String>,
    /// Where to read on; `None`: it is whole.
    place: Option<Place>,
    is_first: bool,
}

/// How far the lists have been read that come after everything else. Of the audit: before which link.
#[derive(Clone, Copy)]
enum Place {
    SignIns(u64),
    OfPerson(i64),
    OfAccount(i64),
    Notices(u64),
    Ended(u64),
    Assignments(u64),
    Records(u64),
}

impl Place {
    /// What comes after a list: the next with its name, or without one where it goes on in the same; `None`: it is
    /// the last.
    fn after(self) -> Option<(Option<&'static str>, Self)> {
        Some(match self {
            Self::SignIns(_) => (Some("events"), Self::OfPerson(i64::MAX)),
            Self::OfPerson(_) => (None, Self::OfAccount(i64::MAX)),
            Self::OfAccount(_) => (Some("notices"), Self::Notices(0)),
            Self::Notices(_) => (Some("authorisation_history"), Self::Ended(0)),
            Self::Ended(_) => (Some("agent_assignments"), Self::Assignments(0)),
            Self::Assignments(_) => (Some("records"), Self::Records(0)),
            Self::Records(_) => return None,
        })
    }
}

/// After a second factor that was proved a moment ago; it is written down.
pub async fn begin(ctx: &Ctx, session: &Session) -> Result<OwnCopy, Stop> {
    check_proved(ctx, session)?;
    let head = serde_json::to_string_pretty(&head(ctx, session).await?).unwrap_or_default();
    let head = head.strip_suffix('}').unwrap_or_default().trim_end();
    let tx = ctx.begin().await?;
    tx.note(AuditEvent::DataDownloaded { person: session.person });
    tx.commit().await?;
    Ok(OwnCopy {
        head: Some(format!("{head},\n  \"sign_ins\": [")),
        made_at: ctx.now(),
        place: Some(Place::SignIns(0)),
        is_first: true,
        ctx: ctx.clone(),
        session: session.clone(),
    })
}

impl OwnCopy {
    /// The next piece of its text; `None`: that was all.
    pub async fn piece(&mut self) -> Result<Option<String>, Fault> {
        if let Some(head) = self.head.take() {
            return Ok(Some(head));
        }
        let Some(place) = self.place else { return Ok(None) };
        let (lines, next) = self.read(place).await?;
        let mut text = String::new();
        for line in lines {
            text.push_str(if self.is_first { "\n    " } else { ",\n    " });
            text.push_str(&line.to_string());
            self.is_first = false;
        }
        self.place = match (next, place.after()) {
            (Some(next), _) => Some(next),
            (None, Some((name, after))) => {
                if let Some(name) = name {
                    text.push_str("\n  ],\n  \"");
                    text.push_str(name);
                    text.push_str("\": [");
                    self.is_first = true;
                }
                Some(after)
            }
            (None, None) => {
                text.push_str("\n  ]\n}\n");
                None
            }
        };
        Ok(Some(text))
    }

    /// Some lines, and where the same list goes on.
    async fn read(&self, place: Place) -> Result<(Vec<Value>, Option<Place>), Fault> {
        let person = self.session.person;
        Ok(match place {
            Place::SignIns(offset) => {
                let lines = self.sign_ins(offset).await?;
                paged(lines, offset, Place::SignIns)
            }
            Place::OfPerson(before) => {
                let (lines, next) = self.events(person.0, before).await?;
                (lines, next.map(Place::OfPerson))
            }
            Place::OfAccount(before) => {
                let (lines, next) = self.events(self.session.account.0, before).await?;
                (lines, next.map(Place::OfAccount))
            }
            Place::Notices(offset) => {
                let lines =
                    own_work::notices(&self.ctx, person, self.made_at, from(offset)).await?;
                paged(lines, offset, Place::Notices)
            }
            Place::Ended(offset) => {
                let lines = own_work::ended(&self.ctx, person, from(offset)).await?;
                paged(lines, offset, Place::Ended)
            }
            Place::Assignments(offset) => {
                let lines = own_work::assignments(&self.ctx, person, from(offset)).await?;
                paged(lines, offset, Place::Assignments)
            }
            Place::Records(offset) => {
                let lines = own_work::records(&self.ctx, person, from(offset)).await?;
                paged(lines, offset, Place::Records)
            }
        })
    }

    /// As far back as they are kept.
    async fn sign_ins(&self, offset: u64) -> Result<Vec<Value>, Fault> {
        let query = LogQuery {
            whose: Whose::Person(self.session.person),
            since: Timestamp(0),
            until: Some(self.made_at),
            way: String::new(),
            is_ok: None,
            offset,
        };
        let read = self.ctx.rows().records().log(&query).await?;
        let line = |one: LoginLogEntry| {
            json!({
                "at": one.at.rfc3339(), "way": one.way, "entrance": one.entrance,
                "outcome": one.outcome, "address": one.ip, "device": one.device,
            })
        };
        Ok(read.into_iter().map(line).collect())
    }

    async fn events(&self, of: Uuid, before: i64) -> Result<(Vec<Value>, Option<i64>), Fault> {
        let read = self.ctx.rows().records().events_before(of, before, LINES).await?;
        let next = read.last().filter(|_| is_full(&read)).map(|(sequence, _, _)| *sequence);
        let told = read.iter().filter_map(|(_, at, text)| events::own(*at, text));
        let lines = told.map(|one| json!({"at": one.at.rfc3339(), "event": one.told})).collect();
        Ok((lines, next))
    }
}

fn from(offset: u64) -> Lines {
    Lines { offset, limit: LINES }
}

/// Lines of a list, and where it goes on.
fn paged(
    lines: Vec<Value>,
    offset: u64,
    place: impl Fn(u64) -> Place,
) -> (Vec<Value>, Option<Place>) {
    let next = is_full(&lines).then(|| place(offset + LINES));
    (lines, next)
}

/// Whether there may be more.
fn is_full<T>(lines: &[T]) -> bool {
    u64::try_from(lines.len()).is_ok_and(|read| read >= LINES)
}

async fn head(ctx: &Ctx, session: &Session) -> Result<Value, Stop> {
    let own = own::find(ctx, session).await?.ok_or(Refusal::State)?;
    let phones = own.phones.iter().map(|one| {
        json!({
            "phone": one.phone.as_str(), "is_default": one.is_default,
            "verified_at": one.verified_at.rfc3339(),
        })
    });
    let account = own.account.as_ref();
    let username = account.and_then(|one| one.username.as_ref()).map(Username::as_str);
    let awaited = ctx.rows().awaited_phones().of(session.account).await?;
    let awaited = awaited.map(|one| {
        json!({
            "phone": one.phone.as_str(), "verified_at": one.verified_at.rfc3339(),
            "due_at": one.due_at.rfc3339(),
        })
    });
    let mut copy = json!({
        "realm": ctx.realm.id,
        "made_at": ctx.now().rfc3339(),
        "person": {
            "id": own.person.id.to_string(),
            "name": own.person.name.as_str(),
            "sex": own.person.sex,
            "nationality": own.person.nationality,
            "real_name_level": own.person.real_name_level,
            "email": own.person.email.as_ref().map(EmailAddress::as_str),
            "address": own.address.as_ref().map(PostalAddress::as_str),
        },
        "account": {
            "id": session.account.to_string(),
            "username": username,
            "phones": phones.collect::<Vec<_>>(),
            "awaited_phone": awaited,
        },
    });
    let held = ctx.rows().people().all_documents(session.person).await?;
    copy["person"]["documents"] = held.iter().map(document).collect();
    copy["person"]["hall_records"] = hall_records(ctx, &own.person, &held).await?;
    copy["person"]["levels"] = levels(ctx, session).await?;
    copy["account"]["agreements"] = agreements(ctx, session).await?;
    copy["authorisations"] = authorisations(ctx, session).await?;
    copy["non_resident_applications"] = applications(ctx, session).await?;
    copy["consents"] = consents(ctx, session).await?;
    copy["devices"] = devices(ctx, session).await?;
    Ok(copy)
}

/// Former and void ones, too.
fn document((one, status): &(IdentityDocument, DocumentStatus)) -> Value {
    json!({
        "kind": one.kind.name(), "number": one.number, "status": status.name(),
        "valid_from": one.valid_from.map(|day| day.to_string()),
        "valid_to": one.valid_to.map(|day| day.to_string()),
    })
}

/// What halls have collected of the person by any of these documents; a record of somebody of another name is
/// none of theirs. Who of the bureau collected it is the auditor's.
async fn hall_records(
    ctx: &Ctx,
    person: &Person,
    held: &[(IdentityDocument, DocumentStatus)],
) -> Result<Value, Fault> {
    let (records, today) = (ctx.rows().hall_records(), ctx.now().day());
    let mut all = Vec::new();
    for (document, _) in held {
        let number = DocumentNumber::parse(document.kind, &document.number, today);
        let Ok(number) = number else { continue };
        let mut versions = records.versions(&number).await?;
        versions.retain(|one| one.record.name == person.name);
        all.extend(versions.iter().map(hall_record));
    }
    Ok(Value::Array(all))
}

fn hall_record(version: &Version) -> Value {
    let one = &version.record;
    let ends = one.document_ends.map(|ends| match ends {
        DocumentEnd::On(day) => day.to_string(),
        DocumentEnd::Never => "long_term".to_owned(),
    });
    json!({
        "name": one.name.as_str(),
        "kind": one.number.kind.name(), "number": one.number.as_str(),
        "sex": one.sex.map(Sex::name),
        "nationality": one.nationality,
        "valid_to": ends,
        "phone": one.phone.as_ref().map(Phone::as_str),
        "verified_by_sight": one.verified_by_sight,
        "has_portrait": one.portrait.is_some(),
        "collected_on": one.collected_on.to_string(),
        "is_current": version.is_current,
    })
}

async fn levels(ctx: &Ctx, session: &Session) -> Result<Value, Fault> {
    let steps = ctx.rows().people().level_steps(session.person).await?;
    let step = |(level, how, at): (u8, String, Timestamp)| json!({"level": level, "how": how, "at": at.rfc3339()});
    Ok(steps.into_iter().map(step).collect())
}

async fn agreements(ctx: &Ctx, session: &Session) -> Result<Value, Fault> {
    let accepted = ctx.rows().accounts().accepted(session.account).await?;
    let one = |(document, version, at): (String, String, Timestamp)| json!({"document": document, "version": version, "at": at.rfc3339()});
    Ok(accepted.into_iter().map(one).collect())
}

async fn authorisations(ctx: &Ctx, session: &Session) -> Result<Value, Fault> {
    let held = ctx.rows().standings().held(session.person).await?;
    let one = |(one, enterprise): &(_, _)| {
        let one: &crate::domain::authorisation::Authorisation = one;
        let enterprise: &crate::domain::enterprise::Enterprise = enterprise;
        json!({
            "enterprise": own_work::enterprise(enterprise),
            "identity_type": one.identity_type.0,
            "permissions": one.permissions(),
            "state": one.state().name(),
            "valid_from": one.valid_from.to_string(),
            "valid_to": one.valid_to().map(|day| day.to_string()),
        })
    };
    Ok(held.iter().map(one).collect())
}

async fn applications(ctx: &Ctx, session: &Session) -> Result<Value, Fault> {
    let rows = ctx.rows().non_residents();
    let mut all = Vec::new();
    for one in rows.of_person(session.person, LINES).await? {
        let files = rows.files(one.id).await?;
        all.push(json!({
            "form": serde_json::to_value(&one.form).unwrap_or_default(),
            "state": one.state.name(),
            "submitted_at": one.first_submitted_at.map(Timestamp::rfc3339),
            "files": files.iter().map(|file| &file.name).collect::<Vec<_>>(),
        }));
    }
    Ok(Value::Array(all))
}

async fn consents(ctx: &Ctx, session: &Session) -> Result<Value, Fault> {
    let given = ctx.rows().consents().of(session.person).await?;
    let one = given.iter().map(|one| {
        json!({
            "application": one.client_id, "scope": one.scope, "given_at": one.given_at.rfc3339(),
        })
    });
    Ok(one.collect())
}

/// What signs in or spares a step; no secret of any.
async fn devices(ctx: &Ctx, session: &Session) -> Result<Value, Fault> {
    let (rows, account) = (ctx.rows(), session.account);
    let passkeys = rows.passkeys().list(account).await?;
    let passkeys =
        passkeys.iter().map(|one| json!({"name": one.name, "added_at": one.created_at.rfc3339()}));
    let browsers = rows.devices().list(account, ctx.now()).await?;
    let browsers = browsers
        .iter()
        .map(|one| json!({"device": one.device, "remembered_at": one.created_at.rfc3339()}));
    let sessions = rows.sessions().live_of(account, ctx.now()).await?;
    let sessions = sessions.iter().map(|one| {
        json!({
            "device": one.device, "address": one.ip, "entrance": one.entrance,
            "signed_in_at": one.created_at.rfc3339(),
        })
    });
    Ok(json!({
        "passkeys": passkeys.collect::<Vec<_>>(),
        "remembered_browsers": browsers.collect::<Vec<_>>(),
        "sessions": sessions.collect::<Vec<_>>(),
        "has_authenticator": rows.authenticators().find(account).await?.is_some(),
    }))
}
