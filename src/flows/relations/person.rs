//! The person's side of authorisations (AU-01 to AU-17): apply, confirm one or several with one
//! scan, reject, withdraw an application, end, synchronise, and a history of one's own.

use serde_json::Value;

use crate::base::clock::Timestamp;
use crate::base::id::{AuthorisationId, EnterpriseId, PersonId};
use crate::domain::audit::AuditEvent;
use crate::domain::authorisation::{
    Authorisation, By, Event, HistoryEntry, HistoryReason, New, State, Terms,
};
use crate::domain::enterprise::Enterprise;
use crate::domain::identity_type::{Capability, IdentityTypeName, PermissionPolicy, Permissions};
use crate::domain::invitation::Invitation;
use crate::domain::login::{Errand, LoginTransaction, Then};
use crate::domain::number::normalise;
use crate::domain::number::taxpayer::TaxpayerNumber;
use crate::domain::refusal::Refusal;
use crate::domain::session::Session;
use crate::flows::notify::tell::relation_events;
use crate::flows::people;
use crate::flows::relations::spent::{Doing, Spent};
use crate::flows::relations::writer::{begin_in, change, change_in};
use crate::flows::sign_in::{step_up, transaction};
use crate::flows::{Ctx, Fault, Stop};
use crate::store::deliveries::Delivery;
use crate::store::relations::{HISTORY_AT_ONCE, HistoryQuery, View};

/// What a list is narrowed by (AU-05, AU-06). Everything but the scope is exact; empty is all.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Enterprises of every province instead of the home province alone.
    pub is_national: bool,
    pub number: String,
    pub name: String,
    pub identity_type: String,
}

impl Filter {
    /// Which province an enterprise belongs to is its tax authority's affair, not its number's.
    fn fits(&self, ctx: &Ctx, one: &Authorisation, enterprise: &Enterprise) -> bool {
        let home = ctx.realm.home_province.get(..2).unwrap_or_default();
        let authority = enterprise.tax_authority.get(1..3).unwrap_or_default();
        let text =
            |wanted: &str, known: &str| wanted.is_empty() || normalise(wanted) == normalise(known);
        (self.is_national || authority == home)
            && text(&self.name, &enterprise.name)
            && (self.identity_type.is_empty() || self.identity_type == one.identity_type.0)
    }
}

/// Those of a person in one of these states, by enterprise.
async fn list(
    ctx: &Ctx,
    person: PersonId,
    states: &[State],
    filter: &Filter,
) -> Result<Vec<(Authorisation, Enterprise)>, Fault> {
    let (rows, today) = (ctx.rows(), ctx.now().day());
    // The number leads to the enterprise that the registry knows by it, like everywhere else.
    let number = TaxpayerNumber::asked(&filter.number);
    let wanted = rows.enterprises().find_by_number(&number).await?.map(|found| found.id);
    let held = rows.standings().held(person).await?;
    let fits = |(one, enterprise): &(Authorisation, Enterprise)| {
        states.contains(&one.state())
            && (filter.number.is_empty() || wanted == Some(enterprise.id))
            // The clock's job may be some moments behind.
            && one.valid_to().is_none_or(|end| end >= today)
            && filter.fits(ctx, one, enterprise)
    };
    let mut found: Vec<_> = held.into_iter().filter(fits).collect();
    found.sort_by(|(a, x), (b, y)| (&x.tin, &a.identity_type).cmp(&(&y.tin, &b.identity_type)));
    Ok(found)
}

/// 【待确认授权】 and one's own applications that wait for the other side.
pub async fn pending(
    ctx: &Ctx,
    person: PersonId,
    filter: &Filter,
) -> Result<Vec<(Authorisation, Enterprise)>, Fault> {
    list(ctx, person, &[State::PendingByPerson, State::PendingByEnterprise], filter).await
}

/// 【已授权企业】: active ones alone (AU-15).
pub async fn held(
    ctx: &Ctx,
    person: PersonId,
    filter: &Filter,
) -> Result<Vec<(Authorisation, Enterprise)>, Fault> {
    list(ctx, person, &[State::Active], filter).await
}

/// One of the person's own; another's is nobody's.
pub async fn find(ctx: &Ctx, person: PersonId, id: &str) -> Result<Authorisation, Stop> {
    let Ok(id) = id.parse() else { return Err(Refusal::State.into()) };
    let found = ctx.rows().authorisations().find(id).await?;
    Ok(found.filter(|found| found.person == person).ok_or(Refusal::State)?)
}

/// 【拒绝】, withdrawing an application, 【删除】.
pub async fn act(
    ctx: &Ctx,
    person: PersonId,
    id: &str,
    event: &Event,
) -> Result<Authorisation, Stop> {
    if !matches!(event, Event::Reject | Event::Withdraw | Event::Delete) {
        return Err(Refusal::Role.into());
    }
    let found = find(ctx, person, id).await?;
    change(ctx, &found, event, By::holder(person)).await
}

/// The enterprise behind a number that somebody applies to, for a look before the request.
pub async fn applied_to(ctx: &Ctx, number: &str) -> Result<Enterprise, Stop> {
    let Ok(number) = TaxpayerNumber::parse(number) else {
        return Err(Refusal::format("enterprise_number").into());
    };
    let rows = ctx.rows();
    let found = rows.enterprises().find_by_number(&number).await?;
    let alive = found.filter(|found| found.status.is_alive());
    Ok(alive.ok_or(Refusal::format("enterprise_unknown"))?)
}

/// 【申请企业授权】 (AU-01 to AU-03): waits for a manager, gives nothing before. `E_OTP_RATE`: too many today.
pub async fn apply(
    ctx: &Ctx,
    person: PersonId,
    number: &str,
    identity_type: &str,
) -> Result<Authorisation, Stop> {
    let enterprise = applied_to(ctx, number).await?;
    let name = IdentityTypeName(identity_type.to_owned());
    let known = ctx.realm.identity_type(&name);
    let Some(known) = known.filter(|known| known.can(Capability::GrantedOnline)) else {
        return Err(Refusal::format("identity_type").into());
    };
    // What is wished for; the manager sets it.
    let permissions = match &known.permissions {
        PermissionPolicy::Among(allowed) => allowed.clone(),
        PermissionPolicy::All => Permissions::new(),
    };
    let wish = Event::Apply(Terms { permissions, valid_to: None });
    let new = New {
        id: AuthorisationId::new(&ctx.services.clock, ctx.random()),
        enterprise: enterprise.id,
        person,
        identity_type: known,
        valid_from: ctx.now().day(),
        invited_by: None,
    };
    let spent = Spent::one(ctx, Doing::Applies, person).await?;
    let applied = async {
        let tx = ctx.begin().await?;
        let applied = begin_in(ctx, &tx, new, &wish, By::holder(person)).await?;
        tx.commit().await?;
        Ok(applied)
    };
    spent.end(ctx, applied.await).await
}

/// The scan that stands before a confirmation, one for all of them (AU-08).
pub async fn begin_confirmation(
    ctx: &Ctx,
    session: &Session,
    shown: Vec<Invitation>,
) -> Result<Option<LoginTransaction>, Fault> {
    step_up::begin(ctx, session, Errand::Confirm(shown), Then::Nowhere).await
}

/// What a scan is about to confirm; nothing where it is about something else.
pub async fn to_be_confirmed(
    ctx: &Ctx,
    transaction: &LoginTransaction,
) -> Result<Vec<(Authorisation, Enterprise)>, Fault> {
    let (Some(Errand::Confirm(ids)), Some(proved)) = (transaction.errand(), transaction.proved())
    else {
        return Ok(Vec::new());
    };
    let held = ctx.rows().standings().held(proved.person).await?;
    Ok(held.into_iter().filter(|(one, _)| ids.iter().any(|shown| shown.id == one.id)).collect())
}

/// What became of one of a batch.
pub struct Outcome {
    pub authorisation: Authorisation,
    pub enterprise: Enterprise,
    pub refusal: Option<Refusal>,
}

/// The scan was passed: all are confirmed in one transaction; one that is not what was shown does not hold
/// the others back (AU-09).
pub async fn confirm_batch(
    ctx: &Ctx,
    transaction: &LoginTransaction,
) -> Result<Vec<Outcome>, Stop> {
    let (Some(Errand::Confirm(shown)), Some(proved)) = (transaction.errand(), transaction.proved())
    else {
        return Err(Refusal::State.into());
    };
    proved.second.passed().ok_or(Refusal::State)?;
    let by = By::holder(proved.person);
    let mut outcomes = Vec::new();
    let about = to_be_confirmed(ctx, transaction).await?;
    let enterprises: Vec<EnterpriseId> = about.iter().map(|(_, one)| one.id).collect();
    let (tx, ..) = step_up::conclude_about(ctx, transaction, &enterprises).await?;
    for shown in shown {
        let held = tx.rows().standings().held_by(shown.id).await?;
        let own = held.filter(|(one, _)| one.person == proved.person);
        let Some((one, enterprise)) = own else { continue };
        let done = match enterprise.status.is_alive() && shown.is(&one) {
            true => Stop::refused(change_in(ctx, &tx, &one, &Event::Confirm, by).await)?,
            false => Err(Refusal::State),
        };
        outcomes.push(match done {
            Ok(authorisation) => Outcome { authorisation, enterprise, refusal: None },
            Err(refusal) => Outcome { authorisation: one, enterprise, refusal: Some(refusal) },
        });
    }
    tx.commit().await?;
    ctx.forget(&transaction::LOGIN, &transaction.id).await;
    Ok(outcomes)
}

/// 【数据同步】 (AU-13): the relation is pushed again to every subscribed application, but to one that has yet to
/// take the same; how many have subscribed. `E_OTP_RATE`: too often within an hour.
pub async fn synchronise(ctx: &Ctx, person: PersonId, id: &str) -> Result<usize, Stop> {
    let found = find(ctx, person, id).await?;
    if found.state() != State::Active {
        return Err(Refusal::State.into());
    }
    let enterprise = ctx.rows().enterprises().find(found.enterprise).await?;
    let events = relation_events(ctx, "relation.sync", &found, enterprise.as_ref());
    let n_subscribed = events.len();
    if n_subscribed > 0 {
        let spent = Spent::one(ctx, Doing::Synchronises, person).await?;
        spent.end(ctx, push(ctx, &found, events).await).await?;
    }
    Ok(n_subscribed)
}

/// Queues those of which none waits yet that says the same.
async fn push(ctx: &Ctx, about: &Authorisation, mut events: Vec<Delivery>) -> Result<(), Stop> {
    let tx = ctx.begin().await?;
    // Of two that are asked for at once the second sees the first.
    people::held_account(&tx, about.person).await?;
    let deliveries = tx.rows().deliveries();
    let waiting = deliveries.waiting_about(&about.id.to_string()).await?;
    let says = |one: &Delivery| {
        let body: Value = serde_json::from_str(&one.body).unwrap_or_default();
        (one.client_id.clone(), body["event"].clone(), body["version"].clone())
    };
    events.retain(|one| waiting.iter().all(|other| says(other) != says(one)));
    deliveries.add_all(&events).await?;
    Ok(tx.commit().await?)
}

/// How the newest push of a relation stands at each application, newest first.
pub async fn synchronised(ctx: &Ctx, id: AuthorisationId) -> Result<Vec<Delivery>, Fault> {
    let all = ctx.rows().deliveries().about(&id.to_string()).await?;
    let mut seen = Vec::new();
    let newest = all.into_iter().filter(|one| {
        let is_new = !seen.contains(&one.client_id);
        seen.push(one.client_id.clone());
        is_new
    });
    Ok(newest.collect())
}

/// What a person once was to an enterprise.
pub type Ended = (HistoryEntry, Authorisation, Enterprise);

/// 【历史管理信息】 of the person's own view (AU-16): of what ended until then `n` at most, after the
/// first `skipped`.
pub async fn history(
    ctx: &Ctx,
    person: PersonId,
    reason: HistoryReason,
    until: Timestamp,
    skipped: usize,
    n: usize,
) -> Result<Vec<Ended>, Fault> {
    let relations = ctx.rows().relations();
    let mut tab = HistoryQuery { reason, identity_type: "", until, offset: skipped };
    let mut found = Vec::new();
    loop {
        let read = relations.history_of_person(person, &tab).await?;
        let is_last = read.len() < HISTORY_AT_ONCE;
        found.extend(read);
        if is_last || found.len() >= n {
            found.truncate(n);
            return Ok(found);
        }
        tab.offset += HISTORY_AT_ONCE;
    }
}

/// How many there are, over all pages.
pub async fn count_history(
    ctx: &Ctx,
    person: PersonId,
    reason: HistoryReason,
    until: Timestamp,
) -> Result<usize, Fault> {
    let tab = HistoryQuery { reason, identity_type: "", until, offset: 0 };
    Ok(ctx.rows().relations().count_history(View::Person(person), &tab).await?)
}

/// Own view only (AU-17).
pub async fn clear_history(
    ctx: &Ctx,
    person: PersonId,
    reason: HistoryReason,
    until: Timestamp,
) -> Result<u64, Fault> {
    let (tab, now) = (HistoryQuery { reason, identity_type: "", until, offset: 0 }, ctx.now());
    let tx = ctx.begin().await?;
    let count = tx.rows().relations().hide_all(View::Person(person), &tab, now).await?;
    let event = AuditEvent::HistoryCleared { by: person, enterprise: None, count };
    tx.note(event);
    tx.commit().await?;
    Ok(count)
}
