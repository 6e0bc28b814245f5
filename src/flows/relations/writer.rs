//! The one writer of authorisations. Each step is decided by the table (`domain::authorisation`) and
//! saved with its event and history; in the same transaction follow the message to the other side,
//! the audit, the end of sessions and tokens, and what applications must hear.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use crate::base::clock::Day;
use crate::base::id::{EnterpriseId, PersonId};
use crate::domain::audit::AuditEvent;
use crate::domain::authorisation::{Authorisation, By, Changed, Event, HistoryEntry, New, State};
use crate::domain::enterprise::Enterprise;
use crate::domain::identity_type::{Capability, IdentityType, IdentityTypeName};
use crate::domain::notice::{Audience, Notice, NoticeKind, Relation, told};
use crate::domain::refusal::Refusal;
use crate::flows::notify::person;
use crate::flows::notify::tell::{at_work_of, look_after, relation_event, relation_events};
use crate::flows::{Ctx, Fault, Stop};
use crate::store::{StoreError, Tx};

fn identity_type<'c>(ctx: &'c Ctx, one: &Authorisation) -> Cow<'c, IdentityType> {
    let gone = || Cow::Owned(IdentityType::gone(one.identity_type.clone()));
    ctx.realm.identity_type(&one.identity_type).map_or_else(gone, Cow::Borrowed)
}

/// One act upon one authorisation, in a transaction of its own. Of two at once one is `E_STATE`.
pub async fn change(
    ctx: &Ctx,
    before: &Authorisation,
    event: &Event,
    by: By,
) -> Result<Authorisation, Stop> {
    let tx = ctx.begin().await?;
    let changed = change_in(ctx, &tx, before, event, by).await?;
    tx.commit().await?;
    Ok(changed)
}

/// A child is nobody's handler, whoever asks (`docs/formats.md`). What a document does not say of its
/// holder's age is not known here.
pub async fn check_age(ctx: &Ctx, tx: &Tx<'_>, person: PersonId) -> Result<(), Stop> {
    match children(ctx, tx, &[person]).await?.is_empty() {
        true => Ok(()),
        false => Err(Refusal::format("handler_age").into()),
    }
}

/// Which of many people are too young for that.
pub async fn children(
    ctx: &Ctx,
    tx: &Tx<'_>,
    people: &[PersonId],
) -> Result<HashSet<PersonId>, Fault> {
    let today = ctx.now().day();
    let mut documents = tx.rows().people().documents_of(people).await?;
    documents.retain(|one| one.born(today).is_some_and(|born| is_child(ctx, born)));
    Ok(documents.into_iter().map(|one| one.person).collect())
}

/// Whether somebody who was born then is.
pub fn is_child(ctx: &Ctx, born: Day) -> bool {
    born.years_until(ctx.now().day()) < i32::from(ctx.realm.handler_min_age)
}

/// The same within a transaction that does more. A child begins to work by no step, since their age may have
/// become known after the first.
pub async fn change_in(
    ctx: &Ctx,
    tx: &Tx<'_>,
    before: &Authorisation,
    event: &Event,
    by: By,
) -> Result<Authorisation, Stop> {
    let known = identity_type(ctx, before);
    let is_renewed = before.state() == State::Expired && matches!(event, Event::Renew(_));
    let changed = match is_renewed && is_taken_back(tx, before).await? {
        true => before.without_word().apply(event, by, &known, ctx.now())?,
        false => before.apply(event, by, &known, ctx.now())?,
    };
    if changed.begins() {
        check_age(ctx, tx, before.person).await?;
    }
    save(ctx, tx, &changed).await?;
    Ok(changed.after().clone())
}

/// Whether a later one was ended in such a way that the person has to be asked anew. While a later one is live:
/// `E_STATE`, and before its end is looked for, which may come in between.
async fn is_taken_back(tx: &Tx<'_>, ran_out: &Authorisation) -> Result<bool, Stop> {
    let rows = tx.rows();
    if rows.authorisations().has_live(ran_out).await? {
        return Err(Refusal::State.into());
    }
    let later = rows.relations().ends_since(ran_out).await?;
    Ok(later.iter().any(HistoryEntry::takes_word_back))
}

/// A new one, within a transaction. `E_STATE` also when such a live one is there already.
pub async fn begin_in(
    ctx: &Ctx,
    tx: &Tx<'_>,
    new: New<'_>,
    event: &Event,
    by: By,
) -> Result<Authorisation, Stop> {
    check_age(ctx, tx, new.person).await?;
    let changed = begun(ctx, new, event, by)?;
    save(ctx, tx, &changed).await?;
    Ok(changed.after().clone())
}

/// A new one that nobody has saved yet, for [`begin_all_in`]. The table may refuse it.
pub fn begun(ctx: &Ctx, new: New<'_>, event: &Event, by: By) -> Result<Changed, Refusal> {
    Authorisation::begin(new, event, by, ctx.now())
}

/// Many new ones within a transaction, in their order, with all that follows from each: between people
/// who are no children and enterprises that had nothing to do with each other, and no two that would
/// end one another. `enterprises`: of all of them.
pub async fn begin_all_in(
    ctx: &Ctx,
    tx: &Tx<'_>,
    begun: Vec<Changed>,
    enterprises: &BTreeMap<EnterpriseId, Enterprise>,
) -> Result<(), Fault> {
    let ids: BTreeSet<EnterpriseId> = begun.iter().map(|one| one.after().enterprise).collect();
    let ids: Vec<EnterpriseId> = ids.into_iter().collect();
    let managing = managing(ctx);
    let mut managers: HashMap<EnterpriseId, Vec<PersonId>> = HashMap::new();
    let rows = tx.rows();
    for one in rows.authorisations().held_in(&ids, &managing).await? {
        if one.state() == State::Active {
            managers.entry(one.enterprise).or_default().push(one.person);
        }
    }
    let (mut notices, mut deliveries) = (Vec::new(), Vec::new());
    for changed in &begun {
        let after = changed.after();
        let of = enterprises.get(&after.enterprise);
        if changed.is_active() {
            deliveries.extend(relation_events(ctx, "relation.created", after, of));
            if managing.contains(&after.identity_type) {
                managers.entry(after.enterprise).or_default().push(after.person);
            }
        }
        let (kind, audience) = told(changed);
        let managers = managers.get(&after.enterprise).map_or(&[][..], Vec::as_slice);
        let name = of.map_or("", |of| of.name.as_str());
        for to in hearers(after, audience, managers) {
            let notice = notice(ctx, after, kind, to);
            deliveries.extend(person::letters(ctx, &notice, name));
            notices.push((ctx.new_row_id(), notice));
        }
        tx.note(audited(changed));
    }
    let begun: Vec<_> = begun.into_iter().map(|one| (ctx.new_row_id(), one)).collect();
    rows.authorisations().add_all(&begun).await?;
    rows.notices().add_all(&notices).await?;
    Ok(rows.deliveries().add_all(&deliveries).await?)
}

/// A new one that is told to nobody and audited with all the others of its kind: what a realm begins
/// with, before anybody is there.
pub async fn put_in(
    ctx: &Ctx,
    tx: &Tx<'_>,
    new: New<'_>,
    event: &Event,
    by: By,
) -> Result<(), Stop> {
    let changed = Authorisation::begin(new, event, by, ctx.now())?;
    keep(ctx, tx, &changed).await
}

/// An enterprise that is gone ends whoever works for it and whoever was to.
pub async fn end_all_in(ctx: &Ctx, tx: &Tx<'_>, enterprise: EnterpriseId) -> Result<(), Stop> {
    let mut all = tx.rows().authorisations().of_enterprise(enterprise).await?;
    // Managers first, who would else be told of everybody's end one by one.
    let managing = managing(ctx);
    all.sort_by_key(|one| !managing.contains(&one.identity_type));
    for one in all {
        change_in(ctx, tx, &one, &one.registry_end(), By::REGISTRY).await?;
    }
    Ok(())
}

/// Whoever changes relations holds their enterprises first, several of them by id, after an account of their own and
/// before any session: two that are about the same ones come one after the other, and neither waits for what
/// the other needs.
async fn save(ctx: &Ctx, tx: &Tx<'_>, changed: &Changed) -> Result<(), Stop> {
    tx.rows().enterprises().hold(changed.after().enterprise).await?;
    let predecessors = match changed.begins() {
        true => predecessors(ctx, tx, changed.after()).await?,
        false => Vec::new(),
    };
    // First: where somebody was faster, nobody has been ended for it, and others of a batch go on.
    carry_out(ctx, tx, changed).await?;
    for predecessor in predecessors {
        let (known, end) = (identity_type(ctx, &predecessor), predecessor.registry_end());
        let ended = predecessor.apply(&end, By::REGISTRY, &known, ctx.now())?;
        if let Err(refusal) = Stop::refused(carry_out(ctx, tx, &ended).await)? {
            // Half a succession is none: all that came with it is undone.
            return Err(StoreError::Conflict(format!("a predecessor: {}", refusal.code())).into());
        }
    }
    Ok(())
}

/// Whom a new holder ends where there is one at a time. The enterprise is held: of two who are named at once, the
/// second sees the first.
async fn predecessors(
    ctx: &Ctx,
    tx: &Tx<'_>,
    next: &Authorisation,
) -> Result<Vec<Authorisation>, Fault> {
    let known = identity_type(ctx, next);
    if !known.is_held_by_one() {
        return Ok(Vec::new());
    }
    let types = [next.identity_type.clone()];
    let mut all = tx.rows().authorisations().held_as(next.enterprise, &types).await?;
    all.retain(|one| one.person != next.person);
    Ok(all)
}

/// One step with all that follows from it for sessions, tokens and applications (invariant 9), for
/// the other side and for the audit.
async fn carry_out(ctx: &Ctx, tx: &Tx<'_>, changed: &Changed) -> Result<(), Stop> {
    let after = changed.after();
    let at_work = match changed.was_active() {
        true => at_work_of(ctx, tx, after.person, changed.by().actor.into()).await?,
        false => Vec::new(),
    };
    keep(ctx, tx, changed).await?;
    look_after(ctx, tx, at_work).await?;
    match (changed.was_active(), changed.is_active()) {
        (false, true) => relation_event(ctx, tx, "relation.created", after).await?,
        (true, true) => relation_event(ctx, tx, "relation.updated", after).await?,
        (true, false) => relation_event(ctx, tx, "relation.deleted", after).await?,
        (false, false) => 0,
    };
    let (kind, audience) = told(changed);
    notify(ctx, tx, after, kind, audience, None).await?;
    tx.note(audited(changed));
    Ok(())
}

fn audited(changed: &Changed) -> AuditEvent {
    let after = changed.after();
    AuditEvent::AuthorisationChanged {
        authorisation: after.id,
        person: after.person,
        enterprise: after.enterprise,
        event: changed.event().name().to_owned(),
        side: changed.by().actor.side().to_owned(),
        by: changed.by().person,
    }
}

async fn keep(ctx: &Ctx, tx: &Tx<'_>, changed: &Changed) -> Result<(), Stop> {
    match tx.rows().authorisations().save(ctx.new_row_id(), changed).await? {
        true => Ok(()),
        false => Err(Refusal::State.into()),
    }
}

/// A message for the other side. `once`: not again while this text stands.
pub async fn notify(
    ctx: &Ctx,
    tx: &Tx<'_>,
    of: &Authorisation,
    kind: NoticeKind,
    audience: Audience,
    once: Option<&str>,
) -> Result<(), Fault> {
    let managers = match audience {
        Audience::Holder => Vec::new(),
        Audience::Managers | Audience::Both => managers(ctx, tx, of.enterprise).await?,
    };
    let enterprise = tx.rows().enterprises().find(of.enterprise).await?;
    let name = enterprise.map(|enterprise| enterprise.name).unwrap_or_default();
    for to in hearers(of, audience, &managers) {
        person::keep(ctx, tx, &notice(ctx, of, kind, to), once, &name).await?;
    }
    Ok(())
}

/// Everybody who is told, each once.
fn hearers(of: &Authorisation, audience: Audience, managers: &[PersonId]) -> BTreeSet<PersonId> {
    let holder = (audience != Audience::Managers).then_some(of.person);
    let managers = managers.iter().copied().filter(|_| audience != Audience::Holder);
    holder.into_iter().chain(managers).collect()
}

fn notice(ctx: &Ctx, of: &Authorisation, kind: NoticeKind, to: PersonId) -> Notice {
    Notice {
        to,
        kind,
        relation: Some(Relation {
            authorisation: of.id,
            enterprise: of.enterprise,
            holder: of.person,
            identity_type: of.identity_type.0.clone(),
        }),
        at: ctx.now(),
        is_read: false,
    }
}

/// Who may manage the handlers of an enterprise now.
async fn managers(
    ctx: &Ctx,
    tx: &Tx<'_>,
    enterprise: EnterpriseId,
) -> Result<Vec<PersonId>, Fault> {
    let mut all = tx.rows().authorisations().held_as(enterprise, &managing(ctx)).await?;
    all.retain(|one| one.state() == State::Active);
    Ok(all.into_iter().map(|one| one.person).collect())
}

/// The identity types whose holders manage the others.
fn managing(ctx: &Ctx) -> Vec<IdentityTypeName> {
    let known = ctx.realm.identity_types.values().map(|(known, _)| known);
    let managing = known.filter(|known| known.can(Capability::ManageHandlers));
    managing.map(|known| known.name.clone()).collect()
}
