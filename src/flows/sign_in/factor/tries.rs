//! Failed second factors of every kind: counted for the account with the same doubling as passwords,
//! written to the sign-in log (E-24), told to the person at the third. A lock refuses what can be
//! guessed, which is digits and recovery codes; a passkey, or a face on a phone, is never refused.
//! Where the person has signed in before they have a budget of their own.

use crate::domain::audit::{AuditEvent, LoginAttempt};
use crate::domain::factor::Factor;
use crate::domain::login::LoginTransaction;
use crate::domain::notice::NoticeKind;
use crate::domain::proof::{Question, Verified};
use crate::domain::refusal::Refusal;
use crate::domain::session::Session;
use crate::flows::notify::person::tell_person;
use crate::flows::sign_in::guesses::{Budget, Lock, is_known_place};
use crate::flows::sign_in::log::{attempt, is_told_of, within};
use crate::flows::{Ctx, Fault, Stop};
use crate::store::Tx;

/// The person hears of it from here on, once for each window.
const TOLD_AT: u32 = 3;

/// A try that was taken and waits to be judged.
pub struct Try {
    budget: Budget,
    is_own: bool,
}

impl Try {
    async fn of(ctx: &Ctx, question: &Question) -> Result<Self, Fault> {
        let is_own = is_known_place(ctx, question.person).await?;
        let account = ctx.rows().accounts().find(question.account).await?;
        // Those of before the bureau unlocked the account count no longer.
        let unlocked = account.and_then(|account| account.help.unlocked_at);
        let era = unlocked.map_or_else(String::new, |at| format!("/since-{}", at.0));
        let name = match is_own {
            true => format!("second-factor/{}/{}{era}", question.account, ctx.place()),
            false => format!("second-factor/{}{era}", question.account),
        };
        let (lock, policy) = (Lock::SecondFactor, ctx.realm.lockout.clone());
        Ok(Self { budget: Budget { lock, name, policy }, is_own })
    }

    /// Before a code is sent that nobody could use; `E_OTP_RATE` while it is locked.
    pub async fn check_open(ctx: &Ctx, question: &Question) -> Result<(), Stop> {
        let kept = Self::of(ctx, question).await?.budget.kept(ctx).await?;
        match kept.and_then(|kept| kept.locked_for(ctx.now())) {
            Some(retry_after) => Err(Refusal::OtpRate { retry_after }.into()),
            None => Ok(()),
        }
    }

    /// Takes a try for an answer that could be guessed and lets it be judged: `E_OTP_RATE` while it is
    /// locked, `E_OTP` where it is wrong. Nothing else costs a try: not a right one, and not one that was
    /// never judged, because something was away or another tab was faster.
    pub async fn judge(
        ctx: &Ctx,
        question: &Question,
        is_right: impl Future<Output = Result<bool, Stop>>,
    ) -> Result<Verified, Stop> {
        let taken = Self::take(ctx, question).await?;
        match is_right.await {
            Ok(true) => {
                // Where it was a code that works once, that is used up by now.
                ctx.tidied(taken.right(ctx).await);
                Ok(question.answered_by(question.person))
            }
            Ok(false) => Err(Refusal::Otp.into()),
            Err(stop) => {
                if let Err(error) = taken.budget.give_back(ctx).await {
                    tracing::warn!(%error, "A try that nobody judged could not be given back");
                }
                Err(stop)
            }
        }
    }

    async fn take(ctx: &Ctx, question: &Question) -> Result<Self, Stop> {
        let one = Self::of(ctx, question).await?;
        match Stop::refusal(one.budget.take(ctx).await)? {
            Ok(_) => Ok(one),
            Err(Refusal::Locked { retry_after }) => Err(Refusal::OtpRate { retry_after }.into()),
            Err(refusal) => Err(refusal.into()),
        }
    }

    /// Elsewhere it says nothing about what strangers have tried.
    async fn right(&self, ctx: &Ctx) -> Result<(), Fault> {
        match self.is_own {
            true => self.budget.forget(ctx).await,
            false => self.budget.give_back(ctx).await,
        }
    }
}

/// For the counter: `ok`, or the code of a refusal.
pub fn count(ctx: &Ctx, factor: Factor, outcome: &str) {
    let labels = [
        ("realm", ctx.realm.id.clone()),
        ("factor", factor.name().to_owned()),
        ("outcome", outcome.to_owned()),
    ];
    metrics::counter!("hufu_second_factors_total", &labels).increment(1);
}

/// A wrong answer that nobody could have guessed: counted all the same.
pub async fn count_failed(
    ctx: &Ctx,
    tx: &LoginTransaction,
    question: &Question,
    refusal: &Refusal,
) -> Result<(), Fault> {
    let one = Try::of(ctx, question).await?;
    // While it is locked there is nothing left to count.
    match one.budget.take(ctx).await {
        Err(Stop::Fault(fault)) => return Err(fault),
        Ok(_) => one.budget.has_locked(ctx).await.map(|_| ())?,
        Err(Stop::Refused(_) | Stop::Client(_)) => {}
    }
    failed(ctx, tx, question, refusal).await
}

/// An answer to what has run out.
pub async fn log_failed(
    ctx: &Ctx,
    tx: &LoginTransaction,
    question: &Question,
    refusal: &Refusal,
) -> Result<(), Fault> {
    count(ctx, question.factor, refusal.code());
    let db = ctx.begin().await?;
    record(ctx, &db, attempt(ctx, tx, None, refusal.code()), question, refusal).await?;
    Ok(db.commit().await?)
}

/// A try that was taken was wrong, or refused.
pub async fn failed(
    ctx: &Ctx,
    tx: &LoginTransaction,
    question: &Question,
    refusal: &Refusal,
) -> Result<(), Fault> {
    failed_as(ctx, attempt(ctx, tx, None, refusal.code()), question, refusal).await
}

/// The same of somebody who is signed in, and proves themself for something that their account centre
/// does.
pub async fn failed_within(
    ctx: &Ctx,
    session: &Session,
    question: &Question,
    refusal: &Refusal,
) -> Result<(), Fault> {
    if !matches!(refusal, Refusal::Otp | Refusal::OtpRate { .. }) {
        return Ok(());
    }
    failed_as(ctx, within(ctx, session, refusal.code()), question, refusal).await
}

async fn failed_as(
    ctx: &Ctx,
    line: LoginAttempt,
    question: &Question,
    refusal: &Refusal,
) -> Result<(), Fault> {
    count(ctx, question.factor, refusal.code());
    let budget = Try::of(ctx, question).await?.budget;
    let kept = budget.kept(ctx).await?;
    if *refusal == Refusal::Otp {
        budget.has_locked(ctx).await?;
    }
    let db = ctx.begin().await?;
    record(ctx, &db, line, question, refusal).await?;
    if let Some(kept) = kept.filter(|kept| kept.failures >= TOLD_AT) {
        let once = format!("second-factor/{}", kept.since.0);
        let kind = NoticeKind::SecondFactorFailed;
        tell_person(ctx, &db, question.person, kind, Some(&once)).await?;
    }
    Ok(db.commit().await?)
}

/// For the person and for the auditor; of what is no guess only so many.
async fn record(
    ctx: &Ctx,
    db: &Tx<'_>,
    line: LoginAttempt,
    question: &Question,
    refusal: &Refusal,
) -> Result<(), Fault> {
    if *refusal != Refusal::Otp && !is_told_of(ctx).await? {
        return Ok(());
    }
    let way = question.factor.name();
    let line = LoginAttempt { way, ..line };
    db.rows().records().add_attempt(ctx.new_row_id(), &line).await?;
    db.note(AuditEvent::SecondFactorFailed {
        account: question.account,
        factor: way.to_owned(),
        code: refusal.code().to_owned(),
    });
    Ok(())
}
