//! Authenticator apps: enrolled by a person who has just signed in, then one of the second factors
//! where the realm allows it.

use crate::base::id::AccountId;
use crate::base::secret::Secret;
use crate::domain::audit::AuditEvent;
use crate::domain::factor::Factor;
use crate::domain::number::code::{OneTimeCode, RecoveryCode};
use crate::domain::proof::{Question, Verified};
use crate::domain::refusal::Refusal;
use crate::domain::session::Session;
use crate::domain::totp::{SECRET_BYTES, enrolment_url, matched_step, recovery_codes, typed};
use crate::flows::{Ctx, Fault, Stop};

/// A session that proved itself longer ago may not change its factors.
const FRESH_SECONDS: i64 = 900;
const MAX_TRIES: u32 = 5;
const TRIES_SECONDS: i64 = 300;

/// How a person stands with authenticator apps.
pub enum Enrolment {
    None,
    /// Scan this or type it, then prove that it works.
    Begun {
        url: String,
        typed: String,
    },
    Confirmed {
        recovery_codes_left: u64,
    },
}

/// Whether an entrance of this realm takes their codes; elsewhere none is enrolled.
pub fn is_taken(ctx: &Ctx) -> bool {
    ctx.realm.takes(Factor::Totp)
}

fn may_enrol(ctx: &Ctx, session: &Session) -> Result<(), Refusal> {
    match (is_taken(ctx), is_fresh(ctx, session)) {
        (false, _) => Err(Refusal::State),
        (true, false) => Err(Refusal::StepUpRequired),
        (true, true) => Ok(()),
    }
}

pub fn is_fresh(ctx: &Ctx, session: &Session) -> bool {
    ctx.now().since(session.auth_time) <= FRESH_SECONDS
}

pub async fn find(ctx: &Ctx, session: &Session) -> Result<Enrolment, Fault> {
    let rows = ctx.rows();
    let Some(found) = rows.authenticators().find(session.account).await? else {
        return Ok(Enrolment::None);
    };
    if found.is_confirmed {
        let recovery_codes_left =
            rows.authenticators().recovery_codes_left(session.account).await?;
        return Ok(Enrolment::Confirmed { recovery_codes_left });
    }
    let account = rows.accounts().find(session.account).await?;
    let account = account.and_then(|account| account.username);
    let account = account
        .map_or_else(|| session.account.to_string(), |username| username.as_str().to_owned());
    let url = enrolment_url(&found.secret, &ctx.realm.name.zh, &account);
    let url = url.ok_or_else(|| Fault::Internal("an authenticator has no address".to_owned()))?;
    Ok(Enrolment::Begun { url, typed: typed(&found.secret) })
}

/// A new secret; whatever was enrolled before is gone.
pub async fn begin(ctx: &Ctx, session: &Session) -> Result<(), Stop> {
    may_enrol(ctx, session)?;
    let secret: [u8; SECRET_BYTES] = ctx.random().bytes();
    let tx = ctx.begin().await?;
    tx.rows().authenticators().begin(session.account, &secret).await?;
    tx.commit().await?;
    Ok(())
}

/// The app works: it counts from now on. Returns the recovery codes, shown this once.
pub async fn confirm(ctx: &Ctx, session: &Session, code: &str) -> Result<Vec<Secret>, Stop> {
    may_enrol(ctx, session)?;
    let code = OneTimeCode::parse(code).map_err(|_| Refusal::format("code"))?;
    let found = ctx.rows().authenticators().find(session.account).await?;
    let Some(found) = found.filter(|found| !found.is_confirmed) else {
        return Err(Refusal::State.into());
    };
    let Some(step) = matched_step(&found.secret, &code, ctx.now()) else {
        return Err(Refusal::Otp.into());
    };
    let codes = recovery_codes(ctx.random());
    let event = AuditEvent::AuthenticatorAdded { account: session.account };
    let tx = ctx.begin().await?;
    let rows = tx.rows();
    if !rows.authenticators().confirm(session.account, ctx.now()).await? {
        return Err(Refusal::State.into());
    }
    rows.authenticators().take_step(session.account, step).await?;
    for code in &codes {
        rows.authenticators().add_recovery_code(session.account, code.hashed()).await?;
    }
    tx.note(event);
    tx.commit().await?;
    Ok(codes)
}

pub async fn remove(ctx: &Ctx, session: &Session) -> Result<(), Stop> {
    if !is_fresh(ctx, session) {
        return Err(Refusal::StepUpRequired.into());
    }
    let event = AuditEvent::AuthenticatorRemoved { account: session.account };
    let tx = ctx.begin().await?;
    tx.rows().authenticators().remove(session.account).await?;
    tx.note(event);
    tx.commit().await?;
    Ok(())
}

/// Whether this person can use it as a second factor.
pub async fn is_enrolled(ctx: &Ctx, account: AccountId) -> Result<bool, Fault> {
    let found = ctx.rows().authenticators().find(account).await?;
    Ok(found.is_some_and(|found| found.is_confirmed))
}

/// What can stand in the field.
enum Typed {
    Code(OneTimeCode),
    Recovery(RecoveryCode),
}

impl Typed {
    fn parse(text: &str) -> Option<Self> {
        let code = OneTimeCode::parse(text).map(Self::Code);
        code.or_else(|_| RecoveryCode::parse(text).map(Self::Recovery)).ok()
    }
}

/// A code of the app, or a recovery code; each works once. Tries are counted before they are
/// judged, over all sign-ins of the account; what is neither costs none.
pub async fn verify(ctx: &Ctx, question: &Question, code: &str) -> Result<Verified, Stop> {
    let code = Typed::parse(code).ok_or(Refusal::format("code"))?;
    let account = question.account;
    let ephemeral = ctx.ephemeral();
    let tries = format!("totp/{account}");
    let (count, retry_after) = ephemeral.count(&tries, TRIES_SECONDS).await?;
    if count > MAX_TRIES {
        return Err(Refusal::OtpRate { retry_after }.into());
    }
    let found = ctx.rows().authenticators().find(account).await?;
    let Some(found) = found.filter(|found| found.is_confirmed) else {
        return Err(Refusal::State.into());
    };
    let db = ctx.begin().await?;
    let authenticators = db.rows().authenticators();
    let is_right = match code {
        Typed::Code(code) => match matched_step(&found.secret, &code, ctx.now()) {
            Some(step) => authenticators.take_step(account, step).await?,
            None => false,
        },
        Typed::Recovery(code) => {
            let hash = code.secret().hashed();
            authenticators.take_recovery_code(account, hash, ctx.now()).await?
        }
    };
    db.commit().await?;
    if !is_right {
        return Err(Refusal::Otp.into());
    }
    ephemeral.reset(&tries).await?;
    Ok(question.answered_by(question.person))
}
