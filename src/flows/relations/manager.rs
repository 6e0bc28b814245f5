//! The enterprise's side of authorisations: its managers add handlers, decide about applications,
//! change and end them (AC-12 to AC-40). Who may is asked here once more, whatever a page offered.

use crate::base::clock::{Day, Timestamp};
use crate::base::id::{AuthorisationId, EnterpriseId, PersonId};
use crate::domain::acting::{ActingIdentity, EnterpriseIdentity};
use crate::domain::audit::AuditEvent;
use crate::domain::authorisation::{
    Authorisation, By, Event, HistoryEntry, HistoryReason, New, State, Terms,
};
use crate::domain::function::{Function, Role};
use crate::domain::identity_type::{Capability, IdentityTypeName, Permissions};
use crate::domain::number::country::CHINA;
use crate::domain::number::document::{DocumentNumber, DocumentType};
use crate::domain::number::name::PersonName;
use crate::domain::person::{IdentityDocument, Person, PersonKind};
use crate::domain::refusal::Refusal;
use crate::flows::people;
use crate::flows::relations::naming::{self, Asker, Naming};
use crate::flows::relations::spent::{Doing, Spent};
use crate::flows::relations::writer::{begin_in, change};
use crate::flows::{Ctx, Fault, Stop};
use crate::store::relations::View;
use crate::store::{Tx, relations as history};

/// A manager in the enterprise they act for now.
pub struct Manager<'a> {
    pub identity: &'a EnterpriseIdentity,
    pub person: PersonId,
}

impl<'a> Manager<'a> {
    /// `E_ROLE` for everybody else.
    pub fn of(
        identity: &'a ActingIdentity,
        person: PersonId,
        function: Function,
    ) -> Result<Self, Refusal> {
        match identity {
            ActingIdentity::Enterprise(one) if Role::of(identity).may(function) => {
                Ok(Self { identity: one, person })
            }
            _ => Err(Refusal::Role),
        }
    }
}

/// What a manager typed and ticked.
#[derive(Clone, Debug, Default)]
pub struct NewHandler {
    pub name: String,
    pub document_type: String,
    pub document: String,
    pub identity_type: String,
    pub permissions: Permissions,
    /// `None` is long-term.
    pub valid_to: Option<String>,
}

/// Checked, not yet done: what the risk notice stands between (AC-16).
pub struct CheckedHandler {
    name: PersonName,
    pub(super) number: DocumentNumber,
    identity_type: IdentityTypeName,
    terms: Terms,
}

/// Everything that can be said without looking anybody up, all fields at once.
pub fn check(ctx: &Ctx, new: &NewHandler) -> Result<CheckedHandler, Refusal> {
    let name = PersonName::parse(&new.name).ok();
    let kind = DocumentType::parse(&new.document_type);
    let number =
        kind.and_then(|kind| DocumentNumber::parse(kind, &new.document, ctx.now().day()).ok());
    let (today, least) = (ctx.now().day(), i32::from(ctx.realm.handler_min_age));
    let born = number.as_ref().and_then(|number| number.birth_date);
    if born.is_some_and(|born| born.years_until(today) < least) {
        return Err(Refusal::format("handler_age"));
    }
    let identity_type = IdentityTypeName(new.identity_type.clone());
    let terms = check_terms(ctx, &identity_type, &new.permissions, new.valid_to.as_deref());
    let (name, number, terms) = match (name, number, terms) {
        (Some(name), Some(number), Ok(terms)) => (name, number, terms),
        (name, number, terms) => {
            let mut fields = Vec::new();
            if name.is_none() {
                fields.push("name");
            }
            if kind.is_none() {
                fields.push("document_type");
            } else if number.is_none() {
                fields.push("document");
            }
            if let Err(Refusal::Format { fields: more }) = terms {
                fields.extend(more);
            }
            return Err(Refusal::Format { fields });
        }
    };
    Ok(CheckedHandler { name, number, identity_type, terms })
}

/// Type, permissions and term together (AC-13 to AC-15).
pub fn check_terms(
    ctx: &Ctx,
    identity_type: &IdentityTypeName,
    permissions: &Permissions,
    valid_to: Option<&str>,
) -> Result<Terms, Refusal> {
    let known = ctx.realm.identity_type(identity_type);
    let known = known.filter(|known| known.can(Capability::GrantedOnline));
    let known = known.ok_or(Refusal::format("identity_type"))?;
    let mut fields = Vec::new();
    if permissions.is_empty() || !known.allows(permissions) {
        fields.push("permissions");
    }
    let day = |text: &str| Day::parse(text.trim()).filter(|day| *day >= ctx.now().day());
    let day_of = valid_to.map(day);
    if day_of == Some(None) {
        fields.push("valid_to");
    }
    if !fields.is_empty() {
        return Err(Refusal::Format { fields });
    }
    let valid_to = day_of.flatten();
    Ok(Terms { permissions: permissions.clone(), valid_to })
}

/// Adds a handler who has yet to confirm (AC-17). Whoever is not known yet is remembered by name
/// and document, without an account. `E_OTP_RATE`: too many today, or too many wrong names.
pub async fn add(
    ctx: &Ctx,
    manager: &Manager<'_>,
    new: CheckedHandler,
) -> Result<Authorisation, Stop> {
    let spent = Spent::one(ctx, Doing::Manages, manager.person).await?;
    let added = add_named(ctx, manager, new).await;
    spent.end(ctx, added).await
}

async fn add_named(
    ctx: &Ctx,
    manager: &Manager<'_>,
    new: CheckedHandler,
) -> Result<Authorisation, Stop> {
    let (enterprise, by) = (manager.identity.enterprise.id, By::manager(manager.person));
    let naming =
        Naming::begin(ctx, Asker::Manager(manager.person), enterprise, &new.number).await?;
    let added = async {
        let tx = ctx.begin().await?;
        let added = add_in(ctx, &tx, enterprise, new, by).await?;
        tx.commit().await?;
        Ok(added)
    };
    naming.end(ctx, added.await).await
}

/// The same within a transaction that does more, also by an officer in the hall; what it says about a name is
/// counted around it.
pub(super) async fn add_in(
    ctx: &Ctx,
    tx: &Tx<'_>,
    enterprise: EnterpriseId,
    new: CheckedHandler,
    by: By,
) -> Result<Authorisation, Stop> {
    let rows = tx.rows();
    let known = match rows.people().find_by_document(&new.number).await? {
        Some(id) => rows.people().find(id).await?,
        None => None,
    };
    let has_name = match &known {
        Some(known) => is_named(tx, known).await?,
        None => false,
    };
    if has_name && known.as_ref().is_some_and(|known| known.name != new.name) {
        return Err(naming::wrong().into());
    }
    let person = if let Some(known) = known {
        known.id
    } else {
        let person = invited(ctx, &new);
        people::add(tx, &person).await?;
        // A former number is still its person's: whoever was invited by it could never confirm.
        if !people::hold_document(ctx, tx, person.id, &new.number).await? {
            return Err(Refusal::format("document").into());
        }
        person.id
    };
    let identity_type = ctx.realm.identity_type(&new.identity_type);
    let invitation = New {
        id: AuthorisationId::new(&ctx.services.clock, ctx.random()),
        enterprise,
        person,
        identity_type: identity_type.ok_or(Refusal::format("identity_type"))?,
        valid_from: ctx.now().day(),
        invited_by: by.person,
    };
    let added = begin_in(ctx, tx, invitation, &Event::Add(new.terms), by).await?;
    if !has_name {
        rows.authorisations().set_named(added.id, &new.name).await?;
    }
    Ok(added)
}

/// Whether the name that is known of somebody is theirs: an invitation's proves nothing; that of an account does,
/// also of one that was given up, and so does a level (AC-23, DEC-21).
async fn is_named(tx: &Tx<'_>, known: &Person) -> Result<bool, Fault> {
    let accounts = tx.rows().accounts().all_of_person(known.id).await?;
    Ok(known.real_name_level >= 3 || !accounts.is_empty())
}

/// Somebody of whom nothing is known but what the number says; whatever else is told of them is followed.
fn invited(ctx: &Ctx, new: &CheckedHandler) -> Person {
    let nationality = new.number.nationality().unwrap_or_default();
    Person {
        id: PersonId::new(&ctx.services.clock, ctx.random()),
        kind: match nationality {
            CHINA => PersonKind::Domestic,
            _ => PersonKind::Overseas,
        },
        name: new.name.clone(),
        sex: new.number.sex.map(|sex| sex.name().to_owned()),
        nationality: nationality.to_owned(),
        real_name_level: 1,
        email: None,
        email_verified_at: None,
        created_at: ctx.now(),
        updated_at: ctx.now(),
    }
}

/// One of the enterprise's own; another's is nobody's.
pub async fn find(ctx: &Ctx, manager: &Manager<'_>, id: &str) -> Result<Authorisation, Stop> {
    let Ok(id) = id.parse() else { return Err(Refusal::State.into()) };
    let found = ctx.rows().authorisations().find(id).await?;
    let own = found.filter(|found| found.enterprise == manager.identity.enterprise.id);
    Ok(own.ok_or(Refusal::State)?)
}

/// One act of a manager upon one of the enterprise's authorisations. `E_OTP_RATE`: too many today of those
/// that could be done again and again.
pub async fn act(
    ctx: &Ctx,
    manager: &Manager<'_>,
    id: &str,
    event: &Event,
) -> Result<Authorisation, Stop> {
    let found = find(ctx, manager, id).await?;
    // Superior over subordinate alone (AC-29, AC-31, AC-35).
    let known = ctx.realm.identity_type(&found.identity_type);
    let is_protected = known.is_none_or(|known| !known.can(Capability::GrantedOnline));
    if is_protected && matches!(event, Event::Edit(_) | Event::Delete | Event::Renew(_)) {
        return Err(Refusal::Protected.into());
    }
    let by = By::manager(manager.person);
    if !matches!(event, Event::Edit(_) | Event::Renew(_)) {
        return change(ctx, &found, event, by).await;
    }
    let spent = Spent::one(ctx, Doing::Manages, manager.person).await?;
    let done = change(ctx, &found, event, by).await;
    spent.end(ctx, done).await
}

/// 【确认授权】 of a person's application: permissions and term are set first (AC-26).
pub async fn confirm_application(
    ctx: &Ctx,
    manager: &Manager<'_>,
    id: &str,
    permissions: &Permissions,
    valid_to: Option<&str>,
) -> Result<Authorisation, Stop> {
    let found = find(ctx, manager, id).await?;
    if found.state() != State::PendingByEnterprise {
        return Err(Refusal::State.into());
    }
    let terms = check_terms(ctx, &found.identity_type, permissions, valid_to);
    let terms = terms.map_err(|refusal| match refusal {
        // What the registry alone gives.
        refusal if refusal == Refusal::format("identity_type") => Refusal::Protected,
        refusal => refusal,
    })?;
    change(ctx, &found, &Event::Accept(terms), By::manager(manager.person)).await
}

/// A handler as a list shows one.
pub struct Listed {
    pub authorisation: Authorisation,
    pub person: Person,
    pub document: Option<IdentityDocument>,
    pub history: Option<HistoryEntry>,
    /// The person has given their account up; the relation stands all the same (PC-24).
    pub is_cancelled: bool,
}

/// One of them; `None` where the person is gone.
pub async fn listed(ctx: &Ctx, authorisation: Authorisation) -> Result<Option<Listed>, Fault> {
    let rows = ctx.rows();
    let Some((_, person)) = rows.relations().handler(authorisation.id).await? else {
        return Ok(None);
    };
    let cancelled = rows.cancelling().cancelled(&[person.id]).await?;
    Ok(Some(Listed {
        is_cancelled: cancelled.contains(&person.id),
        document: rows.people().documents(person.id).await?.into_iter().next(),
        history: rows.relations().history_entry(authorisation.id).await?,
        authorisation,
        person,
    }))
}

/// Everybody who is tied to the enterprise, or waits to be.
pub async fn list(ctx: &Ctx, manager: &Manager<'_>) -> Result<Vec<Listed>, Fault> {
    listed_in(ctx, manager.identity.enterprise.id).await
}

/// The same of an enterprise, for whoever may see it.
pub(super) async fn listed_in(ctx: &Ctx, enterprise: EnterpriseId) -> Result<Vec<Listed>, Fault> {
    let relations = ctx.rows().relations();
    let found = relations.handlers(enterprise).await?;
    let people: Vec<PersonId> = found.iter().map(|(_, person)| person.id).collect();
    let mut documents = relations.documents(&people).await?;
    let cancelled = ctx.rows().cancelling().cancelled(&people).await?;
    let listed = |(authorisation, person): (Authorisation, Person)| Listed {
        is_cancelled: cancelled.contains(&person.id),
        document: documents.remove(&person.id).inspect(|document| {
            documents.insert(person.id, document.clone());
        }),
        authorisation,
        person,
        history: None,
    };
    Ok(found.into_iter().map(listed).collect())
}

/// What a history is searched by (AC-37, AC-38).
#[derive(Clone, Debug)]
pub struct HistoryQuery {
    pub reason: HistoryReason,
    /// Exact; empty is all.
    pub identity_type: String,
    /// Part of a name; empty is all.
    pub name: String,
    /// Of what ended until then.
    pub until: Timestamp,
}

impl HistoryQuery {
    /// All but the name, from the first record on.
    fn tab(&self) -> history::HistoryQuery<'_> {
        let Self { reason, ref identity_type, until, .. } = *self;
        history::HistoryQuery { reason, identity_type, until, offset: 0 }
    }
}

type Ended = (HistoryEntry, Authorisation, Person);

/// Those that fit, `n` at most after the first `skipped`. Names are sealed, so they are compared here.
async fn ended(
    ctx: &Ctx,
    manager: &Manager<'_>,
    query: &HistoryQuery,
    skipped: usize,
    n: usize,
) -> Result<Vec<Ended>, Fault> {
    let (relations, id) = (ctx.rows().relations(), manager.identity.enterprise.id);
    let mut tab = query.tab();
    let (mut found, wanted) = (Vec::new(), skipped.saturating_add(n));
    loop {
        let read = relations.history_of_enterprise(id, &tab).await?;
        let is_last = read.len() < history::HISTORY_AT_ONCE;
        found.extend(read.into_iter().filter(|(_, _, person)| person.name.holds(&query.name)));
        if is_last || found.len() >= wanted {
            return Ok(found.into_iter().skip(skipped).take(n).collect());
        }
        tab.offset += history::HISTORY_AT_ONCE;
    }
}

/// A page of the history: `n` at most, after the first `skipped`.
pub async fn history(
    ctx: &Ctx,
    manager: &Manager<'_>,
    query: &HistoryQuery,
    skipped: usize,
    n: usize,
) -> Result<Vec<Listed>, Fault> {
    let found = ended(ctx, manager, query, skipped, n).await?;
    let people: Vec<PersonId> = found.iter().map(|(_, _, person)| person.id).collect();
    let documents = ctx.rows().relations().documents(&people).await?;
    let cancelled = ctx.rows().cancelling().cancelled(&people).await?;
    let listed = |(entry, authorisation, person): Ended| Listed {
        is_cancelled: cancelled.contains(&person.id),
        document: documents.get(&person.id).cloned(),
        authorisation,
        person,
        history: Some(entry),
    };
    Ok(found.into_iter().map(listed).collect())
}

/// How many records of the history fit, over all its pages.
pub async fn count_history(
    ctx: &Ctx,
    manager: &Manager<'_>,
    query: &HistoryQuery,
) -> Result<usize, Fault> {
    if !query.name.is_empty() {
        return Ok(ended(ctx, manager, query, 0, usize::MAX).await?.len());
    }
    let view = View::Enterprise(manager.identity.enterprise.id);
    Ok(ctx.rows().relations().count_history(view, &query.tab()).await?)
}

/// Hides what the query shows from this enterprise's view alone (AC-39, AC-40); how many.
pub async fn clear_history(
    ctx: &Ctx,
    manager: &Manager<'_>,
    query: &HistoryQuery,
) -> Result<u64, Fault> {
    let (id, now) = (manager.identity.enterprise.id, ctx.now());
    let named = match &*query.name {
        "" => None,
        _ => Some(ended(ctx, manager, query, 0, usize::MAX).await?),
    };
    let tx = ctx.begin().await?;
    let relations = tx.rows().relations();
    let count = match named {
        None => relations.hide_all(View::Enterprise(id), &query.tab(), now).await?,
        Some(named) => {
            let ids: Vec<AuthorisationId> = named.iter().map(|(_, one, _)| one.id).collect();
            relations.hide(&ids, now).await?
        }
    };
    let event = AuditEvent::HistoryCleared { by: manager.person, enterprise: Some(id), count };
    tx.note(event);
    tx.commit().await?;
    Ok(count)
}
