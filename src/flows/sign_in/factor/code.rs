//! The second factor by a code that is sent (E-10, E-11, DEC-9): six digits for five minutes, five
//! tries, to the person's default phone or e-mail address within the carriers' limits.

use serde::{Deserialize, Serialize};

use crate::base::clock::Timestamp;
use crate::base::id::PersonId;
use crate::base::secret::{Hashed, Secret, same};
use crate::domain::factor::Factor;
use crate::domain::mask::{self, Viewer};
use crate::domain::number::code::OneTimeCode;
use crate::domain::number::email::EmailAddress;
use crate::domain::number::phone::Phone;
use crate::domain::proof::{Question, Verified};
use crate::domain::refusal::Refusal;
use crate::ephemeral::Slot;
use crate::flows::limits::{self, Limit};
use crate::flows::sign_in::factor::tries::Try;
use crate::flows::sign_in::guesses::is_known_place;
use crate::flows::{Ctx, Fault, Stop};
use crate::outbound::email::{Server, Words};
use crate::outbound::error::SendError;
use crate::outbound::sms::{Gateway, Message};
use crate::realm::file::GatewayKind;
use crate::realm::{MailServer, SmsGateway};

const MAX_TRIES: u32 = 5;

/// How a code reaches the person.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Channel {
    Sms,
    Email,
}

impl Channel {
    fn of(factor: Factor) -> Option<Self> {
        match factor {
            Factor::Sms => Some(Self::Sms),
            Factor::Email => Some(Self::Email),
            Factor::TaxAppScan | Factor::IitAppScan | Factor::Totp | Factor::Passkey => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Sms => "sms",
            Self::Email => "email",
        }
    }
}

/// A code on its way, kept as a hash that also binds question and destination.
#[derive(Clone, Serialize, Deserialize)]
struct Sent {
    hash: String,
    to: String,
    /// Unknown of those that a node of before has sent.
    at: Option<Timestamp>,
}

/// How a code stands that is on its way.
pub struct Standing {
    /// Seconds for which it is still good.
    pub valid_for: i64,
    /// Seconds until another can be asked for.
    pub wait: i64,
    pub tries_left: u32,
}

const CODE: Slot<Sent> = Slot::new("code");

/// Where a code can go.
pub enum Destination {
    Phone(Phone),
    Email(EmailAddress),
}

impl Destination {
    /// The form that counters and codes know it by.
    fn comparable(&self) -> String {
        match self {
            Self::Phone(phone) => phone.as_str().to_owned(),
            Self::Email(email) => email.comparable(),
        }
    }

    /// As it was typed.
    pub fn text(&self) -> String {
        match self {
            Self::Phone(phone) => phone.as_str().to_owned(),
            Self::Email(email) => email.as_str().to_owned(),
        }
    }

    fn channel(&self) -> Channel {
        match self {
            Self::Phone(_) => Channel::Sms,
            Self::Email(_) => Channel::Email,
        }
    }
}

/// Phone or address, masked for its owner; `None` when none is known.
pub async fn masked(ctx: &Ctx, question: &Question) -> Result<Option<String>, Fault> {
    let Some(channel) = Channel::of(question.factor) else { return Ok(None) };
    Ok(destination(ctx, question, channel).await?.map(|to| match to {
        Destination::Phone(phone) => mask::phone(phone.national(), Viewer::Own),
        Destination::Email(email) => mask::email(email.as_str(), Viewer::Own),
    }))
}

async fn destination(
    ctx: &Ctx,
    question: &Question,
    channel: Channel,
) -> Result<Option<Destination>, Fault> {
    let rows = ctx.rows();
    match channel {
        Channel::Sms => {
            let phones = rows.accounts().phones(question.account).await?;
            let default = phones.into_iter().find(|binding| binding.is_default);
            Ok(default.map(|binding| Destination::Phone(binding.phone)))
        }
        Channel::Email => {
            let person = rows.people().find(question.person).await?;
            Ok(person.and_then(|person| person.email).map(Destination::Email))
        }
    }
}

/// The code that is on its way and answers this.
pub async fn standing(ctx: &Ctx, question: &Question) -> Result<Option<Standing>, Fault> {
    let (ephemeral, key) = (ctx.ephemeral(), question.key());
    let Some(sent) = ephemeral.get(&CODE, &key).await? else { return Ok(None) };
    let tries = ephemeral.counted(&format!("otp-tries/{key}")).await?;
    let passed = sent.at.map_or(0, |at| ctx.now().0 - at.0);
    let sms = &ctx.realm.sms;
    Ok(Some(Standing {
        valid_for: (sms.lifetime - passed).max(0),
        wait: (sms.limits.pause - passed).max(0),
        tries_left: MAX_TRIES.saturating_sub(tries),
    }))
}

/// Whether that is where a code would go now.
async fn still_goes_to(ctx: &Ctx, question: &Question, to: &str) -> Result<bool, Fault> {
    let Some(channel) = Channel::of(question.factor) else { return Ok(false) };
    let now = destination(ctx, question, channel).await?;
    Ok(now.is_some_and(|now| now.comparable() == to))
}

/// Whether a code is on its way that answers this.
pub async fn is_sent(ctx: &Ctx, question: &Question) -> Result<bool, Fault> {
    let sent = ctx.ephemeral().get(&CODE, &question.key()).await?;
    Ok(sent.is_some())
}

/// Sends a code. A send that fails burns neither the code before it nor the person's limits.
pub async fn send(ctx: &Ctx, question: &Question) -> Result<(), Stop> {
    let channel = Channel::of(question.factor).ok_or(Refusal::State)?;
    let Some(to) = destination(ctx, question, channel).await? else {
        return Err(match channel {
            Channel::Sms => Refusal::NoPhone,
            Channel::Email => Refusal::NoEmail,
        }
        .into());
    };
    let code = send_to(ctx, Cause::Own(question.person), &to).await?;
    let (to, key) = (to.comparable(), question.key());
    let sent = Sent { hash: bind(question, &to, &code), to, at: Some(ctx.now()) };
    let ephemeral = ctx.ephemeral();
    ephemeral.put(&CODE, &key, &sent, ctx.realm.sms.lifetime).await?;
    ephemeral.reset(&format!("otp-tries/{key}")).await?;
    Ok(())
}

/// Who causes a code, which decides what it is counted with: what strangers cause takes nothing of what
/// the holder signs in by, neither of their hour and day nor of the realm's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cause {
    /// A right password, or a session, and it goes to what is bound to its person.
    Own(PersonId),
    /// The same, and it goes to what this person only says is theirs.
    Claimed(PersonId),
    /// Nobody has proved anything. Whose it is, where it goes to what is bound to somebody who is named.
    Stranger(Option<PersonId>),
}

impl Cause {
    fn person(self) -> Option<PersonId> {
        match self {
            Self::Own(person) | Self::Claimed(person) => Some(person),
            Self::Stranger(named) => named,
        }
    }

    /// The counters of one destination, by name, and what it gets of `most`: on somebody's word two fifths.
    /// Who registers with it, who recovers what is bound to it, and each person who says that it is theirs
    /// are apart, so that none of them closes it to the others; and carriers count all together, so that
    /// two of them leave something to the holder.
    fn of_destination(self, name: &str, most: u32) -> (String, u32) {
        let pot = match self {
            Self::Own(_) => return (name.to_owned(), most),
            Self::Claimed(person) => format!("claimed/{name}/{person}"),
            Self::Stranger(Some(_)) => format!("recovery/{name}"),
            Self::Stranger(None) => format!("registration/{name}"),
        };
        (pot, (most.saturating_mul(2) / 5).max(1))
    }
}

/// What such a code is counted with, and the seconds of each: first where it is asked for, last its pause, so
/// that whoever is refused for another of them makes nobody wait. `is_own_place`: a hall of people shares an
/// address, which is counted where it is strange to them.
fn limits_of(
    ctx: &Ctx,
    cause: Cause,
    (kind, name): (&str, &str),
    is_own_place: bool,
) -> Vec<(Limit, i64)> {
    let most = &ctx.realm.sms.limits;
    let limit = |window: &str, (of, most): (String, u32), seconds: i64| {
        (Limit { name: format!("{kind}-{window}/{of}"), most }, seconds)
    };
    let mut limits = Vec::new();
    if !is_own_place {
        let what = format!("{kind}-address");
        let networks = limits::of_networks(ctx, &what, most.per_address_and_hour);
        limits.extend(networks.into_iter().map(|network| (network, 3600)));
    }
    limits.push(limit("hour", cause.of_destination(name, most.per_phone_and_hour), 3600));
    limits.push(limit("day", cause.of_destination(name, most.per_phone_and_day), 86_400));
    limits.extend(limits::of_realm(ctx, kind, matches!(cause, Cause::Stranger(_))));
    let (whose, _) = cause.of_destination(name, 0);
    limits.push(limit("pause", (whose, 1), most.pause));
    limits
}

/// Sends a fresh code within the carriers' limits. A send that fails burns none of them.
pub async fn send_to(ctx: &Ctx, cause: Cause, to: &Destination) -> Result<Secret, Stop> {
    let is_own_place = match cause.person() {
        Some(person) => is_known_place(ctx, person).await?,
        None => false,
    };
    let ephemeral = ctx.ephemeral();
    let (kind, name) = (to.channel().name(), Hashed::of(&to.comparable()).to_text());
    let limits = limits_of(ctx, cause, (kind, &name), is_own_place);
    let each: Vec<(&Limit, i64)> =
        limits.iter().map(|(limit, seconds)| (limit, *seconds)).collect();
    // What does not go out is no code of this person's hour or day.
    limits::take_each(ctx, &each).await?;
    let code = ctx.random().digits(6);
    if let Err(error) = deliver(ctx, to, &code).await {
        tracing::warn!(%error, "The gateway did not accept a code");
        // Who is refused by a carrier waits as if it had gone out.
        let retry_after = ctx.realm.sms.limits.pause;
        let is_limited = matches!(error, SendError::Limited(_));
        let n_kept = usize::from(is_limited);
        for (limit, _) in limits.iter().rev().skip(n_kept) {
            ephemeral.uncount(&limit.name).await?;
        }
        return Err(match is_limited {
            true => Refusal::OtpRate { retry_after },
            false => Refusal::OtpUnavailable,
        }
        .into());
    }
    Ok(code)
}

/// A code that is worth nothing, for an operator who wants to see it arrive; by the gateways in turn.
pub async fn send_trial(ctx: &Ctx, phone: &Phone) -> Result<(), SendError> {
    deliver(ctx, &Destination::Phone(phone.clone()), &Secret::new("000000".to_owned())).await
}

async fn deliver(ctx: &Ctx, to: &Destination, code: &Secret) -> Result<(), SendError> {
    let (outbound, clock) = (&ctx.services.outbound, &ctx.services.clock);
    match to {
        Destination::Phone(phone) => {
            let known = ctx.realm.sms.gateways.iter();
            let gateways: Vec<Gateway<'_>> = known.map(|one| gateway(one, &one.template)).collect();
            let message = Message::Code { code, minutes: ctx.realm.sms.lifetime / 60 };
            let by = (ctx.realm.id.as_str(), gateways.as_slice());
            outbound.send_sms(by, phone, &message, (clock, ctx.random())).await
        }
        Destination::Email(email) => {
            let server = mail_server(ctx);
            let subject = &ctx.realm.name;
            let words = Words {
                subject: format!("{} 验证码 · {} code", subject.zh, subject.en),
                minutes: ctx.realm.sms.lifetime / 60,
            };
            outbound.mail_code(server, &email.deliverable(), code, &words, clock.now()).await
        }
    }
}

/// Where messages leave from; `None`: the demo's inbox.
pub fn mail_server(ctx: &Ctx) -> Option<Server<'_>> {
    let MailServer { url, from, login } = ctx.realm.email.as_ref()?;
    Some(Server { url, from, login: login.as_ref() })
}

/// A word to a phone that nobody can be told at any more. What does not arrive changes nothing.
pub async fn tell_phone(ctx: &Ctx, phone: &Phone, event: &str) {
    let known = ctx.realm.sms.gateways.iter();
    let known =
        known.filter(|one| one.kind == GatewayKind::Webhook || !one.notice_template.is_empty());
    let gateways: Vec<Gateway<'_>> = known.map(|one| gateway(one, &one.notice_template)).collect();
    if gateways.is_empty() && !ctx.realm.sms.gateways.is_empty() {
        return;
    }
    let message = Message::Notice { event, enterprise: &ctx.realm.name.zh, link: None };
    let handed_in = (&ctx.services.clock, ctx.random());
    let by = (ctx.realm.id.as_str(), gateways.as_slice());
    let sent = ctx.services.outbound.send_sms(by, phone, &message, handed_in).await;
    if let Err(error) = sent {
        tracing::warn!(%error, "A last notice did not go out");
    }
}

/// The same to an e-mail address, in these words.
pub async fn tell_address(
    ctx: &Ctx,
    email: &EmailAddress,
    (subject, text): &(String, String),
    event: &str,
) {
    let outbound = &ctx.services.outbound;
    if !outbound.mails(ctx.realm.email.is_some()) {
        return;
    }
    let (server, to) = (mail_server(ctx), email.deliverable());
    let sent = outbound.mail_notice(server, &to, (subject, text), event, ctx.now()).await;
    if let Err(error) = sent {
        tracing::warn!(%error, "A last notice did not go out");
    }
}

/// `template`: which of its texts is sent.
pub fn gateway<'a>(known: &'a SmsGateway, template: &'a str) -> Gateway<'a> {
    let SmsGateway { url, secret, key_id, app_id, sign_name, .. } = known;
    match known.kind {
        GatewayKind::Webhook => Gateway::Webhook { url, secret },
        GatewayKind::Aliyun => Gateway::Aliyun { url, key_id, secret, sign_name, template },
        GatewayKind::Tencent => {
            Gateway::Tencent { url, key_id, secret, app_id, sign_name, template }
        }
    }
}

/// A code fits one question and one destination (security rule 3).
fn bind(question: &Question, to: &str, code: &Secret) -> String {
    Hashed::of(&format!("{}\n{to}\n{}", question.key(), code.expose())).to_text()
}

/// The code was used up by the step forward that it led to.
pub async fn forget(ctx: &Ctx, question: &Question) {
    ctx.forget(&CODE, &question.key()).await;
}

/// Right once; five wrong ones void the code. What is no code costs no try.
pub async fn verify(ctx: &Ctx, question: &Question, code: &str) -> Result<Verified, Stop> {
    let code = OneTimeCode::parse(code).map_err(|_| Refusal::format("code"))?;
    let (ephemeral, key) = (ctx.ephemeral(), question.key());
    let Some(sent) = ephemeral.get(&CODE, &key).await? else {
        return Err(Refusal::OtpExpired.into());
    };
    // What a lock refuses is no try at the code; once it is void nothing is.
    let tries = format!("otp-tries/{key}");
    if ephemeral.counted(&tries).await? >= MAX_TRIES {
        return Err(Refusal::OtpExpired.into());
    }
    let is_right = async {
        let (n_tries, _) = ephemeral.count(&tries, ctx.realm.sms.lifetime).await?;
        if n_tries > MAX_TRIES {
            ctx.forget(&CODE, &key).await;
            return Err(Refusal::OtpExpired.into());
        }
        let typed = bind(question, &sent.to, code.secret());
        let is_right = same(typed.as_bytes(), sent.hash.as_bytes());
        // A number that was taken over since is somebody else's, and so is what was sent there.
        if is_right && !still_goes_to(ctx, question, &sent.to).await? {
            return Err(Refusal::OtpExpired.into());
        }
        Ok(is_right)
    };
    Try::judge(ctx, question, is_right).await
}
