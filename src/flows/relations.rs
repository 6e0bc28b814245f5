//! Authorisations change here and nowhere else: decided by the state machine, saved with their
//! event, their history, the notice to the other side, and what follows for sessions and
//! applications, in one transaction.

use serde_json::json;

use super::telling::{
    Told, end_identity, end_session, end_unusable, live_sessions, queued, relation_event,
};
use super::{Ctx, Fault, Stop};
use crate::base::id::{EnterpriseId, PersonId};
use crate::domain::acting::Acting;
use crate::domain::audit::AuditEvent;
use crate::domain::authorisation::{Actor, Authorisation, Event, State};
use crate::domain::identity_type::{Capability, IdentityType};
use crate::domain::notice::{Audience, Notice, NoticeKind, told};
use crate::domain::refusal::Refusal;
use crate::store::Tx;
use crate::store::deliveries::Channel;
use crate::store::relations::HistoryEntry;

/// Who does it, and on which side.
#[derive(Clone, Copy)]
pub struct By {
    pub actor: Actor,
    pub person: Option<PersonId>,
}

fn identity_type<'c>(ctx: &'c Ctx, one: &Authorisation) -> Result<&'c IdentityType, Fault> {
    let known = ctx.realm.identity_type(&one.identity_type);
    known.ok_or_else(|| Fault::Internal(format!("no identity type {}", one.identity_type.0)))
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

/// The same within a transaction that does more. The audit's lock is held until it is committed.
pub async fn change_in(
    ctx: &Ctx,
    tx: &Tx<'_>,
    before: &Authorisation,
    event: &Event,
    by: By,
) -> Result<Authorisation, Stop> {
    let after = before.apply(event, by.actor, identity_type(ctx, before)?, ctx.now())?;
    let rows = tx.rows();
    if !rows.authorisations().update(&after).await? {
        return Err(Refusal::State.into());
    }
    let (name, side) = (event.name(), by.actor.side());
    rows.authorisations().add_event(ctx.new_row_id(), &after, name, side, by.person).await?;
    if let Some(reason) = after.state.history() {
        let entry = HistoryEntry {
            authorisation: after.id,
            reason: reason.to_owned(),
            side: side.to_owned(),
            at: after.updated_at,
            hidden_for_enterprise_at: None,
            hidden_for_person_at: None,
        };
        rows.relations().add_history(&entry).await?;
    }
    follow(ctx, tx, before, &after).await?;
    if let Some((kind, audience)) = told(&after, event, by.actor) {
        notify(ctx, tx, &after, (kind, audience), None).await?;
    }
    let changed = AuditEvent::AuthorisationChanged {
        authorisation: after.id,
        event: name.to_owned(),
        side: side.to_owned(),
        by: by.person,
    };
    tx.note(changed);
    Ok(after)
}

/// A new one with its first event. `false`: such a live one is there already.
pub async fn add_in(ctx: &Ctx, tx: &Tx<'_>, new: &Authorisation, by: By) -> Result<bool, Fault> {
    let rows = tx.rows();
    if !rows.authorisations().add(new).await? {
        return Ok(false);
    }
    let (name, kind, audience) = match new.state {
        State::PendingByEnterprise => ("apply", NoticeKind::Applied, Audience::Managers),
        _ => ("add", NoticeKind::Invited, Audience::Holder),
    };
    let side = by.actor.side();
    rows.authorisations().add_event(ctx.new_row_id(), new, name, side, by.person).await?;
    notify(ctx, tx, new, (kind, audience), None).await?;
    let added = AuditEvent::AuthorisationAdded {
        authorisation: new.id,
        by: by.person.unwrap_or(new.person),
    };
    tx.note(added);
    Ok(true)
}

/// What a change means for sessions, tokens and applications (invariant 9).
pub async fn follow(
    ctx: &Ctx,
    tx: &Tx<'_>,
    before: &Authorisation,
    after: &Authorisation,
) -> Result<(), Fault> {
    let (was, is) = (before.state == State::Active, after.state == State::Active);
    match (was, is) {
        (false, true) => relation_event(ctx, tx, "relation.created", after).await?,
        (true, true) => relation_event(ctx, tx, "relation.updated", after).await?,
        (true, false) => relation_event(ctx, tx, "relation.deleted", after).await?,
        (false, false) => return Ok(()),
    };
    if !was {
        return Ok(());
    }
    for session in live_sessions(ctx, tx, after.person).await? {
        match session.acting {
            Acting::Enterprise(id) if id == after.id && !is => {
                end_session(ctx, tx, session.id, "the authorisation has ended").await?;
            }
            Acting::Enterprise(id) if id == after.id => {
                let known = identity_type(ctx, after)?;
                let claims = known.effective(&after.permissions, &ctx.realm.catalogue());
                let told = Told::Changed {
                    claims: json!({"permissions": claims}),
                    narrowed: after.is_less_than(before),
                };
                end_identity(ctx, tx, &session, &told).await?;
            }
            // A record may rest on the relation that is gone.
            Acting::Record(_) if !is => end_unusable(ctx, tx, &[session]).await?,
            _ => {}
        }
    }
    Ok(())
}

/// A message for the other side. `once`: not again while this text stands.
pub async fn notify(
    ctx: &Ctx,
    tx: &Tx<'_>,
    of: &Authorisation,
    (kind, audience): (NoticeKind, Audience),
    once: Option<&str>,
) -> Result<(), Fault> {
    let mut people = Vec::new();
    if audience != Audience::Managers {
        people.push(of.person);
    }
    if audience != Audience::Holder {
        people.extend(managers(ctx, tx, of.enterprise).await?);
    }
    people.sort();
    people.dedup();
    for to in people {
        let notice = Notice {
            to,
            kind,
            authorisation: of.id,
            enterprise: of.enterprise,
            about: of.person,
            identity_type: of.identity_type.0.clone(),
            at: ctx.now(),
            is_read: false,
        };
        let id = ctx.new_row_id();
        let once = once.map_or_else(|| id.to_string(), str::to_owned);
        tx.rows().notices().add(id, &notice, &once).await?;
        if ctx.realm.sms.notices {
            by_sms(ctx, tx, &notice).await?;
        }
    }
    Ok(())
}

/// The same by text message, sent later; whoever has no phone has the message centre.
async fn by_sms(ctx: &Ctx, tx: &Tx<'_>, notice: &Notice) -> Result<(), Fault> {
    let enterprise = tx.rows().enterprises().find(notice.enterprise).await?;
    let name = enterprise.map(|enterprise| enterprise.name).unwrap_or_default();
    let body = json!({"event": notice.kind.name(), "enterprise": name});
    let delivery = queued(ctx, ("", Channel::Sms), notice.to, &body);
    Ok(tx.rows().deliveries().add(&delivery).await?)
}

/// Who may manage the handlers of an enterprise now.
async fn managers(
    ctx: &Ctx,
    tx: &Tx<'_>,
    enterprise: EnterpriseId,
) -> Result<Vec<PersonId>, Fault> {
    let all = tx.rows().relations().handlers(enterprise).await?;
    let manages = |one: &Authorisation| {
        let known = ctx.realm.identity_type(&one.identity_type);
        one.state == State::Active
            && known.is_some_and(|known| known.can(Capability::ManageHandlers))
    };
    Ok(all.into_iter().filter(|(one, _)| manages(one)).map(|(one, _)| one.person).collect())
}
