//! 【用户注销】 (PC-20 to PC-28): a person gives their account up. They have read what ends and proved once
//! more that it is they; what ends is `people::cancel_account`'s.

use futures_util::future::join_all;

use crate::domain::acting::Acting;
use crate::domain::authorisation::{Authorisation, State};
use crate::domain::identity_type::{Capability, IdentityTypeName};
use crate::domain::login::{Errand, LoginTransaction, Then};
use crate::domain::number::email::EmailAddress;
use crate::domain::person::PhoneBinding;
use crate::domain::refusal::Refusal;
use crate::domain::session::Session;
use crate::flows::non_resident::withdraw_open_in;
use crate::flows::notify::mail;
use crate::flows::sign_in::factor::code::{tell_address, tell_phone};
use crate::flows::sign_in::log::passed;
use crate::flows::sign_in::{step_up, transaction};
use crate::flows::{Ctx, Fault, Stop, people};

/// Names of the enterprises that would have nobody left who manages them online (PC-28): the person is
/// the only one of its managers who has an account.
pub async fn left_alone(ctx: &Ctx, session: &Session) -> Result<Vec<String>, Fault> {
    let (rows, now) = (ctx.rows(), ctx.now());
    let managing = managing(ctx);
    let manages = |one: &Authorisation| managing.contains(&one.identity_type);
    let mut names = Vec::new();
    for (one, enterprise) in rows.standings().held(session.person).await? {
        if !manages(&one) || one.usable(&enterprise, now).is_err() {
            continue;
        }
        let all = rows.authorisations().held_as(enterprise.id, &managing).await?;
        let mut others = all
            .into_iter()
            .filter(|other| other.person != session.person && other.state() == State::Active);
        let mut is_managed = false;
        while let (false, Some(other)) = (is_managed, others.next()) {
            is_managed = other.usable(&enterprise, now).is_ok()
                && rows.accounts().find_by_person(other.person).await?.is_some();
        }
        if !is_managed && !names.contains(&enterprise.name) {
            names.push(enterprise.name);
        }
    }
    Ok(names)
}

/// The identity types whose holders manage an enterprise.
fn managing(ctx: &Ctx) -> Vec<IdentityTypeName> {
    let known = ctx.realm.identity_types.values().map(|(known, _)| known);
    let managing = known.filter(|known| known.can(Capability::ManageHandlers));
    managing.map(|known| known.name.clone()).collect()
}

/// To the code on the phone or the face; `has_read`: what the page says.
pub async fn begin(ctx: &Ctx, session: &Session, has_read: bool) -> Result<LoginTransaction, Stop> {
    if !has_read {
        return Err(Refusal::format("cancel_read").into());
    }
    let begun = step_up::begin(ctx, session, Errand::Cancel, Then::Nowhere).await?;
    Ok(begun.ok_or(Refusal::State)?)
}

/// It was passed: the account is over, in this and in every other browser. Of two tabs one ends it.
pub async fn finish(ctx: &Ctx, transaction: &LoginTransaction) -> Result<(), Stop> {
    let is_cancel = transaction.errand() == Some(&Errand::Cancel);
    let proved = transaction.proved().filter(|_| is_cancel).ok_or(Refusal::State)?;
    let factor = proved.second.passed().ok_or(Refusal::State)?;
    let (tx, session, account) = step_up::conclude(ctx, transaction).await?;
    if session.acting != Acting::Personal {
        return Err(Refusal::Role.into());
    }
    let phones = tx.rows().accounts().phones(account.id).await?;
    let known = tx.rows().people().find(account.person).await?;
    tx.note(passed(&session, factor));
    if !people::cancel_account(ctx, &tx, &account).await? {
        return Err(Refusal::State.into());
    }
    withdraw_open_in(ctx, &tx, account.person).await?;
    tx.commit().await?;
    ctx.forget(&transaction::LOGIN, &transaction.id).await;
    tell_last(ctx, &phones, known.and_then(|person| person.email)).await;
    Ok(())
}

/// The last word to all that is nobody's any more: whoever did not do this hears of it.
async fn tell_last(ctx: &Ctx, phones: &[PhoneBinding], email: Option<EmailAddress>) {
    const EVENT: &str = "account-cancelled";
    let texts = join_all(phones.iter().map(|one| tell_phone(ctx, &one.phone, EVENT)));
    let letter = async {
        if let Some(email) = email {
            tell_address(ctx, &email, &mail::last_words(ctx, ctx.now()), EVENT).await;
        }
    };
    tokio::join!(texts, letter);
}
