//! The door of the console: a passkey and a password, in one form (GB/T 22239 8.1.4.1: two factors, one of
//! them cryptographic). The passkey is judged first and says who comes: a stranger can guess at nobody's
//! password, learns of no officer, and locks nobody out.

use serde_json::Value;

use crate::base::secret::{Hashed, Secret};
use crate::domain::audit::AuditEvent;
use crate::domain::officer::{Officer, Standing};
use crate::domain::passkey::{Assertion, Credential, OpenChallenge};
use crate::domain::refusal::Refusal;
use crate::ephemeral::Share;
use crate::flows::officer::session::begin;
use crate::flows::officer::{
    Asked, CHALLENGE_SECONDS, internal, relying_party, sealed, unbelieved, unsealed,
};
use crate::flows::sign_in::guesses::{Budget, Lock};
use crate::flows::{Ctx, Fault, Stop};
use crate::store::officers::OfficerPasskey;

const WHAT: &str = "entrance";

/// What a page of the door asks.
pub struct Question {
    /// For `navigator.credentials.get`.
    pub options: Value,
    /// Comes back with the answer.
    pub sealed: String,
}

/// What the form brings.
#[derive(Clone, Copy)]
pub struct Given<'a> {
    /// What the browser made.
    pub made: &'a str,
    /// [`Question::sealed`]
    pub question: &'a str,
    pub password: &'a Secret,
}

/// `binding`: of this browser.
pub fn question(ctx: &Ctx, binding: &str) -> Result<Question, Fault> {
    let (options, challenge) = relying_party(ctx)?.open_challenge().map_err(internal)?;
    let asked = Asked { at: ctx.now(), binding: binding.to_owned(), challenge };
    Ok(Question { options, sealed: sealed(ctx, WHAT, &asked)? })
}

/// The new session's cookie. `E_PASSKEY`: it is no officer's, or the question is old or answered;
/// `E_CREDENTIALS`: the password is wrong; `E_ACCOUNT_LOCKED`: both are right and the officer is locked;
/// `E_LOCKED`: too many tries of this officer. No address is locked: nobody guesses a signature, and all
/// officers share theirs.
pub async fn enter(ctx: &Ctx, binding: &str, given: Given<'_>) -> Result<Secret, Stop> {
    let believed = believed(ctx, binding, given).await?;
    let answered = format!("officer-question/{}", Hashed::of(given.question).to_text());
    if !ctx.ephemeral().mark_in(Share::Officers, &answered, CHALLENGE_SECONDS).await? {
        return Err(Refusal::Passkey.into());
    }
    // What strangers have filled is in no officer's way.
    judge_password(&ctx.known(true), &believed.officer, given.password).await?;
    let Believed { officer, passkey, kept } = believed;
    let tx = ctx.begin().await?;
    if !tx.rows().officers().used(passkey.id, &kept, ctx.now()).await? {
        return Err(Refusal::Passkey.into());
    }
    tx.note(AuditEvent::OfficerEntered { officer: officer.id, by: officer.actor() });
    tx.commit().await?;
    Ok(begin(ctx, &officer).await?)
}

/// Somebody who holds an officer's passkey.
struct Believed {
    officer: Officer,
    passkey: OfficerPasskey,
    /// As it is to be kept from now on.
    kept: Credential,
}

async fn believed(ctx: &Ctx, binding: &str, given: Given<'_>) -> Result<Believed, Stop> {
    let challenge: OpenChallenge = unsealed(ctx, WHAT, (given.question, binding))?;
    let made = Assertion::parse(given.made).map_err(|fault| unbelieved(&fault))?;
    let officers = ctx.rows().officers();
    let passkey = officers.passkey(made.credential_id()).await?;
    let passkey = passkey.filter(|held| made.account() == Some(held.officer.0));
    let passkey = passkey.ok_or(Refusal::Passkey)?;
    let kept = relying_party(ctx)?.prove_open(&made, challenge, &passkey.credential);
    let kept = kept.map_err(|fault| unbelieved(&fault))?;
    let officer = officers.find(passkey.officer).await?.ok_or(Refusal::Passkey)?;
    Ok(Believed { officer, passkey, kept })
}

/// Guesses are counted for the officer, from wherever they come: whoever makes them holds the passkey.
async fn judge_password(ctx: &Ctx, officer: &Officer, password: &Secret) -> Result<(), Stop> {
    let stored = officer.password.as_deref().ok_or(Refusal::Credentials)?;
    let policy = ctx.realm.lockout.clone();
    let name = format!("officer-password/{}", officer.id);
    let budget = Budget { lock: Lock::OfficerPassword, name, policy };
    budget.take(ctx).await?;
    let Some(is_right) = ctx.services.console_hashing.verify(password, stored).await? else {
        budget.give_back(ctx).await?;
        return Err(Refusal::Busy.into());
    };
    let refusal = match (is_right, officer.standing()) {
        (false, _) => {
            budget.has_locked(ctx).await?;
            Refusal::Credentials
        }
        (true, Standing::Active) => return Ok(budget.forget(ctx).await?),
        (true, _) => {
            budget.give_back(ctx).await?;
            Refusal::AccountLocked
        }
    };
    let tx = ctx.begin().await?;
    tx.note(AuditEvent::OfficerRefused {
        officer: officer.id,
        by: officer.actor(),
        code: refusal.code().to_owned(),
    });
    tx.commit().await?;
    Err(refusal.into())
}
