//! Telling a person what happened to their own account: in the message centre, by text message, and by
//! e-mail what concerns their safety. Of relations they hear by text message where the realm says so.

use serde_json::{Value, json};

use crate::base::id::PersonId;
use crate::domain::notice::{Notice, NoticeClass, NoticeKind};
use crate::flows::limits;
use crate::flows::notify::mail::is_mailed;
use crate::flows::notify::tell::queued;
use crate::flows::{Ctx, Fault, Stop};
use crate::store::Tx;
use crate::store::deliveries::{Channel, Delivery};

/// `once`: not again while this text stands.
pub async fn tell_person(
    ctx: &Ctx,
    tx: &Tx<'_>,
    to: PersonId,
    kind: NoticeKind,
    once: Option<&str>,
) -> Result<(), Fault> {
    let body = json!({"event": kind.name(), "enterprise": ctx.realm.name.zh});
    queue(ctx, tx, &of_person(ctx, to, kind), once, body).await
}

/// The same to every phone and the e-mail address: one of them may be somebody else's by now. `link`:
/// where whoever reads it can stop what was begun.
pub async fn warn_person(
    ctx: &Ctx,
    tx: &Tx<'_>,
    to: PersonId,
    kind: NoticeKind,
    link: Option<&str>,
) -> Result<(), Fault> {
    let name = &ctx.realm.name.zh;
    let body = json!({
        "event": kind.name(), "enterprise": name, "every_phone": true, "link": link,
    });
    queue(ctx, tx, &of_person(ctx, to, kind), None, body).await
}

/// What the bureau has decided of an application; `code`: the one that it was given, which stands in the
/// text message where an enterprise's name would.
pub async fn tell_decided(
    ctx: &Ctx,
    tx: &Tx<'_>,
    to: PersonId,
    kind: NoticeKind,
    code: Option<&str>,
) -> Result<(), Fault> {
    let name = code.unwrap_or(&ctx.realm.name.zh);
    let body = json!({"event": kind.name(), "enterprise": name, "code": code});
    queue(ctx, tx, &of_person(ctx, to, kind), None, body).await
}

fn of_person(ctx: &Ctx, to: PersonId, kind: NoticeKind) -> Notice {
    Notice { to, kind, relation: None, at: ctx.now(), is_read: false }
}

/// Keeps a notice and, when it is new, queues the same as a text message; whoever has no phone has
/// the message centre. `enterprise`: its name, or the bureau's where it is about the person alone,
/// since carriers take no empty text.
pub async fn keep(
    ctx: &Ctx,
    tx: &Tx<'_>,
    notice: &Notice,
    once: Option<&str>,
    enterprise: &str,
) -> Result<(), Fault> {
    let body = json!({"event": notice.kind.name(), "enterprise": enterprise});
    queue(ctx, tx, notice, once, body).await
}

async fn queue(
    ctx: &Ctx,
    tx: &Tx<'_>,
    notice: &Notice,
    once: Option<&str>,
    body: Value,
) -> Result<(), Fault> {
    let id = ctx.new_row_id();
    let once = once.map_or_else(|| id.to_string(), str::to_owned);
    if !tx.rows().notices().add(id, notice, &once).await? {
        return Ok(());
    }
    let mut going = Vec::new();
    for message in messages(ctx, notice, &body) {
        if has_room(ctx, tx, notice, message.channel).await? {
            going.push(message);
        }
    }
    tx.rows().deliveries().add_all(&going).await?;
    Ok(())
}

/// What strangers cause goes out as far as the realm has room for it; counted, apart from codes, which strangers
/// with wrong codes would else take from those who register. Beyond it there is the message centre.
async fn has_room(
    ctx: &Ctx,
    tx: &Tx<'_>,
    notice: &Notice,
    channel: Channel,
) -> Result<bool, Fault> {
    if notice.kind.class() != NoticeClass::Stranger {
        return Ok(true);
    }
    if !is_reached_by(tx, notice.to, channel).await? {
        return Ok(false);
    }
    let limits = limits::of_realm(ctx, &format!("{}-notice", channel.name()), true);
    let each = limits.each_ref().map(|(limit, seconds)| (limit, *seconds));
    match limits::take_each(ctx, &each).await {
        Ok(()) => Ok(true),
        Err(Stop::Fault(fault)) if !fault.is_want_of_room() => Err(fault),
        Err(_) => Ok(false),
    }
}

/// Whether this person has such an address.
async fn is_reached_by(tx: &Tx<'_>, person: PersonId, channel: Channel) -> Result<bool, Fault> {
    let (accounts, people) = (tx.rows().accounts(), tx.rows().people());
    if channel == Channel::Email {
        return Ok(people.find(person).await?.is_some_and(|person| person.email.is_some()));
    }
    let Some(account) = accounts.find_by_person(person).await? else { return Ok(false) };
    Ok(!accounts.phones(account.id).await?.is_empty())
}

/// The same as a text message and by e-mail, as far as it is sent: for who keeps many notices.
/// `enterprise`: as for [`keep`].
pub fn letters(ctx: &Ctx, notice: &Notice, enterprise: &str) -> Vec<Delivery> {
    messages(ctx, notice, &json!({"event": notice.kind.name(), "enterprise": enterprise}))
}

fn messages(ctx: &Ctx, notice: &Notice, body: &Value) -> Vec<Delivery> {
    let is_texted = notice.kind.class() != NoticeClass::Relation || ctx.realm.sms.notices;
    let is_mailed =
        is_mailed(notice.kind) && ctx.services.outbound.mails(ctx.realm.email.is_some());
    let ways = [(Channel::Sms, is_texted), (Channel::Email, is_mailed)].into_iter();
    let ways = ways.filter_map(|(channel, is_wanted)| is_wanted.then_some(channel));
    // Thousands that an import tells of their relations do not go before a warning.
    let goes_first = notice.kind.class() == NoticeClass::Own;
    let message = |channel| Delivery { goes_first, ..queued(ctx, "", channel, notice.to, body) };
    ways.map(message).collect()
}
