//! How a person is reached and named, by themself (PC-17, AC-42): an e-mail address by a code that is
//! sent to it, a postal address by its text, the username once a year. An e-mail address gets codes from
//! then on and a username leads in, so whoever changes one has just proved a second factor, and hears of
//! it. Phones are in `phones`.

use crate::base::clock::{Day, Timestamp};
use crate::domain::notice::NoticeKind;
use crate::domain::number::address::PostalAddress;
use crate::domain::number::code::OneTimeCode;
use crate::domain::number::email::EmailAddress;
use crate::domain::number::username::Username;
use crate::domain::refusal::Refusal;
use crate::domain::session::Session;
use crate::ephemeral::Slot;
use crate::flows::centre::sent::{Sent, send};
use crate::flows::sign_in::factor::change::{check_proved, tell};
use crate::flows::sign_in::factor::code::Destination;
use crate::flows::sign_in::session;
use crate::flows::{Ctx, Fault, Stop, people};
use crate::store::StoreError;

/// One at a time for each session.
const EMAIL: Slot<Sent> = Slot::new("contact");
const PURPOSE: &str = "email";

fn address(text: &str) -> Result<EmailAddress, Refusal> {
    EmailAddress::parse(text).map_err(|_| Refusal::format("email"))
}

/// The e-mail address that waits for its code, as it was typed.
pub async fn awaited_email(ctx: &Ctx, session: &Session) -> Result<Option<String>, Fault> {
    let sent = ctx.ephemeral().get(&EMAIL, &session.id.to_string()).await?;
    Ok(sent.map(|sent| sent.to))
}

pub async fn send_to_email(ctx: &Ctx, session: &Session, text: &str) -> Result<(), Stop> {
    check_proved(ctx, session)?;
    let to = Destination::Email(address(text)?);
    let sent = send(ctx, session, PURPOSE, &to).await?;
    let (key, seconds) = (session.id.to_string(), ctx.realm.sms.lifetime);
    Ok(ctx.ephemeral().put(&EMAIL, &key, &sent, seconds).await?)
}

pub async fn change_email(ctx: &Ctx, session: &Session, code: &str) -> Result<(), Stop> {
    check_proved(ctx, session)?;
    let key = session.id.to_string();
    // What is no code is said first, whatever waits.
    let Some(sent) = ctx.ephemeral().get(&EMAIL, &key).await? else {
        return Err(nothing_waits(code).into());
    };
    sent.check(ctx, session, PURPOSE, code).await?;
    let (tx, _) = session::begin(ctx, session).await?;
    sent.use_up(&tx).await?;
    people::change_email(ctx, &tx, session.person, &address(&sent.to)?).await?;
    tell(ctx, &tx, session, NoticeKind::ContactChanged).await?;
    tx.commit().await?;
    ctx.forget_one(&EMAIL, &key, &sent).await;
    Ok(())
}

/// Of a code for which nothing waits: it has no form, or it came too late.
pub fn nothing_waits(code: &str) -> Refusal {
    match OneTimeCode::parse(code) {
        Ok(_) => Refusal::OtpExpired,
        Err(_) => Refusal::format("code"),
    }
}

/// A postal address is only a text.
pub async fn save_address(ctx: &Ctx, session: &Session, text: &str) -> Result<(), Stop> {
    let address = PostalAddress::parse(text).map_err(|_| Refusal::format("address"))?;
    let (tx, _) = session::begin(ctx, session).await?;
    people::change_address(&tx, session.person, &address).await?;
    Ok(tx.commit().await?)
}

/// From when on the username can be changed; `None`: now (PC-18, DEC-8).
pub async fn username_changes_on(ctx: &Ctx, session: &Session) -> Result<Option<Day>, Fault> {
    let changed_at = ctx.rows().accounts().username_changed_at(session.account).await?;
    let is_this_year = |at: &Timestamp| *at >= ctx.now().start_of_year();
    let changed_at = changed_at.filter(is_this_year);
    Ok(changed_at.and_then(|at| Day::from_ymd(at.day().year() + 1, 1, 1)))
}

/// `E_TAKEN`: somebody else has it; `E_IMMUTABLE`: it was changed this year already. The first is no
/// change, and the same once more is nothing.
pub async fn change_username(ctx: &Ctx, session: &Session, text: &str) -> Result<(), Stop> {
    check_proved(ctx, session)?;
    let new = Username::choose(text, ctx.now().day()).map_err(|_| Refusal::format("username"))?;
    let accounts = ctx.rows().accounts();
    let account = accounts.find(session.account).await?.ok_or(Refusal::State)?;
    if account.username.as_ref().is_some_and(|own| own.as_str() == new.as_str()) {
        return Ok(());
    }
    if username_changes_on(ctx, session).await?.is_some() {
        return Err(Refusal::Immutable.into());
    }
    let holder = accounts.find_by_username(&new).await?;
    if holder.is_some_and(|holder| holder.id != account.id) {
        return Err(Refusal::Taken.into());
    }
    let (tx, _) = session::begin(ctx, session).await?;
    match people::change_username(ctx, &tx, &account, &new).await {
        Ok(true) => {}
        Ok(false) => return Err(Refusal::Immutable.into()),
        // Somebody else took it a moment ago.
        Err(Fault::Store(StoreError::Conflict(_))) => return Err(Refusal::Taken.into()),
        Err(fault) => return Err(fault.into()),
    }
    tell(ctx, &tx, session, NoticeKind::UsernameChanged).await?;
    Ok(tx.commit().await?)
}
