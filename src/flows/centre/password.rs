//! A new password by somebody who is signed in (PC-03 to PC-08): whoever knows the old one, reads the
//! default phone or shows their face. What a new one must be and what its change ends stands in
//! `sign_in::password`; this session stays.

use crate::base::secret::Secret;
use crate::domain::factor::{Factor, Way};
use crate::domain::login::{Errand, LoginTransaction, Then};
use crate::domain::password::PasswordFault;
use crate::domain::person::Account;
use crate::domain::proof::Question;
use crate::domain::refusal::Refusal;
use crate::domain::session::Session;
use crate::flows::sign_in::factor::code;
use crate::flows::sign_in::factor::tries::{self, Try};
use crate::flows::sign_in::guesses::{Budget, Lock};
use crate::flows::sign_in::log::record_judged;
use crate::flows::sign_in::password::{NewPassword, change};
use crate::flows::sign_in::personal_id;
use crate::flows::sign_in::throttle::Attempt;
use crate::flows::sign_in::typed::{Credentials, Typed};
use crate::flows::sign_in::{session, step_up, transaction};
use crate::flows::{Ctx, Fault, Stop};

/// A new password, typed twice.
pub struct Wanted {
    pub new: Secret,
    pub repeated: Secret,
}

async fn own(ctx: &Ctx, session: &Session) -> Result<Account, Stop> {
    let account = ctx.rows().accounts().find(session.account).await?;
    Ok(account.filter(Account::is_live).ok_or(Refusal::State)?)
}

/// `account`: as it was when the new password was checked.
async fn save(
    ctx: &Ctx,
    session: &Session,
    account: &Account,
    new: &NewPassword,
) -> Result<(), Stop> {
    let (tx, _) = session::begin(ctx, session).await?;
    change(ctx, &tx, account, new, Some(session.id)).await?;
    Ok(tx.commit().await?)
}

/// `E_CREDENTIALS`: the old one is wrong, which counts like a sign-in that failed (PC-04). `device`: what
/// the browser is remembered by.
pub async fn by_old(
    ctx: &Ctx,
    session: &Session,
    old: &Secret,
    device: Option<Secret>,
    wanted: &Wanted,
) -> Result<(), Stop> {
    if !(1..=128).contains(&old.expose().chars().count()) {
        return Err(Refusal::format("old_password").into());
    }
    let account = own(ctx, session).await?;
    let documents = ctx.rows().people().documents(account.person).await?;
    let name = documents.first().map_or_else(|| account.id.to_string(), |one| one.number.clone());
    let entrance = session.entrance.clone();
    let form = Credentials { entrance, personal_id: name, device, ..Credentials::default() };
    let typed = Typed { account: Some(account.clone()), enterprise: None, has_relation: false };
    let found = [account];
    let attempt = Attempt::begin(ctx, &form, &found).await?;
    let owner = match personal_id::owner(ctx, &found, old, attempt.queue()).await {
        Ok(Some(owner)) => owner,
        judged => {
            attempt.not_judged(ctx).await?;
            judged?;
            return Err(Refusal::Busy.into());
        }
    };
    if owner.is_none() {
        let refusal = attempt.wrong(ctx, &typed).await?;
        record_judged(ctx, &form, &typed, Way::Password, &refusal).await?;
        return Err(refusal.into());
    }
    attempt.right(ctx).await?;
    let [account] = found;
    let new = NewPassword::check(ctx, &account, &wanted.new, &wanted.repeated).await?;
    save(ctx, session, &account, &new).await
}

fn question(session: &Session) -> Question {
    Question {
        transaction: format!("password/{}", session.id),
        turn: 0,
        person: session.person,
        account: session.account,
        factor: Factor::Sms,
    }
}

/// The default phone, masked; `None`: there is none, and no code (PC-05).
pub async fn code_goes_to(ctx: &Ctx, session: &Session) -> Result<Option<String>, Fault> {
    code::masked(ctx, &question(session)).await
}

pub async fn is_sent(ctx: &Ctx, session: &Session) -> Result<bool, Fault> {
    code::is_sent(ctx, &question(session)).await
}

pub async fn send_code(ctx: &Ctx, session: &Session) -> Result<(), Stop> {
    let question = question(session);
    Try::check_open(ctx, &question).await?;
    code::send(ctx, &question).await
}

/// The code is looked at first: whether a new password is the old one is nothing to tell whoever found
/// an open browser. A new one that is refused leaves the code good.
pub async fn by_code(
    ctx: &Ctx,
    session: &Session,
    typed: &str,
    wanted: &Wanted,
) -> Result<(), Stop> {
    let (account, question) = (own(ctx, session).await?, question(session));
    if let Err(refusal) = Stop::refusal(code::verify(ctx, &question, typed).await)? {
        tries::failed_within(ctx, session, &question, &refusal).await?;
        return Err(refusal.into());
    }
    let new = NewPassword::check(ctx, &account, &wanted.new, &wanted.repeated).await?;
    // Of two at once one finds the password that it was to replace.
    save(ctx, session, &account, &new).await?;
    code::forget(ctx, &question).await;
    Ok(())
}

/// Whether the realm looks at faces within a session.
pub fn looks_at_faces(ctx: &Ctx) -> bool {
    let door = ctx.realm.step_up_entrance();
    door.is_some_and(|door| door.second_factors.iter().any(|factor| factor.is_face()))
}

/// The face that stands before the change (PC-06). The new password waits hashed, and sealed.
pub async fn begin_face(
    ctx: &Ctx,
    session: &Session,
    wanted: &Wanted,
    back: &str,
) -> Result<LoginTransaction, Stop> {
    if !looks_at_faces(ctx) {
        return Err(Refusal::State.into());
    }
    let account = own(ctx, session).await?;
    // It tells whether the new one is the old one before anything is proved: no more often than a
    // password may be guessed.
    let budget = budget(ctx, &account);
    budget.take(ctx).await?;
    let checked = NewPassword::check(ctx, &account, &wanted.new, &wanted.repeated).await;
    let checked = Stop::refusal(checked)?;
    match &checked {
        Ok(_) | Err(Refusal::PasswordPolicy(PasswordFault::Unchanged)) => {
            budget.has_locked(ctx).await?;
        }
        // What the rules refuse says nothing about the old one.
        Err(_) => budget.give_back(ctx).await?,
    }
    let new = checked?;
    let cipher = &ctx.services.secrets.cookie;
    let errand = Errand::Password(cipher.seal_text(ctx.random(), &place(session), new.hash()));
    let begun = step_up::begin(ctx, session, errand, Then::Page(back.to_owned())).await?;
    Ok(begun.ok_or(Refusal::State)?)
}

fn budget(ctx: &Ctx, account: &Account) -> Budget {
    let name = format!("new-password/{}", account.id);
    Budget { lock: Lock::NewPassword, name, policy: ctx.realm.lockout.clone() }
}

fn place(session: &Session) -> String {
    format!("new-password/{}", session.id)
}

/// It was passed: the password is the new one.
pub async fn face_passed(ctx: &Ctx, transaction: &LoginTransaction) -> Result<(), Stop> {
    let (Some(Errand::Password(sealed)), Some(proved)) =
        (transaction.errand(), transaction.proved())
    else {
        return Err(Refusal::State.into());
    };
    proved.second.passed().ok_or(Refusal::State)?;
    let (tx, session, account) = step_up::conclude(ctx, transaction).await?;
    let opened = ctx.services.secrets.cookie.open_sealed_text(&place(&session), sealed);
    let new = NewPassword::kept(account.id, opened.map_err(|_| Refusal::State)?);
    change(ctx, &tx, &account, &new, Some(session.id)).await?;
    tx.commit().await?;
    ctx.forget(&transaction::LOGIN, &transaction.id).await;
    ctx.tidied(budget(ctx, &account).forget(ctx).await);
    Ok(())
}
