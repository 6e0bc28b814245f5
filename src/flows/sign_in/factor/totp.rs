//! Authenticator apps: enrolled by a person who has just proved a second factor, then one of the second factors
//! where the realm allows it.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use crate::base::id::AccountId;
use crate::base::secret::Secret;
use crate::domain::audit::AuditEvent;
use crate::domain::factor::Factor;
use crate::domain::notice::NoticeKind;
use crate::domain::number::code::{OneTimeCode, RecoveryCode};
use crate::domain::proof::{Question, Verified};
use crate::domain::refusal::Refusal;
use crate::domain::session::Session;
use crate::domain::totp::{SECRET_BYTES, enrolment_url, matched_step, recovery_codes, typed};
use crate::ephemeral::Slot;
use crate::flows::sign_in::factor::change::{self, check_proved};
use crate::flows::sign_in::factor::tries::Try;
use crate::flows::sign_in::session;
use crate::flows::{Ctx, Fault, Stop};

/// For so long a new secret waits for its first code.
const ENROLMENT_SECONDS: i64 = 900;

/// Sealed: the secret of an app that has not proved yet that it works, by account. The one that was
/// confirmed before counts until then.
const ENROLMENT: Slot<String> = Slot::new("authenticator-enrolment");

/// How a person stands with authenticator apps.
pub struct Enrolment {
    /// Scan this or type it, then prove that it works.
    pub begun: Option<Begun>,
    /// Of the app that counts, if there is one.
    pub recovery_codes_left: Option<u64>,
}

/// A new secret, for the app.
pub struct Begun {
    pub url: String,
    pub typed: String,
}

/// Whether an entrance of this realm takes their codes; elsewhere none is enrolled.
pub fn is_taken(ctx: &Ctx) -> bool {
    ctx.realm.takes(Factor::Totp)
}

fn may_enrol(ctx: &Ctx, session: &Session) -> Result<(), Refusal> {
    if !is_taken(ctx) {
        return Err(Refusal::State);
    }
    check_proved(ctx, session)
}

pub async fn find(ctx: &Ctx, session: &Session) -> Result<Enrolment, Fault> {
    let rows = ctx.rows();
    let recovery_codes_left = match is_enrolled(ctx, session.account).await? {
        true => Some(rows.authenticators().recovery_codes_left(session.account).await?),
        false => None,
    };
    let sealed = pending(ctx, session.account).await?;
    let Some(secret) = sealed.and_then(|sealed| opened(ctx, &sealed)) else {
        return Ok(Enrolment { begun: None, recovery_codes_left });
    };
    let account = rows.accounts().find(session.account).await?;
    let account = account.and_then(|account| account.username);
    let account = account
        .map_or_else(|| session.account.to_string(), |username| username.as_str().to_owned());
    let url = enrolment_url(&secret, &ctx.realm.name.zh, &account);
    let url = url.ok_or_else(|| Fault::Internal("an authenticator has no address".to_owned()))?;
    let begun = Some(Begun { url, typed: typed(&secret) });
    Ok(Enrolment { begun, recovery_codes_left })
}

/// The secret that waits for its first code, sealed.
async fn pending(ctx: &Ctx, account: AccountId) -> Result<Option<String>, Fault> {
    Ok(ctx.ephemeral().get(&ENROLMENT, &account.to_string()).await?)
}

fn opened(ctx: &Ctx, sealed: &str) -> Option<Vec<u8>> {
    let text = ctx.services.secrets.cookie.open_sealed_text(&ctx.realm.id, sealed).ok()?;
    BASE64_STANDARD.decode(text).ok()
}

/// A new secret beside the one that counts.
pub async fn begin(ctx: &Ctx, session: &Session) -> Result<(), Stop> {
    may_enrol(ctx, session)?;
    let secret: [u8; SECRET_BYTES] = ctx.random().bytes();
    let (cipher, text) = (&ctx.services.secrets.cookie, BASE64_STANDARD.encode(secret));
    let sealed = cipher.seal_text(ctx.random(), &ctx.realm.id, &text);
    let key = session.account.to_string();
    Ok(ctx.ephemeral().put(&ENROLMENT, &key, &sealed, ENROLMENT_SECONDS).await?)
}

/// The app works: it counts from now on, and the one before it no longer. Returns the recovery
/// codes, shown this once.
pub async fn confirm(ctx: &Ctx, session: &Session, code: &str) -> Result<Vec<Secret>, Stop> {
    may_enrol(ctx, session)?;
    let code = OneTimeCode::parse(code).map_err(|_| Refusal::format("code"))?;
    let account = session.account;
    let sealed = pending(ctx, account).await?.ok_or(Refusal::State)?;
    let secret = opened(ctx, &sealed).ok_or(Refusal::State)?;
    let Some(step) = matched_step(&secret, &code, ctx.now()) else {
        return Err(Refusal::Otp.into());
    };
    let codes = recovery_codes(ctx.random());
    let event = AuditEvent::AuthenticatorAdded { account };
    let (tx, _) = session::begin(ctx, session).await?;
    // Of two tabs one has it.
    if !tx.use_up("authenticator", &sealed, ctx.now().plus(ENROLMENT_SECONDS)).await? {
        return Err(Refusal::State.into());
    }
    let authenticators = tx.rows().authenticators();
    authenticators.replace(account, &secret, step, ctx.now()).await?;
    for code in &codes {
        authenticators.add_recovery_code(account, code.hashed()).await?;
    }
    change::tell(ctx, &tx, session, NoticeKind::FactorAdded).await?;
    tx.note(event);
    tx.commit().await?;
    ctx.forget_one(&ENROLMENT, &account.to_string(), &sealed).await;
    Ok(codes)
}

/// New recovery codes, shown this once; those of before are worth nothing. `E_STATE` where no app counts.
pub async fn renew_codes(ctx: &Ctx, session: &Session) -> Result<Vec<Secret>, Stop> {
    check_proved(ctx, session)?;
    let account = session.account;
    if !is_enrolled(ctx, account).await? {
        return Err(Refusal::State.into());
    }
    let codes = recovery_codes(ctx.random());
    let (tx, _) = session::begin(ctx, session).await?;
    let authenticators = tx.rows().authenticators();
    authenticators.forget_recovery_codes(account).await?;
    for code in &codes {
        authenticators.add_recovery_code(account, code.hashed()).await?;
    }
    change::tell(ctx, &tx, session, NoticeKind::FactorAdded).await?;
    tx.note(AuditEvent::RecoveryCodesRenewed { account });
    tx.commit().await?;
    Ok(codes)
}

pub async fn remove(ctx: &Ctx, session: &Session) -> Result<(), Stop> {
    check_proved(ctx, session)?;
    let event = AuditEvent::AuthenticatorRemoved { account: session.account };
    let (tx, _) = session::begin(ctx, session).await?;
    if !tx.rows().authenticators().remove(session.account).await? {
        return Err(Refusal::State.into());
    }
    change::tell(ctx, &tx, session, NoticeKind::FactorRemoved).await?;
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
    Try::judge(ctx, question, use_up(ctx, question.account, code)).await
}

/// A recovery code that was right and led no step further is good again: nobody has got anything for it.
pub async fn give_back(ctx: &Ctx, question: &Question, code: &str) -> Result<(), Fault> {
    let Some(Typed::Recovery(code)) = Typed::parse(code) else { return Ok(()) };
    let tx = ctx.begin().await?;
    let (authenticators, hash) = (tx.rows().authenticators(), code.secret().hashed());
    authenticators.give_back_recovery_code(question.account, hash).await?;
    Ok(tx.commit().await?)
}

/// Whether it is right and was not used before.
async fn use_up(ctx: &Ctx, account: AccountId, code: Typed) -> Result<bool, Stop> {
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
    Ok(is_right)
}
