//! A phone in place of a lost one (PH-01 to PH-06): number, password, and a code to the new phone. A
//! password alone must not replace the second factor, so the realm asks for a face after it, or for a
//! day's patience in which whoever is told can stop it (DEC-23); as the guide has it, it is bound at
//! once. What waits is `awaited`'s.

use serde::{Deserialize, Serialize};

use crate::base::absent::is_default;
use crate::base::clock::Timestamp;
use crate::base::id::{AccountId, PersonId};
use crate::base::secret::{Hashed, Secret, same};
use crate::domain::audit::AuditEvent;
use crate::domain::factor::{Factor, ScanApp};
use crate::domain::notice::NoticeKind;
use crate::domain::number::code::OneTimeCode;
use crate::domain::number::phone::Phone;
use crate::domain::person::{Account, PhoneBinding};
use crate::domain::refusal::Refusal;
use crate::domain::scan::{Claim, ClaimedFor};
use crate::ephemeral::Slot;
use crate::flows::notify::person::warn_person;
use crate::flows::round::Round;
use crate::flows::self_help::awaited;
use crate::flows::self_help::document::{Document, count_start_at};
use crate::flows::self_help::progress::{Begun, Journey, STEP_SECONDS};
use crate::flows::sign_in::factor::code::{Cause, Destination, send_to};
use crate::flows::sign_in::guesses::{Budget, Lock};
use crate::flows::sign_in::log::{is_told_of, unsigned};
use crate::flows::sign_in::scan::claim;
use crate::flows::sign_in::scan::code::Current;
use crate::flows::sign_in::throttle::Attempt;
use crate::flows::sign_in::typed::{Credentials, Typed};
use crate::flows::sign_in::{personal_id, session};
use crate::flows::{Ctx, Fault, Stop, people};
use crate::realm::file::PhoneRecovery;
use crate::store::Tx;
use crate::store::awaited_phones::AwaitedPhone;

/// Its name in the sign-in log.
pub const WAY: &str = "recover_phone";

/// Wrong answers to one code; then it is void (E-11).
const MAX_TRIES: u32 = 5;
/// Phones that waited and are bound in one go.
const AT_ONCE: usize = 100;

/// How far somebody has come whose number and password were right.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LostPhone {
    pub document: Document,
    person: PersonId,
    account: AccountId,
    /// The account's when the password was right: a new one makes an end of it.
    #[serde(default, skip_serializing_if = "is_default")]
    era: i64,
    pub phone: String,
    /// The sign-in that they came from, and go back to.
    pub from: String,
    pub step: Step,
    /// When the code came back.
    #[serde(default, skip_serializing_if = "is_default")]
    reached_at: Option<Timestamp>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// A code is on its way to the new phone.
    Sent,
    /// The code was right; a face, or a day, is due.
    Reached,
}

const LOST_PHONE: Journey<LostPhone> = Journey::new("lost-phone", STEP_SECONDS);

const CODE: Slot<String> = Slot::new("lost-phone-code");

/// What the first form holds.
pub struct Form {
    pub document: Document,
    pub password: Secret,
    pub phone: Phone,
    /// What the browser may be known by.
    pub device: Option<Secret>,
    pub from: String,
}

/// Number and password, counted as a sign-in's (PH-03, E-09), then a code to the new phone. Nothing is
/// sent to anybody for somebody who does not know a password. `E_CREDENTIALS` whatever of it was
/// wrong; neither the initial password (PH-04) nor one that the bureau has taken is accepted. `E_STATE`: there
/// are as many phones as may be.
pub async fn begin(ctx: &Ctx, begun: &Begun, form: Form) -> Result<(), Stop> {
    count_start_at(ctx, WAY).await?;
    let account = owner(ctx, &form).await?;
    // Nobody proves a phone, or waits for one, that can never be theirs.
    if is_full(&ctx.rows().accounts().phones(account.id).await?, &form.phone) {
        return Err(Refusal::State.into());
    }
    let to = Destination::Phone(form.phone.clone());
    let code = send_to(ctx, Cause::Claimed(account.person), &to).await?;
    let first = LostPhone {
        document: form.document,
        person: account.person,
        account: account.id,
        era: account.era,
        phone: form.phone.as_str().to_owned(),
        from: form.from,
        step: Step::Sent,
        reached_at: None,
    };
    LOST_PHONE.begin(ctx, begun, &first).await?;
    keep(ctx, begun, &first, &code).await
}

/// Whether an account has as many phones as it may have, and this is none of them.
fn is_full(phones: &[PhoneBinding], phone: &Phone) -> bool {
    phones.len() >= PhoneBinding::MOST && phones.iter().all(|held| held.phone != *phone)
}

/// How far this browser has come; `None` also where the account's sign-ins have been ended since.
pub async fn find(ctx: &Ctx, begun: &Begun) -> Result<Option<LostPhone>, Fault> {
    let Some(at) = LOST_PHONE.find(ctx, begun).await? else { return Ok(None) };
    let account = ctx.rows().accounts().find(at.account).await?;
    Ok(account.is_some_and(|account| account.era == at.era).then_some(at))
}

/// The code once more.
pub async fn send_again(ctx: &Ctx, begun: &Begun, at: &LostPhone) -> Result<(), Stop> {
    if at.step != Step::Sent {
        return Err(Refusal::State.into());
    }
    let to = Destination::Phone(phone(at)?);
    let code = send_to(ctx, Cause::Claimed(at.person), &to).await?;
    keep(ctx, begun, at, &code).await
}

async fn keep(ctx: &Ctx, begun: &Begun, at: &LostPhone, code: &Secret) -> Result<(), Stop> {
    let sent = bind(begun, &at.phone, code);
    ctx.ephemeral().put(&CODE, begun.key(), &sent, ctx.realm.sms.lifetime).await?;
    Ok(ctx.ephemeral().reset(&tries(begun)).await?)
}

fn tries(begun: &Begun) -> String {
    format!("lost-phone-tries/{}", begun.key())
}

/// A code fits one journey and one phone.
fn bind(begun: &Begun, phone: &str, code: &Secret) -> String {
    Hashed::of(&format!("{}\n{phone}\n{}", begun.key(), code.expose())).to_text()
}

fn phone(at: &LostPhone) -> Result<Phone, Refusal> {
    Phone::parse(&at.phone).map_err(|_| Refusal::format("phone"))
}

/// Whose number and password it is.
async fn owner(ctx: &Ctx, form: &Form) -> Result<Account, Stop> {
    let mut found = Vec::new();
    if let Some(person) = claim::holder(ctx, form.document.parsed(ctx).as_ref()).await? {
        found.extend(ctx.rows().accounts().find_by_person(person).await?);
    }
    let typed = Credentials {
        personal_id: form.document.number.clone(),
        device: form.device.clone(),
        ..Credentials::default()
    };
    let known = Typed { account: found.first().cloned(), ..Typed::nobody() };
    let attempt = match Stop::refusal(Attempt::begin(ctx, &typed, &found).await)? {
        Ok(attempt) => attempt,
        Err(refusal) => return not_let_in(ctx, &known, refusal).await,
    };
    // This form has no slider: what it is flooded with holds up no sign-in.
    let queue = attempt.queue().map(|queue| format!("{WAY}/{queue}"));
    let judged = personal_id::owner(ctx, &found, &form.password, queue.as_deref()).await;
    let Ok(Some(owner)) = judged else {
        attempt.not_judged(ctx).await?;
        judged?;
        return Err(Refusal::Busy.into());
    };
    // One that everybody knows, or that the bureau has taken, begins nothing but its successor.
    if let Some(account) = owner.filter(|account| !account.needs_new_password()) {
        // Under a lock a right password is written down as a wrong one is.
        return match Stop::refusal(attempt.right(ctx).await)? {
            Ok(()) => Ok(account),
            Err(refusal) => not_let_in(ctx, &known, refusal).await,
        };
    }
    let refusal = attempt.wrong(ctx, &known).await?;
    not_let_in(ctx, &known, refusal).await
}

/// In the log, of guesses all that budgets have let be judged.
async fn not_let_in(ctx: &Ctx, known: &Typed, refusal: Refusal) -> Result<Account, Stop> {
    if refusal == Refusal::Credentials || is_told_of(ctx).await? {
        log(ctx, known.person(), &refusal).await?;
    }
    Err(refusal.into())
}

async fn log(ctx: &Ctx, person: Option<PersonId>, refusal: &Refusal) -> Result<(), Stop> {
    let tx = ctx.begin().await?;
    let line = unsigned(ctx, person, WAY, refusal.code());
    tx.rows().records().add_attempt(ctx.new_row_id(), &line).await?;
    Ok(tx.commit().await?)
}

/// What a right code leads to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reached {
    /// A face is due, or patience.
    Face,
    /// It is bound.
    Bound,
    /// It will be, in a day; whether anything that they have reaches them to say so.
    Awaited { is_told: bool },
}

/// The code that reached the new phone. `E_OTP`, `E_OTP_EXPIRED`, `E_OTP_RATE`.
pub async fn verify(
    ctx: &Ctx,
    begun: &Begun,
    at: &LostPhone,
    typed: &str,
) -> Result<Reached, Stop> {
    if at.step != Step::Sent {
        return Err(Refusal::State.into());
    }
    let code = OneTimeCode::parse(typed).map_err(|_| Refusal::format("code"))?;
    let Some(sent) = ctx.ephemeral().get(&CODE, begun.key()).await? else {
        return Err(Refusal::OtpExpired.into());
    };
    judge(ctx, begun, at, &sent, code.secret()).await?;
    let reached = match ctx.realm.phone_recovery {
        PhoneRecovery::Scan => {
            let reached_at = Some(ctx.now());
            let next = LostPhone { step: Step::Reached, reached_at, ..at.clone() };
            LOST_PHONE.go(ctx, begun, at, &next).await?;
            Reached::Face
        }
        PhoneRecovery::Delay => Reached::Awaited { is_told: wait(ctx, begun, at).await? },
        PhoneRecovery::Guide => {
            finish(ctx, begun, at, Factor::Sms).await?;
            Reached::Bound
        }
    };
    ctx.forget(&CODE, begun.key()).await;
    Ok(reached)
}

/// Wrong codes are counted for the account, here: whoever has the password does not guess at phones.
async fn judge(
    ctx: &Ctx,
    begun: &Begun,
    at: &LostPhone,
    sent: &str,
    code: &Secret,
) -> Result<(), Stop> {
    let name = format!("lost-phone/{}/{}", at.account, ctx.place());
    let budget = Budget { lock: Lock::LostPhone, name, policy: ctx.realm.lockout.clone() };
    match Stop::refusal(budget.take(ctx).await)? {
        Ok(_) => {}
        Err(Refusal::Locked { retry_after }) => return Err(Refusal::OtpRate { retry_after }.into()),
        Err(refusal) => return Err(refusal.into()),
    }
    let (n_tries, _) = ctx.ephemeral().count(&tries(begun), ctx.realm.sms.lifetime).await?;
    if n_tries > MAX_TRIES {
        budget.give_back(ctx).await?;
        return Err(Refusal::OtpExpired.into());
    }
    let given = bind(begun, &at.phone, code);
    if same(given.as_bytes(), sent.as_bytes()) {
        return Ok(budget.forget(ctx).await?);
    }
    budget.has_locked(ctx).await?;
    log(ctx, Some(at.person), &Refusal::Otp).await?;
    Err(Refusal::Otp.into())
}

/// The code that either app may scan.
pub async fn code(ctx: &Ctx, begun: &Begun, at: &LostPhone, app: ScanApp) -> Result<Current, Stop> {
    Ok(claim::show(ctx, begun.key(), app, claim_of(&at.document)).await?)
}

fn claim_of(document: &Document) -> Claim {
    Claim {
        to: ClaimedFor::Phone,
        kind: document.kind,
        number: document.number.clone(),
        name: None,
    }
}

/// The phone has said that it is the person: the new number is bound.
pub async fn scanned(
    ctx: &Ctx,
    begun: &Begun,
    at: &LostPhone,
    (id, verifier): (&str, &str),
) -> Result<(), Stop> {
    if at.step != Step::Reached {
        return Err(Refusal::State.into());
    }
    let proved = claim::take(ctx, begun.key(), id, verifier).await?;
    if proved.claim != claim_of(&at.document) {
        return Err(Refusal::State.into());
    }
    finish(ctx, begun, at, proved.app.factor()).await
}

/// Whoever can have no face checked waits a day (DEC-15); whether anything reaches them to say so.
pub async fn wait_instead(ctx: &Ctx, begun: &Begun, at: &LostPhone) -> Result<bool, Stop> {
    if at.step != Step::Reached {
        return Err(Refusal::State.into());
    }
    wait(ctx, begun, at).await
}

async fn wait(ctx: &Ctx, begun: &Begun, at: &LostPhone) -> Result<bool, Stop> {
    let tx = ctx.begin().await?;
    LOST_PHONE.use_up(&tx, begun).await?;
    let account = session::hold_in_era(&tx, at.account, at.era).await?;
    let proved = (phone(at)?, at.reached_at.unwrap_or_else(|| ctx.now()));
    let is_told = awaited::begin(ctx, &tx, &account, proved).await?;
    tx.commit().await?;
    LOST_PHONE.forget(ctx, begun).await;
    Ok(is_told)
}

async fn finish(ctx: &Ctx, begun: &Begun, at: &LostPhone, factor: Factor) -> Result<(), Stop> {
    let binding = PhoneBinding {
        account: at.account,
        phone: phone(at)?,
        is_default: false,
        verified_at: at.reached_at.unwrap_or_else(|| ctx.now()),
    };
    let tx = ctx.begin().await?;
    LOST_PHONE.use_up(&tx, begun).await?;
    bind_phone(ctx, &tx, at.person, &binding, factor.name()).await?;
    // After the accounts that a change of hands holds, which are held in one order.
    session::hold_in_era(&tx, at.account, at.era).await?;
    people::drop_awaited_phone(&tx, at.account).await?;
    tx.commit().await?;
    LOST_PHONE.forget(ctx, begun).await;
    Ok(())
}

/// Binds it, with all that is told and written of it (PH-04, PH-06). `how`: a factor, or `delay`. `E_TAKEN`:
/// somebody else has proved it since.
pub async fn bind_phone(
    ctx: &Ctx,
    tx: &Tx<'_>,
    person: PersonId,
    binding: &PhoneBinding,
    how: &str,
) -> Result<(), Stop> {
    let phones = tx.rows().accounts().phones(binding.account).await?;
    if is_full(&phones, &binding.phone) {
        return Err(Refusal::State.into());
    }
    if phones.iter().all(|held| held.phone != binding.phone) {
        let binding = PhoneBinding { is_default: phones.is_empty(), ..binding.clone() };
        if !people::bind_phone(ctx, tx, &binding).await? {
            return Err(Refusal::Taken.into());
        }
    }
    let line = unsigned(ctx, Some(person), WAY, "ok");
    tx.rows().records().add_attempt(ctx.new_row_id(), &line).await?;
    let (what, factor) = (WAY.to_owned(), how.to_owned());
    tx.note(AuditEvent::Recovered { person, what, factor });
    Ok(warn_person(ctx, tx, person, NoticeKind::PhoneRecovered, None).await?)
}

/// Binds those whose day is over; returns how many were.
pub async fn bind_due(ctx: &Ctx) -> Result<usize, Fault> {
    let (mut round, mut after) = (Round::of(ctx, "phones"), None);
    loop {
        let page = ctx.rows().awaited_phones().due(ctx.now(), after).await?;
        for found in page.rows {
            round.take(found, |one| bind_or_give_up(ctx, one)).await?;
        }
        after = page.next;
        if after.is_none() || round.n_done() >= AT_ONCE {
            return Ok(round.n_done());
        }
    }
}

async fn bind_or_give_up(ctx: &Ctx, one: AwaitedPhone) -> Result<bool, Stop> {
    match bind_awaited(ctx, &one).await {
        Err(stop @ (Stop::Refused(_) | Stop::Client(_))) => {
            tracing::info!(realm = ctx.realm.id, %stop, "A phone that waited is not bound");
            give_up(ctx, &one).await?;
            Ok(false)
        }
        done => done,
    }
}

/// `false`: it was stopped meanwhile. `E_STATE` and its kin: the account has ended, or its sign-ins have been
/// ended since the phone was asked for.
async fn bind_awaited(ctx: &Ctx, one: &AwaitedPhone) -> Result<bool, Stop> {
    let tx = ctx.begin().await?;
    // First, as whoever changes the account and then drops what waits for it; with whoever has the number,
    // in one order.
    let accounts = tx.rows().accounts();
    let holder = accounts.find_by_phone(&one.phone).await?.map(|holder| holder.id);
    let held: Vec<AccountId> = holder.into_iter().chain([one.account]).collect();
    accounts.hold(&held).await?;
    if !tx.rows().awaited_phones().take(one.id).await? {
        return Ok(false);
    }
    let account = accounts.find(one.account).await?.ok_or(Refusal::Credentials)?;
    if !one.is_of(&account) {
        return Err(Refusal::State.into());
    }
    let binding = PhoneBinding {
        account: one.account,
        phone: one.phone.clone(),
        is_default: false,
        verified_at: one.verified_at,
    };
    bind_phone(ctx, &tx, account.person, &binding, "delay").await?;
    tx.commit().await?;
    Ok(true)
}

async fn give_up(ctx: &Ctx, one: &AwaitedPhone) -> Result<(), Fault> {
    let tx = ctx.begin().await?;
    if !tx.rows().awaited_phones().take(one.id).await? {
        return Ok(());
    }
    tx.note(AuditEvent::AwaitedPhoneDropped { account: one.account });
    // Whoever has ended it themself, or whose account is over, waits for nothing.
    let account = tx.rows().accounts().find(one.account).await?;
    if let Some(account) = account.filter(|account| one.is_of(account)) {
        warn_person(ctx, &tx, account.person, NoticeKind::PhoneGivenUp, None).await?;
    }
    Ok(tx.commit().await?)
}
