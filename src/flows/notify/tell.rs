//! Telling applications: whoever holds tokens of an identity that has ended or changed hears of it
//! within seconds, by back-channel logout or by its event stream. Queued in the transaction of the
//! fact itself, delivered by `flows::notify::deliver`.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::base::id::{EnterpriseId, PersonId, SessionId};
use crate::domain::acting::ActingIdentity;
use crate::domain::audit::AuditEvent;
use crate::domain::authorisation::Authorisation;
use crate::domain::enterprise::Enterprise;
use crate::domain::identity_type::Permissions;
use crate::domain::session::Session;
use crate::flows::identity::load;
use crate::flows::notify::cause::{Cause, Initiator};
use crate::flows::oauth::subject::subject;
use crate::flows::{Ctx, Fault};
use crate::realm::client::Client;
use crate::store::deliveries::{Channel, Delivery, DeliveryState};
use crate::store::session_clients::SessionClient;
use crate::store::streams::{EventStream, StreamStatus};
use crate::store::{Rows, Tx};

/// CAEP 1.0 §3.1.
pub const SESSION_REVOKED: &str =
    "https://schemas.openid.net/secevent/caep/event-type/session-revoked";
/// CAEP 1.0 §3.2.
pub const CLAIMS_CHANGE: &str =
    "https://schemas.openid.net/secevent/caep/event-type/token-claims-change";

/// What applications are told.
pub enum Told {
    /// Their tokens of this identity are worth nothing any more.
    Ended { cause: Cause },
    /// The identity goes on with another claim. `narrowed`: what they hold is too much.
    Changed { claim: Claim, narrowed: bool, by: Initiator },
}

/// A claim as it is now.
pub enum Claim {
    Permissions(Permissions),
    Acr(String),
}

impl Claim {
    /// As far as this application's tokens tell it; `None`: they do not.
    fn told_to(&self, ctx: &Ctx, client_id: &str) -> Option<Value> {
        match self {
            Self::Permissions(all) => {
                let client = ctx.realm.clients.get(client_id)?;
                let has_scope = client.scopes.contains("tax_identity");
                has_scope.then(|| json!({"permissions": client.learns_of(all)}))
            }
            Self::Acr(acr) => Some(json!({"acr": acr})),
        }
    }
}

/// Tells the applications of one acting identity of a session.
async fn tell(
    ctx: &Ctx,
    tx: &Tx<'_>,
    session: &Session,
    sid: &str,
    told: &Told,
) -> Result<(), Fault> {
    let clients = tx.rows().session_clients().of(session.id).await?;
    for client in clients.iter().filter(|client| client.sid == sid) {
        if !is_refused(ctx, tx.rows().reading(), session.person, &client.client_id).await? {
            tell_one(ctx, tx, client, told).await?;
        }
    }
    Ok(())
}

/// One application of a session holds nothing of it any more: it is told, and forgotten but for who is told by a
/// browser alone.
pub async fn end_client(
    ctx: &Ctx,
    tx: &Tx<'_>,
    session: &Session,
    client_id: &str,
    cause: Cause,
) -> Result<(), Fault> {
    let rows = tx.rows();
    rows.grants().revoke_of_client(session.id, client_id, ctx.now()).await?;
    let clients = rows.session_clients().of(session.id).await?;
    for client in clients.iter().filter(|client| client.client_id == client_id) {
        if !is_former(ctx, session, client) {
            tell_one(ctx, tx, client, &Told::Ended { cause }).await?;
        }
    }
    if !is_told_by_browser(ctx, client_id) {
        rows.session_clients().forget(session.id, client_id).await?;
    }
    Ok(())
}

fn is_told_by_browser(ctx: &Ctx, client_id: &str) -> bool {
    ctx.realm.clients.get(client_id).is_some_and(|client| client.is_told_by_browser())
}

/// Whether it is remembered of an identity that the session has left, and was told what else can tell it.
fn is_former(ctx: &Ctx, session: &Session, client: &SessionClient) -> bool {
    let sid = session.acting.sid(&ctx.services.secrets.sid, session.id);
    client.sid != sid && is_told_by_browser(ctx, &client.client_id)
}

/// Whether it is remembered for its frame alone: its person has taken back what they allowed it. It was told then,
/// and hears nothing more of them.
pub async fn is_refused(
    ctx: &Ctx,
    rows: Rows<'_>,
    person: PersonId,
    client_id: &str,
) -> Result<bool, Fault> {
    let asks = ctx.realm.clients.get(client_id).is_some_and(|client| client.consent);
    if !asks || !is_told_by_browser(ctx, client_id) {
        return Ok(false);
    }
    Ok(rows.grants().consent(person, client_id).await?.is_none())
}

async fn tell_one(
    ctx: &Ctx,
    tx: &Tx<'_>,
    client: &SessionClient,
    told: &Told,
) -> Result<(), Fault> {
    if !matches!(told, Told::Changed { narrowed: false, .. }) {
        log_out(ctx, tx, client).await?;
    }
    signal(ctx, tx, client, told).await
}

/// A new entry of the queue; `client_id` is empty for a message to a person.
pub fn queued(
    ctx: &Ctx,
    client_id: &str,
    channel: Channel,
    about: impl ToString,
    body: &Value,
) -> Delivery {
    Delivery {
        id: ctx.new_row_id(),
        client_id: client_id.to_owned(),
        channel,
        about: about.to_string(),
        stream: None,
        body: body.to_string(),
        goes_first: false,
        state: match channel {
            Channel::Poll => DeliveryState::Kept,
            _ => DeliveryState::NEW,
        },
        created_at: ctx.now(),
    }
}

/// The same for an application's event stream.
pub fn for_stream(ctx: &Ctx, stream: &EventStream, about: impl ToString, body: &Value) -> Delivery {
    let channel = if stream.endpoint.is_some() { Channel::Push } else { Channel::Poll };
    let delivery = queued(ctx, &stream.client_id, channel, about, body);
    Delivery { stream: Some(stream.id), ..delivery }
}

async fn log_out(ctx: &Ctx, tx: &Tx<'_>, client: &SessionClient) -> Result<(), Fault> {
    let body = json!({"sub": client.subject});
    let delivery = queued(ctx, &client.client_id, Channel::Logout, &client.sid, &body);
    Ok(tx.rows().deliveries().add(&delivery).await?)
}

/// A security event for the client's stream, if it has one that wants it.
async fn signal(ctx: &Ctx, tx: &Tx<'_>, client: &SessionClient, told: &Told) -> Result<(), Fault> {
    let stream = tx.rows().streams().find(&client.client_id).await?;
    let Some(stream) = stream.filter(|stream| stream.status != StreamStatus::Disabled) else {
        return Ok(());
    };
    let now = ctx.now();
    let ended = |reason: &str| (SESSION_REVOKED, json!({"reason_admin": {"en": reason}}));
    let ((event, mut details), by) = match told {
        Told::Ended { cause } => (ended(cause.reason()), cause.initiator()),
        Told::Changed { claim, narrowed, by } => match claim.told_to(ctx, &client.client_id) {
            Some(claims) => ((CLAIMS_CHANGE, json!({"claims": claims})), *by),
            // What changed is not its business; that its tokens are over is.
            None if *narrowed => (ended("the identity gives less than before"), *by),
            None => return Ok(()),
        },
    };
    if !stream.events.iter().any(|wanted| wanted == event) {
        return Ok(());
    }
    details["event_timestamp"] = json!(now.0);
    details["initiating_entity"] = json!(by.name());
    let body = json!({
        "sub_id": {
            "format": "complex",
            "user": {"format": "iss_sub", "iss": ctx.realm.issuer, "sub": client.subject},
            "session": {"format": "opaque", "id": client.sid},
        },
        "events": {event: details},
    });
    let delivery = for_stream(ctx, &stream, &client.sid, &body);
    Ok(tx.rows().deliveries().add(&delivery).await?)
}

/// A session is over, with everything that came of it.
pub async fn end_session(
    ctx: &Ctx,
    tx: &Tx<'_>,
    session: SessionId,
    cause: Cause,
) -> Result<(), Fault> {
    let now = ctx.now();
    let Some(ended) = tx.rows().sessions().end(session, now).await? else { return Ok(()) };
    tx.rows().grants().revoke_of_session(session, now).await?;
    for client in tx.rows().session_clients().of(session).await? {
        let is_told = is_former(ctx, &ended, &client)
            || is_refused(ctx, tx.rows().reading(), ended.person, &client.client_id).await?;
        if !is_told {
            tell_one(ctx, tx, &client, &Told::Ended { cause }).await?;
        }
    }
    let (person, reason) = (ended.person, cause.reason().to_owned());
    tx.note(AuditEvent::SessionEnded { session, person, reason });
    Ok(())
}

/// The tokens of one acting identity are over, the session goes on.
pub async fn end_identity(
    ctx: &Ctx,
    tx: &Tx<'_>,
    session: &Session,
    told: &Told,
) -> Result<(), Fault> {
    let sid = session.acting.sid(&ctx.services.secrets.sid, session.id);
    if !matches!(told, Told::Changed { narrowed: false, .. }) {
        tx.rows().grants().revoke_of_sid(session.id, &sid, ctx.now()).await?;
    }
    tell(ctx, tx, session, &sid, told).await?;
    // Whoever was told holds nothing of it any more; who is told by a browser alone is, when it signs out.
    if !matches!(told, Told::Changed { narrowed: false, .. }) {
        let by_browser = ctx.realm.clients.values().filter(|client| client.is_told_by_browser());
        let by_browser: Vec<&str> = by_browser.map(|client| client.client_id.as_str()).collect();
        tx.rows().session_clients().forget_all(session.id, &sid, &by_browser).await?;
    }
    Ok(())
}

/// A session and what it gave before a change; `None`: nothing any more.
pub struct AtWork {
    session: Session,
    gave: Option<ActingIdentity>,
    /// Who makes the change.
    by: Initiator,
}

/// Those who work in or for an enterprise of which the registry tells, or for whom an application goes on.
pub async fn at_work_in(
    ctx: &Ctx,
    tx: &Tx<'_>,
    enterprise: EnterpriseId,
) -> Result<Vec<AtWork>, Fault> {
    let sessions = tx.rows().sessions().acting_for(enterprise, ctx.now()).await?;
    at_work(ctx, tx, sessions, Initiator::System).await
}

/// Where a person works now, in whatever identity: a record rests on a relation, too. `by`: who changes it.
pub async fn at_work_of(
    ctx: &Ctx,
    tx: &Tx<'_>,
    person: PersonId,
    by: Initiator,
) -> Result<Vec<AtWork>, Fault> {
    let Some(account) = tx.rows().accounts().find_by_person(person).await? else {
        return Ok(Vec::new());
    };
    let sessions = tx.rows().sessions().at_work_of(account.id, ctx.now()).await?;
    at_work(ctx, tx, sessions, by).await
}

async fn at_work(
    ctx: &Ctx,
    tx: &Tx<'_>,
    sessions: Vec<Session>,
    by: Initiator,
) -> Result<Vec<AtWork>, Fault> {
    let mut found = Vec::new();
    for session in sessions {
        let rows = tx.rows().reading();
        let gave = load::look(ctx, rows, session.person, session.acting).await?.ok();
        found.push(AtWork { session, gave, by });
    }
    Ok(found)
}

/// Ends those whose identity is gone since, and the tokens of those to whom it gives less.
pub async fn look_after(ctx: &Ctx, tx: &Tx<'_>, before: Vec<AtWork>) -> Result<(), Fault> {
    for AtWork { session, gave, by } in before {
        let rows = tx.rows().reading();
        let gives = load::look(ctx, rows, session.person, session.acting).await?;
        let (Ok(gives), Some(gave)) = (gives, gave) else {
            end_session(ctx, tx, session.id, Cause::IdentityEnded(by)).await?;
            continue;
        };
        if gives.gives_other_than(&gave) {
            let claim = Claim::Permissions(gives.permissions());
            let told = Told::Changed { claim, narrowed: gives.is_less_than(&gave), by };
            end_identity(ctx, tx, &session, &told).await?;
        }
    }
    Ok(())
}

/// Ends those of these sessions whose identity can no longer be used, as its term says.
pub async fn end_unusable(ctx: &Ctx, tx: &Tx<'_>, sessions: &[Session]) -> Result<(), Fault> {
    for one in sessions {
        if load::look(ctx, tx.rows().reading(), one.person, one.acting).await?.is_err() {
            end_session(ctx, tx, one.id, Cause::IdentityEnded(Initiator::Policy)).await?;
        }
    }
    Ok(())
}

/// A change of a relation, for every application that is registered to hear of them (DEC-18).
pub async fn relation_event(
    ctx: &Ctx,
    tx: &Tx<'_>,
    kind: &str,
    of: &Authorisation,
) -> Result<usize, Fault> {
    let enterprise = tx.rows().enterprises().find(of.enterprise).await?;
    let deliveries = relation_events(ctx, kind, of, enterprise.as_ref());
    tx.rows().deliveries().add_all(&deliveries).await?;
    Ok(deliveries.len())
}

/// The same, for who keeps many of them at once.
pub fn relation_events(
    ctx: &Ctx,
    kind: &str,
    of: &Authorisation,
    enterprise: Option<&Enterprise>,
) -> Vec<Delivery> {
    let subscribed = ctx.realm.clients.values().filter(|client| client.relation_events.is_some());
    let enterprise = enterprise.map(|one| json!({"id": one.id.to_string(), "tin": one.tin}));
    let event = |client: &Arc<Client>| {
        let body = json!({
            "event": kind,
            "authorisation_id": of.id.to_string(),
            "version": of.version(),
            "sub": subject(ctx, client, of.person),
            "enterprise": enterprise,
            "identity_type": of.identity_type.0,
            "permissions": client.learns_of(of.permissions()),
            "valid_to": of.valid_to().map(|day| day.to_string()),
            "state": of.state().name(),
            "at": ctx.now().0,
        });
        queued(ctx, &client.client_id, Channel::Relation, of.id, &body)
    };
    subscribed.map(event).collect()
}
