//! Authenticator apps: enrolled by a person who has just signed in, then one of the second factors
//! where the realm allows it.

use super::{Ctx, Fault, login};
use crate::base::id::AccountId;
use crate::base::secret::{Hashed, Secret};
use crate::domain::audit::AuditEvent;
use crate::domain::factor::Factor;
use crate::domain::login::LoginTransaction;
use crate::domain::refusal::Refusal;
use crate::domain::totp::{
    SECRET_BYTES, enrolment_url, matched_step, normalised_recovery_code, recovery_codes, typed,
};
use crate::ephemeral::Kind;
use crate::store::sessions::Session;

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

pub fn is_fresh(ctx: &Ctx, session: &Session) -> bool {
    ctx.now().since(session.auth_time) <= FRESH_SECONDS
}

pub async fn find(ctx: &Ctx, session: &Session) -> Result<Enrolment, Fault> {
    let rows = ctx.services.store.rows();
    let Some(found) = rows.authenticators().find(session.account).await? else {
        return Ok(Enrolment::None);
    };
    if found.is_confirmed {
        let recovery_codes_left =
            rows.authenticators().recovery_codes_left(session.account).await?;
        return Ok(Enrolment::Confirmed { recovery_codes_left });
    }
    let account = rows.accounts().find(session.account).await?;
    let account = account.and_then(|account| account.username).unwrap_or_default();
    let account = if account.is_empty() { session.account.to_string() } else { account };
    let url = enrolment_url(&found.secret, &ctx.realm.name.zh, &account);
    let url = url.ok_or_else(|| Fault::Internal("an authenticator has no address".to_owned()))?;
    Ok(Enrolment::Begun { url, typed: typed(&found.secret) })
}

/// A new secret; whatever was enrolled before is gone.
pub async fn begin(ctx: &Ctx, session: &Session) -> Result<Result<(), Refusal>, Fault> {
    if !is_fresh(ctx, session) {
        return Ok(Err(Refusal::StepUpRequired));
    }
    let secret: [u8; SECRET_BYTES] = ctx.random().bytes();
    let tx = ctx.services.store.begin().await?;
    tx.rows().authenticators().begin(session.account, &secret).await?;
    tx.commit().await?;
    Ok(Ok(()))
}

/// The app works: it counts from now on. Returns the recovery codes, shown this once.
pub async fn confirm(
    ctx: &Ctx,
    session: &Session,
    code: &Secret,
) -> Result<Result<Vec<Secret>, Refusal>, Fault> {
    if !is_fresh(ctx, session) {
        return Ok(Err(Refusal::StepUpRequired));
    }
    let found = ctx.services.store.rows().authenticators().find(session.account).await?;
    let Some(found) = found.filter(|found| !found.is_confirmed) else {
        return Ok(Err(Refusal::State));
    };
    let Some(step) = matched_step(&found.secret, code, ctx.now()) else {
        return Ok(Err(Refusal::Otp));
    };
    let codes = recovery_codes(ctx.random());
    let event = AuditEvent::AuthenticatorAdded { account: session.account };
    let tx = ctx.services.store.begin().await?;
    let rows = tx.rows();
    if !rows.authenticators().confirm(session.account, ctx.now()).await? {
        return Ok(Err(Refusal::State));
    }
    rows.authenticators().take_step(session.account, step).await?;
    for code in &codes {
        rows.authenticators().add_recovery_code(session.account, code.hashed()).await?;
    }
    rows.records().audit(&ctx.realm.id, ctx.now(), &event).await?;
    tx.commit().await?;
    Ok(Ok(codes))
}

pub async fn remove(ctx: &Ctx, session: &Session) -> Result<Result<(), Refusal>, Fault> {
    if !is_fresh(ctx, session) {
        return Ok(Err(Refusal::StepUpRequired));
    }
    let event = AuditEvent::AuthenticatorRemoved { account: session.account };
    let tx = ctx.services.store.begin().await?;
    tx.rows().authenticators().remove(session.account).await?;
    tx.rows().records().audit(&ctx.realm.id, ctx.now(), &event).await?;
    tx.commit().await?;
    Ok(Ok(()))
}

/// Whether this person can use it as a second factor.
pub async fn is_enrolled(ctx: &Ctx, account: AccountId) -> Result<bool, Fault> {
    let found = ctx.services.store.rows().authenticators().find(account).await?;
    Ok(found.is_some_and(|found| found.is_confirmed))
}

/// A code of the app, or a recovery code; each works once. Tries are counted before they are
/// judged, over all sign-ins of the account.
pub async fn verify(
    ctx: &Ctx,
    tx: &LoginTransaction,
    code: &Secret,
) -> Result<Result<LoginTransaction, Refusal>, Fault> {
    let Some(account) = tx.proved.as_ref().map(|proved| proved.account) else {
        return Ok(Err(Refusal::State));
    };
    let ephemeral = &ctx.services.ephemeral;
    let tries = format!("totp/{account}");
    let (count, retry_after) = ephemeral.count(Kind::Rate, &tries, TRIES_SECONDS).await?;
    if count > MAX_TRIES {
        return Ok(Err(Refusal::OtpRate { retry_after }));
    }
    let found = ctx.services.store.rows().authenticators().find(account).await?;
    let Some(found) = found.filter(|found| found.is_confirmed) else {
        return Ok(Err(Refusal::State));
    };
    let step = matched_step(&found.secret, code, ctx.now());
    let db = ctx.services.store.begin().await?;
    let authenticators = db.rows().authenticators();
    let is_right = if let Some(step) = step {
        authenticators.take_step(account, step).await?
    } else {
        let hash: Hashed = normalised_recovery_code(code.expose()).hashed();
        authenticators.take_recovery_code(account, hash, ctx.now()).await?
    };
    db.commit().await?;
    if !is_right {
        return Ok(Err(Refusal::Otp));
    }
    ephemeral.forget(Kind::Rate, &tries).await?;
    let mut next = tx.clone();
    if let Some(proved) = &mut next.proved {
        proved.second_factor = Some(Factor::Totp);
    }
    login::advance(ctx, tx, next).await
}
