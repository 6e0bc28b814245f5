//! The phones of somebody who is signed in (PC-09 to PC-14): which is the default, and the change of one
//! in two steps within ten minutes, a code on a phone that they have, then one on the new number. Whoever
//! has none shows their face instead of the first. A step that was not taken opens no other.

use serde::{Deserialize, Serialize};

use crate::base::clock::Timestamp;
use crate::base::id::AccountId;
use crate::base::secret::Hashed;
use crate::domain::factor::Factor;
use crate::domain::login::{Errand, LoginTransaction, Then};
use crate::domain::notice::NoticeKind;
use crate::domain::number::phone::Phone;
use crate::domain::person::PhoneBinding;
use crate::domain::proof::Question;
use crate::domain::refusal::Refusal;
use crate::domain::session::Session;
use crate::ephemeral::Slot;
use crate::flows::centre::contact::nothing_waits;
use crate::flows::centre::sent::{Sent, send};
use crate::flows::sign_in::factor::change::{check_proved, tell};
use crate::flows::sign_in::factor::code::{self, Destination};
use crate::flows::sign_in::factor::tries::{self, Try};
use crate::flows::sign_in::{session, step_up, transaction};
use crate::flows::{Ctx, Fault, Stop, people};
use crate::store::Tx;

/// From the first step to the last.
const CHANGE_SECONDS: i64 = 600;
const PURPOSE: &str = "phone";

/// One at a time for each session: another takes its place.
const CHANGE: Slot<Change> = Slot::new("phone-change");
/// The kind under which changes are used up.
const CHANGE_KIND: &str = "phone-change";

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Change {
    pub id: String,
    /// The number that goes, as E.164 has it; `None`: another is added.
    replaces: Option<String>,
    expires_at: Timestamp,
    pub stage: Stage,
}

impl Change {
    /// Uses it up for the phone that it ends in: of two tabs one binds it.
    async fn use_up(&self, tx: &Tx<'_>) -> Result<(), Stop> {
        match tx.use_up(CHANGE_KIND, &self.id, self.expires_at).await? {
            true => Ok(()),
            false => Err(Refusal::State.into()),
        }
    }

    /// The number that goes; `None`: another is added.
    pub fn replaced(&self) -> Option<Phone> {
        self.replaces.as_deref().and_then(|text| Phone::kept(text).ok())
    }
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// A code on a phone that the person has, or their face.
    Existing,
    /// It is them: the new number is asked.
    New,
    /// A code is on its way to it.
    Sent(Sent),
}

/// What a page calls a phone: says nothing of the number, and means something to one session.
pub fn handle(session: &Session, phone: &Phone) -> String {
    Hashed::of(&format!("phone/{}/{}", session.id, phone.as_str())).to_text()
}

async fn of_handle(ctx: &Ctx, session: &Session, text: &str) -> Result<PhoneBinding, Stop> {
    let phones = ctx.rows().accounts().phones(session.account).await?;
    let found = phones.into_iter().find(|one| handle(session, &one.phone) == text);
    Ok(found.ok_or(Refusal::State)?)
}

/// `E_PROTECTED`: the default, also where it is the only one (PC-10, PC-11).
pub async fn remove(ctx: &Ctx, session: &Session, handle: &str) -> Result<(), Stop> {
    check_proved(ctx, session)?;
    let phone = of_handle(ctx, session, handle).await?.phone;
    let (tx, _) = session::begin(ctx, session).await?;
    if !people::remove_phone(&tx, session.account, &phone).await? {
        return Err(Refusal::Protected.into());
    }
    tell(ctx, &tx, session, NoticeKind::PhoneChanged).await?;
    Ok(tx.commit().await?)
}

pub async fn set_default(ctx: &Ctx, session: &Session, handle: &str) -> Result<(), Stop> {
    check_proved(ctx, session)?;
    let known = of_handle(ctx, session, handle).await?;
    if known.is_default {
        return Ok(());
    }
    let (tx, _) = session::begin(ctx, session).await?;
    if !people::set_default_phone(&tx, session.account, &known.phone).await? {
        return Err(Refusal::State.into());
    }
    tell(ctx, &tx, session, NoticeKind::PhoneChanged).await?;
    Ok(tx.commit().await?)
}

/// The change that this session has begun and not ended.
pub async fn current(ctx: &Ctx, session: &Session) -> Result<Option<Change>, Fault> {
    let change = ctx.ephemeral().get(&CHANGE, &session.id.to_string()).await?;
    Ok(change.filter(|change| change.expires_at > ctx.now()))
}

/// `handle`: of the phone that is to go; empty where one is added. `E_STATE`: there are as many as may be.
pub async fn begin(ctx: &Ctx, session: &Session, handle: &str) -> Result<Change, Stop> {
    let replaces = match handle {
        "" => None,
        handle => Some(of_handle(ctx, session, handle).await?.phone.as_str().to_owned()),
    };
    let n_phones = ctx.rows().accounts().phones(session.account).await?.len();
    if replaces.is_none() && n_phones >= PhoneBinding::MOST {
        return Err(Refusal::State.into());
    }
    let change = Change {
        id: ctx.random().short_token(),
        replaces,
        expires_at: ctx.now().plus(CHANGE_SECONDS),
        stage: Stage::Existing,
    };
    ctx.ephemeral().put(&CHANGE, &session.id.to_string(), &change, CHANGE_SECONDS).await?;
    Ok(change)
}

/// The person turned back.
pub async fn abandon(ctx: &Ctx, session: &Session, id: &str) -> Result<(), Stop> {
    at(ctx, session, id).await?;
    Ok(ctx.ephemeral().forget(&CHANGE, &session.id.to_string()).await?)
}

/// The one that a form was about, as far as its page was. `E_STATE`: another has been begun since, or it
/// has gone on.
async fn at(ctx: &Ctx, session: &Session, id: &str) -> Result<Change, Stop> {
    let change = current(ctx, session).await?.filter(|change| change.id == id);
    Ok(change.ok_or(Refusal::State)?)
}

async fn advance(ctx: &Ctx, session: &Session, from: &Change, stage: Stage) -> Result<(), Stop> {
    let to = Change { stage, ..from.clone() };
    match ctx.ephemeral().swap(&CHANGE, &session.id.to_string(), from, &to).await? {
        true => Ok(()),
        false => Err(Refusal::State.into()),
    }
}

fn question(session: &Session, change: &Change) -> Question {
    Question {
        transaction: format!("phone/{}", change.id),
        turn: 0,
        person: session.person,
        account: session.account,
        factor: Factor::Sms,
    }
}

/// Whether a code for the first step is on its way.
pub async fn is_sent(ctx: &Ctx, session: &Session, change: &Change) -> Result<bool, Fault> {
    code::is_sent(ctx, &question(session, change)).await
}

/// To the default phone.
pub async fn send_to_existing(ctx: &Ctx, session: &Session, id: &str) -> Result<(), Stop> {
    let change = at(ctx, session, id).await?;
    if change.stage != Stage::Existing {
        return Err(Refusal::State.into());
    }
    let question = question(session, &change);
    Try::check_open(ctx, &question).await?;
    code::send(ctx, &question).await
}

pub async fn verify_existing(
    ctx: &Ctx,
    session: &Session,
    id: &str,
    typed: &str,
) -> Result<(), Stop> {
    let change = at(ctx, session, id).await?;
    if change.stage != Stage::Existing {
        return Err(Refusal::State.into());
    }
    let question = question(session, &change);
    match Stop::refusal(code::verify(ctx, &question, typed).await)? {
        Ok(_) => {}
        Err(refusal) => {
            tries::failed_within(ctx, session, &question, &refusal).await?;
            return Err(refusal.into());
        }
    }
    advance(ctx, session, &change, Stage::New).await?;
    code::forget(ctx, &question).await;
    Ok(())
}

/// The face that stands in for the first code of somebody without a phone. `E_OFFLINE_ONLY`: the realm
/// looks at none.
pub async fn begin_face(
    ctx: &Ctx,
    session: &Session,
    change: &Change,
    back: &str,
) -> Result<LoginTransaction, Stop> {
    let has_phone = !ctx.rows().accounts().phones(session.account).await?.is_empty();
    if has_phone || change.stage != Stage::Existing {
        return Err(Refusal::State.into());
    }
    let errand = Errand::FirstPhone(change.id.clone());
    let begun = step_up::begin(ctx, session, errand, Then::Page(back.to_owned())).await?;
    Ok(begun.ok_or(Refusal::OfflineOnly)?)
}

/// It was passed: the new number is asked.
pub async fn face_passed(ctx: &Ctx, transaction: &LoginTransaction) -> Result<(), Stop> {
    let (Some(Errand::FirstPhone(id)), Some(proved)) = (transaction.errand(), transaction.proved())
    else {
        return Err(Refusal::State.into());
    };
    proved.second.passed().ok_or(Refusal::State)?;
    let session = step_up::session_within(ctx, transaction).await?;
    let change = at(ctx, &session, id).await?;
    // Who has a phone by now has a first step of another kind.
    if change.stage != Stage::Existing
        || !ctx.rows().accounts().phones(session.account).await?.is_empty()
    {
        return Err(Refusal::State.into());
    }
    // The step forward is taken once, and first: a face that led nowhere would be looked at again.
    advance(ctx, &session, &change, Stage::New).await?;
    let tx = ctx.begin().await?;
    transaction::use_up(&tx, transaction).await?;
    tx.commit().await?;
    ctx.forget(&transaction::LOGIN, &transaction.id).await;
    Ok(())
}

/// `E_STATE` before the first step is taken.
pub async fn send_to_new(ctx: &Ctx, session: &Session, id: &str, typed: &str) -> Result<(), Stop> {
    let change = at(ctx, session, id).await?;
    if change.stage == Stage::Existing {
        return Err(Refusal::State.into());
    }
    let phone = Phone::parse(typed).map_err(|_| Refusal::format("phone"))?;
    let phones = ctx.rows().accounts().phones(session.account).await?;
    if phones.iter().any(|one| one.phone == phone) {
        return Err(Refusal::format("own_phone").into());
    }
    let sent = send(ctx, session, PURPOSE, &Destination::Phone(phone)).await?;
    advance(ctx, session, &change, Stage::Sent(sent)).await
}

/// The new number is bound, in place of the one that goes, and whoever had it loses it.
pub async fn verify_new(ctx: &Ctx, session: &Session, id: &str, typed: &str) -> Result<(), Stop> {
    let change = at(ctx, session, id).await?;
    let Stage::Sent(sent) = &change.stage else {
        return Err(match change.stage {
            Stage::New => nothing_waits(typed),
            _ => Refusal::State,
        }
        .into());
    };
    sent.check(ctx, session, PURPOSE, typed).await?;
    let phone = Phone::parse(&sent.to).map_err(|_| Refusal::State)?;
    let tx = ctx.begin().await?;
    change.use_up(&tx).await?;
    let accounts = tx.rows().accounts();
    // With whoever has the number, in one order. Two sessions of one person do not count past each other.
    let holder = accounts.find_by_phone(&phone).await?.map(|holder| holder.id);
    let held: Vec<AccountId> = holder.into_iter().chain([session.account]).collect();
    accounts.hold(&held).await?;
    session::hold(&tx, session.id, session.account).await?;
    let phones = accounts.phones(session.account).await?;
    let replaced = change.replaced();
    let goes = phones.iter().find(|one| Some(&one.phone) == replaced.as_ref());
    if goes.is_none() && phones.len() >= PhoneBinding::MOST {
        return Err(Refusal::State.into());
    }
    let binding = PhoneBinding {
        account: session.account,
        phone,
        is_default: goes.is_some_and(|one| one.is_default),
        verified_at: ctx.now(),
    };
    if !people::bind_phone(ctx, &tx, &binding).await? {
        return Err(Refusal::State.into());
    }
    if let Some(goes) = goes {
        people::remove_phone(&tx, session.account, &goes.phone).await?;
    }
    tell(ctx, &tx, session, NoticeKind::ContactChanged).await?;
    tx.commit().await?;
    ctx.forget_one(&CHANGE, &session.id.to_string(), &change).await;
    Ok(())
}
