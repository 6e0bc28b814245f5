//! The way in after the second factor: new password, agreements, confirmation of a pending
//! authorisation, the choice among several identities, and the session at the end.

use crate::base::id::{PersonId, SessionId};
use crate::base::secret::Secret;
use crate::domain::acting::{Acting, ActingIdentity, EnterpriseIdentity};
use crate::domain::audit::AuditEvent;
use crate::domain::authorisation::{By, Event};
use crate::domain::entrance::{Audience, EnterpriseNumber, Entrance, Step, Subject};
use crate::domain::factor::{acr, amr};
use crate::domain::invitation::Invitation;
use crate::domain::login::{Facts, LoginTransaction, Next, Proved};
use crate::domain::refusal::{NoIdentity, Refusal};
use crate::domain::session::Session;
use crate::flows::identity::{choices, load};
use crate::flows::notify::cause::Cause;
use crate::flows::notify::tell::end_session;
use crate::flows::relations::writer::change_in;
use crate::flows::sign_in::log::{attempt, log, passed};
use crate::flows::sign_in::password::{self, NewPassword};
use crate::flows::sign_in::transaction::{self, abandon};
use crate::flows::sign_in::{facts, session};
use crate::flows::{Ctx, Fault, Stop, people};
use crate::store::Tx;

/// What comes next for this transaction.
pub async fn next(ctx: &Ctx, transaction: &LoginTransaction) -> Result<Next, Fault> {
    if transaction.certified().is_some() {
        return Ok(Next::Step(Step::ChooseHandler));
    }
    let entrance = ctx.realm.entrance_of(transaction);
    let (Some(entrance), Some(proved)) = (entrance, transaction.proved()) else {
        return Ok(Next::Step(Step::Credentials));
    };
    // Before the second factor nothing is asked of the world, nor within a session.
    let waits = transaction.waits_for_second(entrance);
    let facts = match waits || transaction.errand().is_some() {
        true => Facts::default(),
        false => facts::facts(ctx, entrance, proved, transaction.chosen()).await?,
    };
    Ok(transaction.next(entrance, &facts))
}

/// The step that is due, and no other: a form of another step is `E_STATE`.
async fn due<'t>(
    ctx: &Ctx,
    transaction: &'t LoginTransaction,
    step: Step,
) -> Result<&'t Proved, Stop> {
    let is_due = next(ctx, transaction).await? == Next::Step(step);
    match transaction.proved() {
        Some(proved) if is_due => Ok(proved),
        _ => Err(Refusal::State.into()),
    }
}

/// Whether the password is asked for since the bureau has taken the one that was set.
pub async fn is_password_taken(ctx: &Ctx, transaction: &LoginTransaction) -> Result<bool, Fault> {
    let Some(proved) = transaction.proved() else { return Ok(false) };
    let account = ctx.rows().accounts().find(proved.account).await?;
    Ok(account.is_some_and(|account| account.help.password_expired_at.is_some()))
}

/// Replaces the initial password (E-06), or one that the bureau has taken. Before any session exists. This
/// sign-in goes on; whatever else the former one has led to does not.
pub async fn set_password(
    ctx: &Ctx,
    transaction: &LoginTransaction,
    new: &Secret,
    repeated: &Secret,
) -> Result<LoginTransaction, Stop> {
    let proved = due(ctx, transaction, Step::NewPassword).await?;
    let account = ctx.rows().accounts().find(proved.account).await?.ok_or(Refusal::State)?;
    let new = NewPassword::check(ctx, &account, new, repeated).await?;
    let tx = ctx.begin().await?;
    let account = session::hold_in_era(&tx, proved.account, proved.era).await?;
    password::change(ctx, &tx, &account, &new, None).await?;
    tx.commit().await?;
    let next = transaction.in_era(account.era + 1)?;
    match transaction::advance(ctx, transaction, next).await {
        // The password is the new one; this sign-in, of the era before, is over, and another begins with it.
        Err(stop @ Stop::Fault(_)) => {
            ctx.tidied(Err(stop));
            Err(Refusal::State.into())
        }
        gone_on => gone_on,
    }
}

/// Every text, or none (E-19, E-20).
pub async fn accept_agreements(
    ctx: &Ctx,
    transaction: &LoginTransaction,
    agreed: &[people::Agreed],
) -> Result<(), Stop> {
    let proved = due(ctx, transaction, Step::Agreements).await?;
    if !people::are_agreed(ctx.realm.agreements_to_sign_in(), agreed) {
        return Err(Refusal::Agreement.into());
    }
    let tx = ctx.begin().await?;
    people::accept(ctx, &tx, proved.account, agreed, "web").await?;
    Ok(tx.commit().await?)
}

/// Declining changes nothing but the log, and ends the transaction (E-20).
pub async fn decline_agreements(ctx: &Ctx, transaction: &LoginTransaction) -> Result<(), Stop> {
    if let Ok(proved) = Stop::refusal(due(ctx, transaction, Step::Agreements).await)? {
        let event = AuditEvent::AgreementDeclined { account: proved.account };
        let tx = ctx.begin().await?;
        tx.note(event);
        tx.commit().await?;
        log(ctx, transaction, None, Refusal::Agreement.code()).await?;
    }
    Ok(abandon(ctx, transaction).await?)
}

/// Says yes to one pending authorisation, which the sign-in then confirms (E-16); the second factor
/// has just been passed, so no scan is asked. `shown`: an [`Invitation`]; one that was changed since is none.
pub async fn confirm_pending(
    ctx: &Ctx,
    transaction: &LoginTransaction,
    shown: &str,
) -> Result<LoginTransaction, Stop> {
    let proved = due(ctx, transaction, Step::ConfirmPendingAuthorisation).await?;
    let Some(enterprise) = proved.enterprise else { return Err(Refusal::State.into()) };
    let pending = choices::pending_in(ctx, proved.person, enterprise).await?;
    let accepted = pending.iter().map(Invitation::of).find(|one| one.to_string() == shown);
    let accepted = accepted.ok_or(Refusal::State)?;
    transaction::advance(ctx, transaction, transaction.accepting(accepted)?).await
}

/// Turned back before a pending authorisation: it stays pending, the attempt ends (E-17).
pub async fn cancel_pending(ctx: &Ctx, transaction: &LoginTransaction) -> Result<Refusal, Fault> {
    let refusal = Refusal::NoIdentity(NoIdentity::Pending);
    refuse(ctx, transaction, &refusal).await?;
    Ok(refusal)
}

/// One of the identities in the chooser (E-15).
pub async fn choose(
    ctx: &Ctx,
    transaction: &LoginTransaction,
    id: &str,
) -> Result<LoginTransaction, Stop> {
    let proved = due(ctx, transaction, Step::ChooseIdentity).await?;
    let chosen = match id {
        "personal" if ctx.realm.entrance_of(transaction).is_some_and(may_be_personal) => {
            Some(Acting::Personal)
        }
        id => offered(ctx, transaction, proved, id).await?,
    };
    let Some(chosen) = chosen else { return Err(NoIdentity::None.into()) };
    transaction::advance(ctx, transaction, transaction.choosing(chosen)?).await
}

/// The choice of this id, if it is one of [`choices`].
async fn offered(
    ctx: &Ctx,
    transaction: &LoginTransaction,
    proved: &Proved,
    id: &str,
) -> Result<Option<Acting>, Fault> {
    let Ok(id) = id.parse() else { return Ok(None) };
    let found = load::look(ctx, ctx.rows(), proved.person, Acting::Enterprise(id)).await?;
    let Ok(ActingIdentity::Enterprise(one)) = found else { return Ok(None) };
    let audience = ctx.realm.entrance_of(transaction).map_or(Audience::Tax, |one| one.audience);
    let is_offered = proved.enterprise.is_none_or(|typed| typed == one.enterprise.id)
        && audience.admits(&one.enterprise, &one.identity_type);
    Ok(is_offered.then_some(Acting::Enterprise(id)))
}

/// What the chooser of this sign-in offers.
pub async fn choices(
    ctx: &Ctx,
    transaction: &LoginTransaction,
    proved: &Proved,
) -> Result<Vec<EnterpriseIdentity>, Fault> {
    let audience = ctx.realm.entrance_of(transaction).map_or(Audience::Tax, |one| one.audience);
    if let Some(enterprise) = proved.enterprise {
        return choices::usable_in(ctx, proved.person, enterprise, audience).await;
    }
    let all = choices::usable(ctx, proved.person).await?;
    let admitted = |one: &EnterpriseIdentity| audience.admits(&one.enterprise, &one.identity_type);
    Ok(all.into_iter().filter(admitted).collect())
}

/// A door without an enterprise number also leads to the person themself.
pub fn may_be_personal(entrance: &Entrance) -> bool {
    entrance.subject == Subject::Enterprise && entrance.enterprise_number == EnterpriseNumber::None
}

/// 【进入】 on one of the records (S-06); one that is not in the list is `E_ROLE` (S-08).
pub async fn choose_record(
    ctx: &Ctx,
    transaction: &LoginTransaction,
    id: &str,
) -> Result<LoginTransaction, Stop> {
    let proved = due(ctx, transaction, Step::ChooseRecord).await?;
    let Ok(id) = id.parse() else { return Err(Refusal::Role.into()) };
    let chosen = Acting::Record(id);
    match load::look(ctx, ctx.rows(), proved.person, chosen).await? {
        Ok(ActingIdentity::Record(one))
            if Some(one.enterprise.id) == proved.enterprise
                && Some(one.record.kind) == proved.record_kind =>
        {
            transaction::advance(ctx, transaction, transaction.choosing(chosen)?).await
        }
        _ => Err(Refusal::Role.into()),
    }
}

/// 【进入】 on one of the client enterprises (G-06); another's assignment is no choice.
pub async fn choose_client(
    ctx: &Ctx,
    transaction: &LoginTransaction,
    id: &str,
) -> Result<LoginTransaction, Stop> {
    let proved = due(ctx, transaction, Step::ChooseClientEnterprise).await?;
    let Ok(id) = id.parse() else { return Err(NoIdentity::None.into()) };
    let chosen = Acting::Agent(id);
    match load::load(ctx, proved.person, chosen).await? {
        ActingIdentity::Agent(one) if Some(one.agency.id) == proved.enterprise => {
            transaction::advance(ctx, transaction, transaction.choosing(chosen)?).await
        }
        _ => Err(NoIdentity::None.into()),
    }
}

/// The session and its cookie, made once: of two tabs that finish, one gets it. `former`: the one that
/// this browser had, also past its time: nobody could end it from there any more, so it ends, and its
/// applications hear of it.
pub async fn sign_in(
    ctx: &Ctx,
    transaction: &LoginTransaction,
    acting: Acting,
    former: Option<&Session>,
) -> Result<(Session, Secret), Stop> {
    let proved = transaction.proved().ok_or(Refusal::State)?;
    let now = ctx.now();
    if let Err(refusal) = Stop::refusal(session::admits(ctx, proved.account).await)? {
        let identity = load::look(ctx, ctx.rows(), proved.person, acting).await?.ok();
        log(ctx, transaction, identity.as_ref(), refusal.code()).await?;
        return Err(refusal.into());
    }
    let tx = ctx.begin().await?;
    transaction::use_up(&tx, transaction).await?;
    session::hold_in_era(&tx, proved.account, proved.era).await?;
    // Now that the account is held: a level that falls has fallen before this, or finds the session.
    let factor = proved.second.passed();
    let level = match factor {
        Some(factor) if factor.is_face() => {
            let person = tx.rows().people().find(proved.person).await?;
            person.map_or(1, |person| person.real_name_level)
        }
        _ => 1,
    };
    let cookie = ctx.random().token();
    let session = Session {
        id: SessionId::new(&ctx.services.clock, ctx.random()),
        cookie: cookie.hashed(),
        person: proved.person,
        account: proved.account,
        acting,
        amr: amr(proved.way, factor),
        // A known browser is no second proof: whoever needs one asks for it by `acr_values`.
        acr: acr(proved.way, factor, level),
        auth_time: now,
        entrance: proved.entrance.clone(),
        one_way_personal: acting == Acting::Personal,
        ip: ctx.ip.to_string(),
        device: ctx.device.clone(),
        created_at: now,
        expires_at: now.plus(ctx.realm.lifetimes.session),
    };
    if let Some(invitation) = transaction.accepted() {
        confirm(ctx, &tx, proved.person, invitation).await?;
    }
    let identity = load::look(ctx, tx.rows().reading(), proved.person, acting).await??;
    let attempt = attempt(ctx, transaction, Some(&identity), "ok");
    tx.rows().sessions().add(&session).await?;
    if let Some(former) = former {
        end_session(ctx, &tx, former.id, Cause::SignedInAnew).await?;
    }
    tx.rows().records().add_attempt(ctx.new_row_id(), &attempt).await?;
    if let Some(factor) = factor {
        tx.note(passed(&session, factor));
    }
    tx.commit().await?;
    ctx.forget(&transaction::LOGIN, &transaction.id).await;
    Ok((session, cookie))
}

/// The invitation that was accepted, confirmed as it was seen (E-16).
async fn confirm(
    ctx: &Ctx,
    tx: &Tx<'_>,
    person: PersonId,
    invitation: Invitation,
) -> Result<(), Stop> {
    let found = tx.rows().authorisations().find(invitation.id).await?;
    let Some(seen) = found.filter(|one| one.version() == invitation.version) else {
        return Err(Refusal::State.into());
    };
    change_in(ctx, tx, &seen, &Event::Confirm, By::holder(person)).await?;
    Ok(())
}

/// The sign-in ends without an identity (E-18, E-23) or at a locked account: logged, the transaction is
/// gone.
pub async fn refuse(ctx: &Ctx, transaction: &LoginTransaction, why: &Refusal) -> Result<(), Fault> {
    log(ctx, transaction, None, why.code()).await?;
    abandon(ctx, transaction).await
}
