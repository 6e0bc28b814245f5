//! A forgotten password (F-01 to F-07): which document, then a code to a phone or a face, then a new
//! password, once. Nothing is looked up while an answer is made: codes go out, and failures are
//! written down, in tasks of their own, and a code to scan asks whose it is when the phone does. So a
//! number that nobody has is answered as any other, and as fast.

use serde::{Deserialize, Serialize};

use crate::base::absent::is_default;
use crate::base::clock::Timestamp;
use crate::base::id::PersonId;
use crate::base::secret::{Hashed, Secret, same};
use crate::domain::audit::AuditEvent;
use crate::domain::factor::{Factor, ScanApp};
use crate::domain::notice::NoticeKind;
use crate::domain::number::code::OneTimeCode;
use crate::domain::number::phone::Phone;
use crate::domain::person::Account;
use crate::domain::refusal::Refusal;
use crate::domain::scan::{Claim, ClaimedFor};
use crate::ephemeral::{EphemeralError, Slot};
use crate::flows::aside::aside;
use crate::flows::notify::person::tell_person;
use crate::flows::self_help::document::{Document, count_start};
use crate::flows::self_help::progress::{Begun, Journey, STEP_SECONDS};
use crate::flows::sign_in::factor::code::{Cause, Destination, send_to};
use crate::flows::sign_in::guesses::{Budget, Lock};
use crate::flows::sign_in::log::{is_told_of, unsigned};
use crate::flows::sign_in::password::{self, NewPassword};
use crate::flows::sign_in::scan::claim;
use crate::flows::sign_in::scan::code::Current;
use crate::flows::sign_in::session;
use crate::flows::{Ctx, Fault, Stop};

/// Its name in the sign-in log.
pub const WAY: &str = "forgot_password";

/// Wrong answers to one code; then it is void (E-11).
const MAX_TRIES: u32 = 5;
/// The person hears of it from here on, from wherever and for whatever phone they were typed, once a day.
const TOLD_AT: u32 = 3;
const DAY: i64 = 86_400;

/// How far somebody has come.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Forgotten {
    pub document: Document,
    /// The sign-in that they came from, and go back to.
    pub from: String,
    pub step: Step,
    /// The account's when the code went out, or the face was shown: a password that was set since is not replaced
    /// by it.
    #[serde(default, skip_serializing_if = "is_default")]
    era: i64,
    /// By whose code it was proved: it has to be theirs to the end.
    #[serde(default, skip_serializing_if = "is_default")]
    by: Option<String>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// To be proved.
    Named,
    /// A code was asked for to this phone, which may or may not be theirs.
    Asked {
        phone: String,
        at: Timestamp,
        /// Which code of the journey it is.
        nth: u32,
    },
    /// By this factor.
    Proved(Factor),
}

pub const FORGOTTEN: Journey<Forgotten> = Journey::new("forgotten", STEP_SECONDS);

/// A code on its way, bound to journey and phone; only there if the phone is the person's.
const CODE: Slot<String> = Slot::new("forgotten-code");
/// Of whose account it is: the era in which it went out. Beside the code, and not in the journey, which is the same
/// whoever has the phone.
const ERA: Slot<i64> = Slot::new("forgotten-era");
/// Seconds that it is kept beyond the code's, which is kept after it: no code is without one.
const ERA_LONGER: i64 = 60;

/// Step 1: which document (F-02).
pub async fn start(ctx: &Ctx, begun: &Begun, document: Document, from: &str) -> Result<(), Stop> {
    count_start(ctx, WAY, &document).await?;
    let first = Forgotten { document, from: from.to_owned(), step: Step::Named, era: 0, by: None };
    Ok(FORGOTTEN.begin(ctx, begun, &first).await?)
}

/// Step 2a: a code to the phone that was typed, if it is the person's (F-03). The same answer either way.
pub async fn send(
    ctx: &Ctx,
    begun: &Begun,
    at: &Forgotten,
    typed: &str,
) -> Result<Forgotten, Stop> {
    let phone = Phone::asked(typed).map_err(|_| Refusal::format("phone"))?;
    let nth = match &at.step {
        Step::Named => 1,
        Step::Asked { nth, .. } => nth + 1,
        Step::Proved(_) => return Err(Refusal::State.into()),
    };
    let pause = format!("forgotten-pause/{}", at.document.counted_as(ctx));
    let pause = format!("{pause}/{}", ctx.place());
    let (n_now, retry_after) = ctx.ephemeral().count(&pause, ctx.realm.sms.limits.pause).await?;
    if n_now > 1 {
        return Err(Refusal::OtpRate { retry_after }.into());
    }
    ctx.ephemeral().forget(&CODE, begun.key()).await?;
    let step = Step::Asked { phone: phone.as_str().to_owned(), at: ctx.now(), nth };
    let next = Forgotten { step, ..at.clone() };
    FORGOTTEN.go(ctx, begun, at, &next).await?;
    let (ctx, begun, document) = (ctx.clone(), begun.clone(), at.document.clone());
    aside(async move { send_aside(&ctx, &begun, nth, &document, phone).await });
    Ok(next)
}

async fn send_aside(
    ctx: &Ctx,
    begun: &Begun,
    nth: u32,
    document: &Document,
    phone: Phone,
) -> Result<(), Stop> {
    let Some(owner) = owner(ctx, document, &phone).await? else { return Ok(()) };
    let lifetime = ctx.realm.sms.lifetime;
    ctx.ephemeral().put(&ERA, begun.key(), &owner.era, lifetime + ERA_LONGER).await?;
    let to = Destination::Phone(phone);
    let code = send_to(ctx, Cause::Stranger(Some(owner.person)), &to).await?;
    let sent = bind(begun, nth, &to.text(), &code);
    Ok(ctx.ephemeral().put(&CODE, begun.key(), &sent, lifetime).await?)
}

/// The account of whoever holds the document, if this phone is theirs.
async fn owner(ctx: &Ctx, document: &Document, phone: &Phone) -> Result<Option<Account>, Fault> {
    let Some(person) = claim::holder(ctx, document.parsed(ctx).as_ref()).await? else {
        return Ok(None);
    };
    let owner = ctx.rows().accounts().find_by_phone(phone).await?;
    Ok(owner.filter(|owner| owner.person == person && owner.is_live()))
}

/// A code fits one journey, the last time it was asked for, and one phone.
fn bind(begun: &Begun, nth: u32, phone: &str, code: &Secret) -> String {
    Hashed::of(&format!("{}\n{nth}\n{phone}\n{}", begun.key(), code.expose())).to_text()
}

/// Step 2a, its end. Wrong codes are counted for the number with the phone that was typed, whether or not
/// anybody has them: here, where they lock. So whoever does not know the phone guesses at nothing, and nobody
/// shuts another place: guesses are as few as the codes that a phone is sent, and five at each. `E_OTP_RATE`,
/// `E_OTP`, `E_OTP_EXPIRED`.
pub async fn verify(
    ctx: &Ctx,
    begun: &Begun,
    at: &Forgotten,
    typed: &str,
) -> Result<Forgotten, Stop> {
    let Step::Asked { phone, at: asked_at, nth } = &at.step else {
        return Err(Refusal::State.into());
    };
    let code = OneTimeCode::parse(typed).map_err(|_| Refusal::format("code"))?;
    let tries = format!("forgotten-tries/{}/{nth}", begun.key());
    let is_old = ctx.now().since(*asked_at) > ctx.realm.sms.lifetime;
    if is_old || ctx.ephemeral().counted(&tries).await? >= MAX_TRIES {
        return Err(Refusal::OtpExpired.into());
    }
    let here = guesses(ctx, &at.document, phone);
    take(ctx, &here).await?;
    let (n_tries, _) = ctx.ephemeral().count(&tries, ctx.realm.sms.lifetime).await?;
    let sent = ctx.ephemeral().get(&CODE, begun.key()).await?.unwrap_or_default();
    let given = bind(begun, *nth, phone, code.secret());
    if n_tries > MAX_TRIES || !same(given.as_bytes(), sent.as_bytes()) {
        failed(ctx, &at.document, &here, Factor::Sms, &Refusal::Otp).await?;
        return Err(Refusal::Otp.into());
    }
    here.forget(ctx).await?;
    // A number that was taken over since is somebody else's, and so is what was sent there; what went out before the
    // account's sign-ins were ended is over.
    let sent_to = Phone::kept(phone).map_err(|_| Refusal::State)?;
    let owner = owner(ctx, &at.document, &sent_to).await?.ok_or(Refusal::OtpExpired)?;
    // An earlier release does not keep it.
    let era = ctx.ephemeral().get(&ERA, begun.key()).await?.unwrap_or(owner.era);
    if era != owner.era {
        return Err(Refusal::OtpExpired.into());
    }
    let step = Step::Proved(Factor::Sms);
    let next = Forgotten { step, era, by: Some(phone.clone()), ..at.clone() };
    FORGOTTEN.go(ctx, begun, at, &next).await?;
    ctx.forget(&CODE, begun.key()).await;
    Ok(next)
}

/// Guesses from here at codes for one number that one phone was sent, or would be.
fn guesses(ctx: &Ctx, document: &Document, phone: &str) -> Budget {
    let name = Hashed::of(&format!("{}\n{phone}", document.counted_as(ctx))).to_text();
    let (name, policy) = (format!("forgotten/{name}/{}", ctx.place()), ctx.realm.lockout.clone());
    Budget { lock: Lock::Forgotten, name, policy }
}

async fn take(ctx: &Ctx, here: &Budget) -> Result<(), Stop> {
    match Stop::refusal(here.take(ctx).await)? {
        Ok(_) => Ok(()),
        Err(Refusal::Locked { retry_after }) => Err(Refusal::OtpRate { retry_after }.into()),
        Err(refusal) => Err(refusal.into()),
    }
}

/// One more wrong one of the day about this person, from all places together; whether they hear of it. Counted by
/// the person and aside, so that numbers and phones that are made up leave nothing for a day. Where there is no
/// room for it they hear of it at once.
async fn is_worth_telling(ctx: &Ctx, person: PersonId) -> Result<bool, Fault> {
    match ctx.ephemeral().count(&format!("forgotten-wrong/{person}"), DAY).await {
        Ok((n_wrong, _)) => Ok(n_wrong >= TOLD_AT),
        Err(EphemeralError::Full(_)) => Ok(true),
        Err(error) => Err(error.into()),
    }
}

/// A wrong code: counted already; written down, and told, aside.
async fn failed(
    ctx: &Ctx,
    document: &Document,
    here: &Budget,
    factor: Factor,
    refusal: &Refusal,
) -> Result<(), Stop> {
    here.has_locked(ctx).await?;
    let (ctx, document, code) = (ctx.clone(), document.clone(), refusal.code().to_owned());
    aside(async move {
        let person = claim::holder(&ctx, document.parsed(&ctx).as_ref()).await?;
        let is_told = match person {
            Some(person) => is_worth_telling(&ctx, person).await?,
            None => false,
        };
        if !is_told_of(&ctx).await? {
            return Ok(());
        }
        let tx = ctx.begin().await?;
        let line = unsigned(&ctx, person, WAY, &code);
        tx.rows().records().add_attempt(ctx.new_row_id(), &line).await?;
        if let Some(person) = person {
            let factor = factor.name().to_owned();
            tx.note(AuditEvent::RecoveryFailed { person, what: WAY.to_owned(), factor, code });
            if is_told {
                let once = format!("forgotten/{person}/{}", ctx.now().day());
                let kind = NoticeKind::RecoveryFailed;
                tell_person(&ctx, &tx, person, kind, Some(&once)).await?;
            }
        }
        Ok(tx.commit().await?)
    });
    Ok(())
}

/// Step 2b: the code that either app may scan (F-04).
pub async fn code(ctx: &Ctx, begun: &Begun, at: &Forgotten, app: ScanApp) -> Result<Current, Stop> {
    Ok(claim::show(ctx, begun.key(), app, claim_of(&at.document)).await?)
}

fn claim_of(document: &Document) -> Claim {
    Claim {
        to: ClaimedFor::Password,
        kind: document.kind,
        number: document.number.clone(),
        name: None,
    }
}

/// Step 2b, its end: the phone has said that it is so.
pub async fn scanned(
    ctx: &Ctx,
    begun: &Begun,
    at: &Forgotten,
    (id, verifier): (&str, &str),
) -> Result<Forgotten, Stop> {
    if matches!(at.step, Step::Proved(_)) {
        return Err(Refusal::State.into());
    }
    let proved = claim::take(ctx, begun.key(), id, verifier).await?;
    if proved.claim != claim_of(&at.document) {
        return Err(Refusal::State.into());
    }
    let era = match proved.era {
        Some(era) => era,
        None => account(ctx, at).await?.era,
    };
    let step = Step::Proved(proved.app.factor());
    let next = Forgotten { step, era, by: None, ..at.clone() };
    FORGOTTEN.go(ctx, begun, at, &next).await?;
    Ok(next)
}

/// Step 3: the new password, once (F-05, F-06).
pub async fn set(
    ctx: &Ctx,
    begun: &Begun,
    at: &Forgotten,
    new: &Secret,
    repeated: &Secret,
) -> Result<(), Stop> {
    let Step::Proved(factor) = at.step else { return Err(Refusal::State.into()) };
    let account = account(ctx, at).await?;
    if account.era != at.era {
        return Err(Refusal::State.into());
    }
    let person = account.person;
    let new = NewPassword::check(ctx, &account, new, repeated).await?;
    let tx = ctx.begin().await?;
    FORGOTTEN.use_up(&tx, begun).await?;
    let account = session::hold_in_era(&tx, account.id, at.era).await?;
    if let Some(by) = &at.by {
        let phones = tx.rows().accounts().phones(account.id).await?;
        if !phones.iter().any(|one| one.phone.as_str() == by) {
            return Err(Refusal::State.into());
        }
    }
    password::change(ctx, &tx, &account, &new, None).await?;
    let line = unsigned(ctx, Some(person), WAY, "ok");
    tx.rows().records().add_attempt(ctx.new_row_id(), &line).await?;
    let factor = factor.name().to_owned();
    tx.note(AuditEvent::Recovered { person, what: WAY.to_owned(), factor });
    tx.commit().await?;
    FORGOTTEN.forget(ctx, begun).await;
    Ok(())
}

async fn account(ctx: &Ctx, at: &Forgotten) -> Result<Account, Stop> {
    let person = claim::holder(ctx, at.document.parsed(ctx).as_ref()).await?;
    let person = person.ok_or(Refusal::State)?;
    Ok(ctx.rows().accounts().find_by_person(person).await?.ok_or(Refusal::State)?)
}
