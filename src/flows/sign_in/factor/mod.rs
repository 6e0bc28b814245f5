//! The second factor as one step: which means are offered, and when an answer counts. Every path
//! asks here. How a means works stands in `second_factor` (codes that are sent), `authenticator`,
//! `passkey`, and `scan` with `face`.

pub mod change;
pub mod code;
pub mod device;
pub mod passkey;
pub mod totp;
pub mod tries;

use crate::domain::factor::Factor;
use crate::domain::login::LoginTransaction;
use crate::domain::proof::{Question, Verified};
use crate::domain::refusal::Refusal;
use crate::flows::sign_in::factor::tries::Try;
use crate::flows::sign_in::transaction;
use crate::flows::{Ctx, Fault, Stop};

/// What a person gives in answer, by the means they chose.
pub enum Given<'a> {
    /// A code that was sent, by text message or e-mail.
    Sent(Factor, &'a str),
    /// Of an authenticator app, or a recovery code.
    Totp(&'a str),
    /// What the browser made of a passkey.
    Passkey(&'a str),
}

impl Given<'_> {
    fn factor(&self) -> Factor {
        match self {
            Self::Sent(factor, _) => *factor,
            Self::Totp(_) => Factor::Totp,
            Self::Passkey(_) => Factor::Passkey,
        }
    }
}

/// What a factor has to answer at this moment; `None` where it is not offered: the entrance, the
/// errand and the person's enrolment all have a say.
pub async fn question(
    ctx: &Ctx,
    tx: &LoginTransaction,
    factor: Factor,
) -> Result<Option<Question>, Fault> {
    let entrance = ctx.realm.entrance_of(tx);
    let Some(question) = entrance.and_then(|entrance| tx.question(entrance, factor)) else {
        return Ok(None);
    };
    let is_at_hand = match factor {
        Factor::Totp => totp::is_enrolled(ctx, question.account).await?,
        Factor::Passkey => passkey::is_enrolled(ctx, question.account).await?,
        // Who has no phone is shown the way all the same, with a hint to the others (E-11).
        Factor::Sms | Factor::Email | Factor::TaxAppScan | Factor::IitAppScan => true,
    };
    Ok(is_at_hand.then_some(question))
}

/// The factors that are offered, in the order of the entrance.
pub async fn offered(ctx: &Ctx, tx: &LoginTransaction) -> Result<Vec<Factor>, Fault> {
    let mut offered = Vec::new();
    let Some(entrance) = ctx.realm.entrance_of(tx) else { return Ok(offered) };
    for factor in &entrance.second_factors {
        if question(ctx, tx, *factor).await?.is_some() {
            offered.push(*factor);
        }
    }
    Ok(offered)
}

async fn open(ctx: &Ctx, tx: &LoginTransaction, factor: Factor) -> Result<Question, Stop> {
    Ok(question(ctx, tx, factor).await?.ok_or(Refusal::State)?)
}

/// Sends a code to the person's phone or address.
pub async fn send(ctx: &Ctx, tx: &LoginTransaction, factor: Factor) -> Result<(), Stop> {
    let question = open(ctx, tx, factor).await?;
    Try::check_open(ctx, &question).await?;
    code::send(ctx, &question).await
}

/// Looks at an answer; where it is right, the transaction goes a step forward. A wrong one is
/// counted, logged and in the end told.
pub async fn answer(
    ctx: &Ctx,
    tx: &LoginTransaction,
    given: Given<'_>,
) -> Result<LoginTransaction, Stop> {
    let question = open(ctx, tx, given.factor()).await?;
    let judged = match given {
        Given::Sent(_, code) => code::verify(ctx, &question, code).await,
        Given::Totp(code) => totp::verify(ctx, &question, code).await,
        Given::Passkey(made) => passkey::verify(ctx, &question, made).await,
    };
    let verified = match Stop::refusal(judged)? {
        Ok(verified) => verified,
        // The same answer came twice, and the first has taken its step: nobody failed.
        Err(_) if transaction::has_gone_on(ctx, tx).await? => return Err(Refusal::State.into()),
        Err(refusal) => {
            match refusal {
                Refusal::Otp | Refusal::OtpRate { .. } => {
                    tries::failed(ctx, tx, &question, &refusal).await?;
                }
                Refusal::Passkey => tries::count_failed(ctx, tx, &question, &refusal).await?,
                // No guess, and an attempt all the same (E-24).
                Refusal::OtpExpired => tries::log_failed(ctx, tx, &question, &refusal).await?,
                _ => tries::count(ctx, question.factor, refusal.code()),
            }
            return Err(refusal.into());
        }
    };
    // The step forward uses the answer up: of two that come at once, one takes it.
    let next = match (accept(ctx, tx, &verified).await, &given) {
        (Ok(next), _) => next,
        (Err(stop), Given::Totp(code)) => {
            // A recovery code was used up before, for a step that was not taken; after a fault that is
            // looked for.
            let is_fault = matches!(stop, Stop::Fault(_));
            if !is_fault || !transaction::has_gone_on(ctx, tx).await? {
                totp::give_back(ctx, &question, code).await?;
            }
            return Err(stop);
        }
        (Err(stop), _) => return Err(stop),
    };
    match given {
        Given::Sent(..) => code::forget(ctx, &question).await,
        Given::Passkey(_) => passkey::forget(ctx, &question).await,
        Given::Totp(_) => {}
    }
    Ok(next)
}

/// A right answer counts if its question is the one that is open.
pub async fn accept(
    ctx: &Ctx,
    tx: &LoginTransaction,
    verified: &Verified,
) -> Result<LoginTransaction, Stop> {
    let entrance = ctx.realm.entrance_of(tx).ok_or(Refusal::State)?;
    let next = transaction::advance(ctx, tx, tx.accept(entrance, verified)?).await?;
    if let Some(factor) = next.proved().and_then(|proved| proved.second.passed()) {
        tries::count(ctx, factor, "ok");
    }
    Ok(next)
}
