//! Passkeys: enrolled by a person who has just proved a second factor, then a second factor or, where the
//! entrance allows it, the whole proof: what one has and who one is, in one act.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::base::clock::Timestamp;
use crate::base::id::AccountId;
use crate::domain::audit::AuditEvent;
use crate::domain::cross_region::RecordKind;
use crate::domain::factor::{Factor, Way};
use crate::domain::login::{LoginTransaction, Proved, Second};
use crate::domain::notice::NoticeKind;
use crate::domain::number::username::Username;
use crate::domain::passkey::{
    Assertion, Challenge, Credential, Enrolment, OpenChallenge, PasskeyFault, RelyingParty,
};
use crate::domain::person::Account;
use crate::domain::proof::{Question, Verified};
use crate::domain::refusal::Refusal;
use crate::domain::session::Session;
use crate::ephemeral::Slot;
use crate::flows::sign_in::factor::change::{self, check_proved};
use crate::flows::sign_in::log::record_refused;
use crate::flows::sign_in::session;
use crate::flows::sign_in::transaction::{self, admitted_door};
use crate::flows::sign_in::typed::{self, Credentials, Typed};
use crate::flows::{Ctx, Fault, Stop};

pub use crate::store::passkeys::StoredPasskey;

const CHALLENGE_SECONDS: i64 = 300;
const MOST_PASSKEYS: usize = 10;

const ENROLMENT: Slot<Enrolment> = Slot::new("passkey-enrolment");
const CHALLENGE: Slot<Challenge> = Slot::new("passkey");

/// What a sign-in page asks, sealed into it: nothing is kept of it before a form brings it back. It is
/// answered once, because the answer's step forward is taken once.
#[derive(Serialize, Deserialize)]
struct Asked {
    transaction: String,
    at: Timestamp,
    challenge: OpenChallenge,
}

/// Sealed for these questions: what is sealed for cookies is none.
fn challenge_place(ctx: &Ctx) -> String {
    format!("passkey/{}", ctx.realm.id)
}

/// The question of a sign-in page.
pub struct SignInChallenge {
    /// For `navigator.credentials.get`.
    pub options: Value,
    /// Comes back with the answer.
    pub sealed: String,
}

/// What the sign-in form brings.
#[derive(Clone, Copy)]
pub struct Given<'a> {
    /// What the browser made.
    pub made: &'a str,
    /// [`SignInChallenge::sealed`]
    pub challenge: &'a str,
}

/// Whether an entrance of this realm takes passkeys, in place of the password or after it.
pub fn are_taken(ctx: &Ctx) -> bool {
    let realm = &ctx.realm;
    let in_place = || realm.entrances.iter().any(|known| known.entrance.passkey);
    realm.passkeys.is_some() && (realm.takes(Factor::Passkey) || in_place())
}

fn relying_party(ctx: &Ctx) -> Result<&RelyingParty, Fault> {
    let known = ctx.realm.passkeys.as_ref();
    known.ok_or_else(|| Fault::Internal("this realm has no passkeys".to_owned()))
}

/// Another's mistake or a forgery; told as one code.
fn refused(fault: &PasskeyFault) -> Refusal {
    tracing::info!(%fault, "Refused a passkey");
    Refusal::Passkey
}

fn internal(fault: PasskeyFault) -> Fault {
    Fault::Internal(fault.to_string())
}

pub async fn list(ctx: &Ctx, session: &Session) -> Result<Vec<StoredPasskey>, Fault> {
    Ok(ctx.rows().passkeys().list(session.account).await?)
}

/// Options for the browser; `None` once there are as many as anybody needs.
pub async fn begin(ctx: &Ctx, session: &Session) -> Result<Option<Value>, Fault> {
    let held = list(ctx, session).await?;
    if held.len() >= MOST_PASSKEYS {
        return Ok(None);
    }
    let held: Vec<Credential> = held.into_iter().map(|one| one.credential).collect();
    let account = ctx.rows().accounts().find(session.account).await?;
    let name = account.and_then(|account| account.username);
    let name = name.as_ref().map_or(ctx.realm.name.zh.as_str(), Username::as_str);
    let begun = relying_party(ctx)?.begin_enrolment(session.account.0, name, &held);
    let (options, state) = begun.map_err(internal)?;
    let key = session.id.to_string();
    ctx.ephemeral().put(&ENROLMENT, &key, &state, CHALLENGE_SECONDS).await?;
    Ok(Some(options))
}

/// What the browser made is kept from now on.
pub async fn enrol(ctx: &Ctx, session: &Session, name: &str, made: &str) -> Result<(), Stop> {
    if !are_taken(ctx) {
        return Err(Refusal::State.into());
    }
    check_proved(ctx, session)?;
    let name = name.trim();
    if name.is_empty() || name.chars().count() > 40 {
        return Err(Refusal::format("passkey_name").into());
    }
    let key = session.id.to_string();
    let state = ctx.ephemeral().get(&ENROLMENT, &key).await?;
    let Some(state) = state else { return Err(Refusal::Passkey.into()) };
    let credential = match relying_party(ctx)?.enrol(made, &state) {
        Ok(credential) => credential,
        Err(fault) => return Err(refused(&fault).into()),
    };
    if ctx.rows().passkeys().find(credential.id()).await?.is_some() {
        return Err(Refusal::Passkey.into());
    }
    let passkey = StoredPasskey {
        id: ctx.new_row_id(),
        account: session.account,
        credential,
        name: name.to_owned(),
        created_at: ctx.now(),
        used_at: None,
    };
    let event = AuditEvent::PasskeyAdded { account: session.account };
    let (tx, _) = session::begin(ctx, session).await?;
    tx.rows().passkeys().add(&passkey).await?;
    change::tell(ctx, &tx, session, NoticeKind::FactorAdded).await?;
    tx.note(event);
    tx.commit().await?;
    ctx.forget(&ENROLMENT, &key).await;
    Ok(())
}

/// One of the person's own; another's is `E_STATE` like one that is gone.
pub async fn remove(ctx: &Ctx, session: &Session, id: &str) -> Result<(), Stop> {
    check_proved(ctx, session)?;
    let Ok(id) = id.parse::<Uuid>() else { return Err(Refusal::State.into()) };
    let event = AuditEvent::PasskeyRemoved { account: session.account };
    let (tx, _) = session::begin(ctx, session).await?;
    if !tx.rows().passkeys().remove(session.account, id).await? {
        return Err(Refusal::State.into());
    }
    change::tell(ctx, &tx, session, NoticeKind::FactorRemoved).await?;
    tx.note(event);
    tx.commit().await?;
    Ok(())
}

/// Whether this person can use one as second factor.
pub async fn is_enrolled(ctx: &Ctx, account: AccountId) -> Result<bool, Fault> {
    Ok(ctx.realm.passkeys.is_some() && !ctx.rows().passkeys().list(account).await?.is_empty())
}

/// The question of the second factor; the newest page of a sign-in has the one that counts.
pub async fn challenge(ctx: &Ctx, question: &Question) -> Result<Value, Fault> {
    let held = ctx.rows().passkeys().list(question.account).await?;
    let held: Vec<Credential> = held.into_iter().map(|one| one.credential).collect();
    let (options, state) = relying_party(ctx)?.challenge(&held).map_err(internal)?;
    ctx.ephemeral().put(&CHALLENGE, &question.key(), &state, CHALLENGE_SECONDS).await?;
    Ok(options)
}

pub async fn verify(ctx: &Ctx, question: &Question, made: &str) -> Result<Verified, Stop> {
    let state = ctx.ephemeral().get(&CHALLENGE, &question.key()).await?;
    let (Some(state), Ok(made)) = (state, Assertion::parse(made)) else {
        return Err(Refusal::Passkey.into());
    };
    let held = ctx.rows().passkeys().find(made.credential_id()).await?;
    let Some(held) = held.filter(|held| held.account == question.account) else {
        return Err(Refusal::Passkey.into());
    };
    let kept = match relying_party(ctx)?.prove(&made, &state, &held.credential) {
        Ok(kept) => kept,
        Err(fault) => return Err(refused(&fault).into()),
    };
    if !keep(ctx, &held, &kept).await? {
        return Err(Refusal::Passkey.into());
    }
    Ok(question.answered_by(question.person))
}

/// The challenge was used up by the step forward that it led to.
pub async fn forget(ctx: &Ctx, question: &Question) {
    ctx.forget(&CHALLENGE, &question.key()).await;
}

async fn keep(ctx: &Ctx, held: &StoredPasskey, kept: &Credential) -> Result<bool, Fault> {
    let tx = ctx.begin().await?;
    let is_there = tx.rows().passkeys().used(held.id, kept, ctx.now()).await?;
    tx.commit().await?;
    Ok(is_there)
}

/// A new question for a page of this sign-in.
pub fn sign_in_challenge(ctx: &Ctx, tx: &LoginTransaction) -> Result<SignInChallenge, Fault> {
    let (options, challenge) = relying_party(ctx)?.open_challenge().map_err(internal)?;
    let asked = Asked { transaction: tx.id.clone(), at: ctx.now(), challenge };
    let text = serde_json::to_string(&asked).map_err(|error| Fault::Internal(error.to_string()))?;
    let sealed = ctx.services.secrets.cookie.seal_text(ctx.random(), &challenge_place(ctx), &text);
    Ok(SignInChallenge { options, sealed })
}

/// What a page of this sign-in has asked, while it may be answered.
fn asked(ctx: &Ctx, tx: &LoginTransaction, sealed: &str) -> Option<OpenChallenge> {
    let opened = ctx.services.secrets.cookie.open_sealed_text(&challenge_place(ctx), sealed);
    let asked = serde_json::from_str::<Asked>(&opened.ok()?).ok()?;
    let is_open = asked.transaction == tx.id && ctx.now() < asked.at.plus(CHALLENGE_SECONDS);
    is_open.then_some(asked.challenge)
}

/// Instead of password and second factor; everything after them is the entrance's as ever. One that does
/// not fit is an attempt like any (E-24).
pub async fn sign_in(
    ctx: &Ctx,
    tx: &LoginTransaction,
    form: &Credentials,
    given: Given<'_>,
) -> Result<LoginTransaction, Stop> {
    match Stop::refusal(judge(ctx, tx, form, given).await)? {
        Ok(next) => Ok(next),
        Err(refusal) => {
            if refusal == Refusal::Passkey {
                record_refused(ctx, form, &Typed::nobody(), Way::Passkey, &refusal).await?;
            }
            Err(refusal.into())
        }
    }
}

async fn judge(
    ctx: &Ctx,
    tx: &LoginTransaction,
    form: &Credentials,
    given: Given<'_>,
) -> Result<LoginTransaction, Stop> {
    let Some(entrance) = admitted_door(ctx, tx, &form.entrance).filter(|door| door.passkey) else {
        return Err(Refusal::format("entrance").into());
    };
    typed::check_numbers(entrance, form)?;
    let asked = asked(ctx, tx, given.challenge);
    let (Some(state), Ok(made)) = (asked, Assertion::parse(given.made)) else {
        return Err(Refusal::Passkey.into());
    };
    let rows = ctx.rows();
    let held = rows.passkeys().find(made.credential_id()).await?;
    let Some(held) = held.filter(|held| made.account() == Some(held.account.0)) else {
        return Err(Refusal::Passkey.into());
    };
    let kept = match relying_party(ctx)?.prove_open(&made, state, &held.credential) {
        Ok(kept) => kept,
        Err(fault) => return Err(refused(&fault).into()),
    };
    let account = rows.accounts().find(held.account).await?;
    let Some(account) = account.filter(Account::is_live) else {
        return Err(Refusal::Passkey.into());
    };
    let typed = Typed::of(ctx, entrance, form, Some(account.clone())).await?;
    if let Err(refusal) = account.may_sign_in() {
        record_refused(ctx, form, &typed, Way::Passkey, &refusal).await?;
        return Err(refusal.into());
    }
    if !typed.is_plausible(entrance) {
        record_refused(ctx, form, &typed, Way::Passkey, &Refusal::Credentials).await?;
        return Err(Refusal::Credentials.into());
    }
    if !keep(ctx, &held, &kept).await? {
        return Err(Refusal::Passkey.into());
    }
    let proved = Proved {
        entrance: entrance.id.clone(),
        person: account.person,
        account: account.id,
        enterprise: typed.enterprise,
        record_kind: RecordKind::parse(&form.record_kind),
        way: Way::Passkey,
        second: Second::Passed(Factor::Passkey),
        era: account.era,
    };
    transaction::advance(ctx, tx, tx.about(proved, None)?).await
}
