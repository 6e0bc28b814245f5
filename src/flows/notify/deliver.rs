//! Brings what `flows::notify::tell` has queued to its receivers, with patience, and a list of what could
//! not be delivered. Each receiver has a lane of its own: one that hangs delays nobody else.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::Value;

use crate::base::clock::Timestamp;
use crate::base::id::PersonId;
use crate::domain::notice::{NoticeClass, NoticeKind};
use crate::ephemeral::EphemeralError;
use crate::flows::notify::{mail, streams};
use crate::flows::oauth::logout;
use crate::flows::sign_in::factor::code::{gateway, mail_server};
use crate::flows::{Ctx, Fault};
use crate::outbound::error::SendError;
use crate::outbound::sms::{Gateway, Message};
use crate::realm::file::GatewayKind;
use crate::store::StoreError;
use crate::store::deliveries::{Channel, Delivery, DeliveryState, Receiver};
use crate::store::streams::StreamStatus;

/// Seconds before each next try; after the last it is given up.
const BACK_OFF: [i64; 7] = [5, 15, 60, 300, 1800, 7200, 43_200];

/// Seconds that a try belongs to one node, at least.
const LEASE: i64 = 60;

/// Longer than any receiver is waited for, or all gateways together, so that a second node comes only
/// after a first that died.
pub fn lease(longest_wait: Duration) -> i64 {
    let wait = i64::try_from(longest_wait.as_secs()).unwrap_or(i64::MAX / 4);
    LEASE.max(2 * wait + 10)
}

/// After so many failures in a row a receiver is left alone until its lane runs again.
const MOST_FAILURES: u32 = 3;

/// What goes out before realm files and streams are asked again.
pub const PORTION: u64 = 64;

/// Messages to people that are on their way at once: a gateway takes a while for each.
const PEOPLE_AT_ONCE: usize = 4;

/// Seconds before the next try after a fault of ours, which is no try.
const AFTER_FAULT: i64 = 60;

/// Of kinds that a newer node has queued, in a day: as few as of relations.
const UNKNOWN_PER_DAY: (&str, u32) = ("others", 10);

/// For whom something is due in this realm.
pub async fn receivers(ctx: &Ctx) -> Result<Vec<Receiver>, Fault> {
    Ok(ctx.rows().deliveries().receivers(ctx.now()).await?)
}

/// Delivers a portion of what is due for one of them: to an application one after the other, to people a few at
/// once. Returns how many it tried; of more that is due hears whoever asks again, by the realm's files as they are
/// then.
pub async fn run(ctx: &Ctx, to: &Receiver) -> Result<usize, Fault> {
    let due = ctx.rows().deliveries().due(to, ctx.now(), PORTION).await?;
    let at_once = if to.client_id.is_empty() { PEOPLE_AT_ONCE } else { 1 };
    let (mut tried, mut failures) = (0, 0);
    for some in side_by_side(&due, at_once) {
        // Each time: whoever pauses a stream hears nothing from that moment on.
        if to.channel == Channel::Push && is_paused(ctx, &to.client_id).await? {
            break;
        }
        for outcome in join_all(some.iter().map(|one| attempt(ctx, one))).await {
            match outcome? {
                None => continue,
                Some(true) => failures = 0,
                Some(false) => failures += 1,
            }
            tried += 1;
        }
        if failures >= MOST_FAILURES {
            break;
        }
    }
    Ok(tried)
}

/// Of one person two never go at once: what happened later is told later.
fn side_by_side(due: &[Delivery], most: usize) -> Vec<&[Delivery]> {
    let (mut parts, mut begin) = (Vec::new(), 0);
    for (at, one) in due.iter().enumerate() {
        let part = &due[begin..at];
        if part.len() == most || part.iter().any(|other| other.about == one.about) {
            parts.push(part);
            begin = at;
        }
    }
    parts.push(&due[begin..]);
    parts
}

/// What is told to a paused stream waits, a disabled one is sent nothing (SSF §8.1.2).
async fn is_paused(ctx: &Ctx, client_id: &str) -> Result<bool, Fault> {
    Ok(streams::find(ctx, client_id)
        .await?
        .is_some_and(|stream| stream.status != StreamStatus::Enabled))
}

/// Whether it was taken; `None`: another node is at it.
async fn attempt(ctx: &Ctx, delivery: &Delivery) -> Result<Option<bool>, Fault> {
    let DeliveryState::Waiting { n_tries, .. } = delivery.state else { return Ok(None) };
    let tries = usize::try_from(n_tries).unwrap_or(usize::MAX);
    let tx = ctx.begin().await?;
    if tries > BACK_OFF.len() {
        // Who claimed the last try never came back, as at every try before.
        let why = "the last try did not come to its end".to_owned();
        tell_failure(ctx, delivery, n_tries, None, &why);
        tx.rows().deliveries().failed(delivery.id, n_tries, None, why).await?;
        tx.commit().await?;
        return Ok(Some(false));
    }
    let until = ctx.now().plus(lease(ctx.services.outbound.longest_wait()));
    let claimed = tx.rows().deliveries().claim(delivery.id, n_tries, until).await?;
    tx.commit().await?;
    if !claimed {
        return Ok(None);
    }
    let sent = send(ctx, delivery).await;
    if let Err(NotTaken::Fault(fault)) = sent {
        if let Err(error) = put_back(ctx, delivery, n_tries).await {
            tracing::warn!(%error, "A delivery that nobody was asked to take counts as tried");
        }
        return Err(fault);
    }
    settle(ctx, delivery, n_tries, sent).await.map(Some)
}

async fn put_back(ctx: &Ctx, delivery: &Delivery, n_tries: i32) -> Result<(), Fault> {
    let again_at = ctx.now().plus(AFTER_FAULT);
    let tx = ctx.begin().await?;
    tx.rows().deliveries().put_back(delivery.id, n_tries, again_at).await?;
    Ok(tx.commit().await?)
}

/// Writes down what has become of a try after `n_tries` others; whether the receiver is well.
async fn settle(
    ctx: &Ctx,
    delivery: &Delivery,
    n_tries: i32,
    sent: Result<(), NotTaken>,
) -> Result<bool, Fault> {
    let tx = ctx.begin().await?;
    let deliveries = tx.rows().deliveries();
    let tries = usize::try_from(n_tries).unwrap_or(usize::MAX);
    let later = BACK_OFF.get(tries).map(|wait| ctx.now().plus(*wait));
    let is_well = match sent {
        Ok(()) => {
            count(ctx, delivery, "done");
            let took = u32::try_from(ctx.now().since(delivery.created_at)).unwrap_or_default();
            metrics::histogram!("hufu_delivery_seconds", "channel" => delivery.channel.name())
                .record(took);
            deliveries.done(delivery.id).await?;
            true
        }
        Err(NotTaken::Dropped(why)) => {
            count(ctx, delivery, "dropped");
            let (realm, channel, id) = (&ctx.realm.id, delivery.channel.name(), delivery.id);
            tracing::warn!(realm, channel, %id, why, "A notice is dropped");
            deliveries.dropped(delivery.id, why).await?;
            true
        }
        Err(NotTaken::Because(error)) => {
            tell_failure(ctx, delivery, n_tries + 1, later, &error);
            deliveries.failed(delivery.id, n_tries + 1, later, error).await?;
            false
        }
        Err(NotTaken::Number { error, is_final }) => {
            let again_at = later.filter(|_| !is_final);
            tell_failure(ctx, delivery, n_tries + 1, again_at, &error);
            deliveries.failed(delivery.id, n_tries + 1, again_at, error).await?;
            true
        }
        Err(NotTaken::Fault(fault)) => return Err(fault),
    };
    tx.commit().await?;
    Ok(is_well)
}

/// Every failure, not only the last one hours later: somebody may mend the cause meanwhile.
fn tell_failure(
    ctx: &Ctx,
    delivery: &Delivery,
    n_tries: i32,
    again_at: Option<Timestamp>,
    error: &str,
) {
    let (realm, to, channel) = (&ctx.realm.id, &delivery.client_id, delivery.channel.name());
    let id = delivery.id;
    let Some(again_at) = again_at.map(Timestamp::for_people) else {
        count(ctx, delivery, "given_up");
        tracing::error!(realm, to, channel, %id, n_tries, error, "A delivery is given up");
        return;
    };
    count(ctx, delivery, "failed");
    tracing::warn!(realm, to, channel, %id, n_tries, again_at, error, "A delivery failed");
}

fn count(ctx: &Ctx, delivery: &Delivery, outcome: &'static str) {
    let labels = [
        ("realm", ctx.realm.id.clone()),
        ("client", delivery.client_id.clone()),
        ("channel", delivery.channel.name().to_owned()),
        ("outcome", outcome.to_owned()),
    ];
    metrics::counter!("hufu_deliveries_total", &labels).increment(1);
}

/// Why a receiver has not taken it.
enum NotTaken {
    /// A failed try, which waits for the next one.
    Because(String),
    /// The gateway is well. `is_final`: it will never reach this number.
    Number { error: String, is_final: bool },
    /// It is not to go out, now or later.
    Dropped(&'static str),
    /// Nobody was asked.
    Fault(Fault),
}

impl From<SendError> for NotTaken {
    fn from(error: SendError) -> Self {
        let text = error.to_string();
        match error {
            SendError::Unavailable(_) => Self::Because(text),
            SendError::Limited(_) => Self::Number { error: text, is_final: false },
            SendError::Number(_) => Self::Number { error: text, is_final: true },
        }
    }
}

impl From<EphemeralError> for NotTaken {
    fn from(error: EphemeralError) -> Self {
        Self::Fault(error.into())
    }
}

/// A row that this one needs and that cannot be read is its own failure: the others go on, and in the
/// end it is given up.
impl From<StoreError> for NotTaken {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Inconsistent { .. } | StoreError::Sealed(_) => {
                Self::Because(error.to_string())
            }
            error => Self::Fault(error.into()),
        }
    }
}

/// A token for which no key signs yet is a failed try like any other: it waits, and says why.
impl From<Fault> for NotTaken {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::NoSigner(_) => Self::Because(fault.to_string()),
            Fault::Store(error) => error.into(),
            fault => Self::Fault(fault),
        }
    }
}

/// What nobody listens for any more counts as delivered.
async fn send(ctx: &Ctx, delivery: &Delivery) -> Result<(), NotTaken> {
    match delivery.channel {
        Channel::Sms => return send_text(ctx, delivery).await,
        Channel::Email => return send_mail(ctx, delivery).await,
        _ => {}
    }
    let Some(client) = ctx.realm.clients.get(&delivery.client_id) else { return Ok(()) };
    let outbound = &ctx.services.outbound;
    match delivery.channel {
        Channel::Logout => {
            let Some(url) = &client.backchannel_logout_uri else { return Ok(()) };
            let token = logout::token(ctx, client, delivery)?;
            outbound.deliver_logout(url, &token).await?;
        }
        Channel::Relation => {
            let Some((url, secret)) = &client.relation_events else { return Ok(()) };
            let handed_in = (&ctx.services.clock, ctx.random());
            outbound.post_signed(url, secret, delivery.body.clone(), handed_in).await?;
        }
        Channel::Push => {
            let stream = streams::find(ctx, &delivery.client_id).await?;
            let stream = stream.filter(|stream| Some(stream.id) == delivery.stream);
            let (Some(url), Some(stream)) = (&client.event_endpoint, stream) else { return Ok(()) };
            let token = streams::token(ctx, delivery)?;
            outbound.push_event(url, token, stream.authorization.as_ref()).await?;
        }
        Channel::Poll | Channel::Sms | Channel::Email => {}
    }
    Ok(())
}

/// To the person's address as it is now.
async fn send_mail(ctx: &Ctx, delivery: &Delivery) -> Result<(), NotTaken> {
    let Ok(person) = delivery.about.parse() else { return Ok(()) };
    let found = ctx.rows().people().find(person).await?;
    let Some(email) = found.and_then(|found| found.email) else { return Ok(()) };
    let body = read(&delivery.body)?;
    let event = body["event"].as_str().unwrap_or_default();
    let link = body["link"].as_str();
    let said = mail::Said { at: delivery.created_at, link, code: body["code"].as_str() };
    let words = NoticeKind::parse(event).and_then(|kind| mail::words(ctx, kind, said));
    let Some((subject, text)) = words else { return Ok(()) };
    let shown = link.or(said.code);
    let shown = shown.map_or_else(|| event.to_owned(), |shown| format!("{event} {shown}"));
    let (server, to) = (mail_server(ctx), email.deliverable());
    let rate = count_of_day(ctx, delivery.channel, person, event).await?;
    let outbound = &ctx.services.outbound;
    let sent = outbound.mail_notice(server, &to, (&subject, &text), &shown, ctx.now()).await;
    if sent.is_err() {
        rate.give_back(ctx).await?;
    }
    Ok(sent?)
}

/// What cannot be read is a failed try, and in the end given up.
fn read(body: &str) -> Result<Value, NotTaken> {
    serde_json::from_str(body).map_err(|error| NotTaken::Because(error.to_string()))
}

/// A message of a person's day that was counted; `None`: there was no room to.
struct Rate(Option<String>);

impl Rate {
    /// It does not arrive.
    async fn give_back(&self, ctx: &Ctx) -> Result<(), EphemeralError> {
        match &self.0 {
            Some(counter) => ctx.ephemeral().by_notices(false).uncount(counter).await,
            None => Ok(()),
        }
    }
}

/// One more message of this person's day; or they have had as many of what it is counted with as go out.
/// Where there is no room to count it, what others cause stays in the message centre; what is about the
/// person's own account goes out all the same, since its limit is a brake on mistakes of ours alone.
async fn count_of_day(
    ctx: &Ctx,
    channel: Channel,
    person: PersonId,
    event: &str,
) -> Result<Rate, NotTaken> {
    let kind = NoticeKind::parse(event);
    let is_own = kind.is_some_and(|kind| kind.class() == NoticeClass::Own);
    let (of, most) = kind.map_or(UNKNOWN_PER_DAY, NoticeKind::of_a_day);
    let counter = format!("notice/{}/{person}/{of}", channel.name());
    match ctx.ephemeral().by_notices(!is_own).count(&counter, 86_400).await {
        Ok((count, _)) if count <= most => Ok(Rate(Some(counter))),
        Ok(_) => Err(NotTaken::Dropped("the person has had as many of its kind within a day")),
        Err(EphemeralError::Full(_)) if is_own => Ok(Rate(None)),
        Err(EphemeralError::Full(_)) => Err(NotTaken::Dropped("there is no room to count it")),
        Err(error) => Err(error.into()),
    }
}

/// To the person's default phone as it is now, or to every one of them.
async fn send_text(ctx: &Ctx, delivery: &Delivery) -> Result<(), NotTaken> {
    let rows = ctx.rows();
    let Ok(person) = delivery.about.parse() else { return Ok(()) };
    let Some(account) = rows.accounts().find_by_person(person).await? else { return Ok(()) };
    let phones = rows.accounts().phones(account.id).await?;
    let body = read(&delivery.body)?;
    let to_all = body["every_phone"] == Value::Bool(true);
    let phones: Vec<_> = phones.into_iter().filter(|one| to_all || one.is_default).collect();
    if phones.is_empty() {
        return Ok(());
    }
    let text = |name: &str| body[name].as_str().unwrap_or_default();
    let message = Message::Notice {
        event: text("event"),
        enterprise: text("enterprise"),
        link: body["link"].as_str(),
    };
    let known = ctx
        .realm
        .sms
        .gateways
        .iter()
        .filter(|one| one.kind == GatewayKind::Webhook || !one.notice_template.is_empty());
    let gateways: Vec<Gateway<'_>> = known.map(|one| gateway(one, &one.notice_template)).collect();
    if gateways.is_empty() && !ctx.realm.sms.gateways.is_empty() {
        return Err(NotTaken::Dropped("no gateway has a text for notices"));
    }
    let handed_in = (&ctx.services.clock, ctx.random());
    let rate = count_of_day(ctx, delivery.channel, person, text("event")).await?;
    let (outbound, by) = (&ctx.services.outbound, (ctx.realm.id.as_str(), gateways.as_slice()));
    let (mut is_told, mut outcome) = (false, Ok(()));
    for binding in phones {
        let sent = outbound.send_sms(by, &binding.phone, &message, handed_in).await;
        match sent {
            // Whoever has it is not told again because another phone is out of order.
            Ok(()) => is_told = true,
            // One that may be reached later is not given up for one that never is.
            Err(error) if matches!(outcome, Ok(()) | Err(SendError::Number(_))) => {
                outcome = Err(error);
            }
            Err(_) => {}
        }
    }
    if is_told {
        return Ok(());
    }
    rate.give_back(ctx).await?;
    Ok(outcome?)
}
