//! Proving more within a session: an application wants a higher real-name level than was proved
//! (L-11, `acr_values`), or a younger proof (`max_age`, RFC 9470). The person sees only the missing
//! step and keeps session and identity.

use crate::base::id::{EnterpriseId, PersonId, SessionId};
use crate::base::secret::{Hashed, Secret};
use crate::domain::entrance::{Entrance, Step};
use crate::domain::factor::{Factor, Way, acr, amr, way_of};
use crate::domain::login::{
    Errand, LoginTransaction, Progress, Proved, Purpose, Second, TRANSACTION_SECONDS, Then,
};
use crate::domain::person::Account;
use crate::domain::refusal::Refusal;
use crate::domain::session::Session;
use crate::ephemeral::{EphemeralError, Full, Slot};
use crate::flows::sign_in::log::passed;
use crate::flows::sign_in::{lower, session, transaction};
use crate::flows::{Ctx, Fault, Stop, people};
use crate::store::Tx;
use crate::store::people::LOWERED;

/// The level that the step-up of this realm would prove.
pub async fn provable(ctx: &Ctx, person: PersonId) -> Result<u8, Fault> {
    let person = ctx.rows().people().find(person).await?;
    Ok(provable_at(ctx, person.map_or(1, |person| person.real_name_level)))
}

/// The same of a person who has reached this level.
pub fn provable_at(ctx: &Ctx, level: u8) -> u8 {
    let Some(entrance) = ctx.realm.step_up_entrance() else { return 0 };
    let factors = entrance.second_factors.iter();
    let proved = factors.map(|factor| acr(Way::Password, Some(*factor), level));
    proved.max().unwrap_or_default()
}

/// Whose factors are offered: the realm's step-up, for a younger proof the door that the session came
/// by, for the phone one that sends codes, for a cancellation one that looks at faces before one that
/// sends codes. `None`: there is no step to take, only a sign-in.
pub fn door<'c>(ctx: &'c Ctx, session: &Session, errand: &Errand) -> Option<&'c Entrance> {
    let own = ctx.realm.entrance(&session.entrance).map(|known| &known.entrance);
    // Also one for passwords that lists factors and asks for them only when it is attacked.
    let own = own.filter(|door| {
        let lists =
            door.steps.first() == Some(&Step::Credentials) && !door.second_factors.is_empty();
        door.asks_second_factor() || lists
    });
    match errand {
        Errand::Renew => own,
        Errand::Phone => {
            let others = ctx.realm.doors().map(|known| &known.entrance);
            let mut doors = own.into_iter().chain(others);
            doors.find(|door| door.asks_second_factor() && door.takes(Factor::Sms))
        }
        Errand::Cancel => {
            let others = ctx.realm.doors().map(|known| &known.entrance);
            let doors = own.into_iter().chain(others).filter(|door| door.asks_second_factor());
            let doors: Vec<&Entrance> = doors.collect();
            // Whoever came by e-mail may have no phone.
            let with_face =
                doors.iter().find(|door| door.second_factors.iter().any(|one| one.is_face()));
            let takes = |door: &&&Entrance| {
                let mut factors = door.second_factors.iter();
                factors.any(|factor| errand.takes(*factor))
            };
            let found = with_face.or_else(|| doors.iter().find(takes)).copied();
            found.or_else(|| ctx.realm.step_up_entrance())
        }
        Errand::Raise
        | Errand::Handler
        | Errand::Lift
        | Errand::Confirm(_)
        | Errand::Password(_)
        | Errand::FirstPhone(_)
        | Errand::Document(_) => ctx.realm.step_up_entrance(),
    }
}

/// The newest steps that a session has begun, oldest first.
const BEGUN: Slot<Vec<String>> = Slot::new("step-ups");

/// Steps that a session may have on their way: one for each tab. Whoever is signed in begins them by looking
/// at a page, without end.
const MOST_BEGUN: usize = 8;

/// Of many at the same moment one is faster; beyond so many rounds it is a crowd.
const ROUNDS: usize = 100;

/// Makes room for one more: the oldest ends. What is named here and was never begun does no harm.
async fn make_room(ctx: &Ctx, session: &Session, new: &LoginTransaction) -> Result<(), Fault> {
    let (ephemeral, key) = (ctx.ephemeral(), session.id.to_string());
    for _ in 0..ROUNDS {
        let kept = ephemeral.get(&BEGUN, &key).await?;
        let mut begun = kept.clone().unwrap_or_default();
        let over = (begun.len() + 1).saturating_sub(MOST_BEGUN);
        let oldest: Vec<String> = begun.drain(..over).collect();
        begun.push(new.id.clone());
        if ephemeral.replace(&BEGUN, &key, kept.as_ref(), &begun, TRANSACTION_SECONDS).await? {
            for id in oldest {
                ephemeral.forget(&transaction::LOGIN, &id).await?;
            }
            return Ok(());
        }
    }
    Err(EphemeralError::Full(Full::Place).into())
}

/// Whether whoever came by certificate can show here that they are the handler they chose.
pub fn may_show_face(ctx: &Ctx, session: &Session) -> bool {
    let door = door(ctx, session, &Errand::Handler);
    door.is_some_and(|door| door.second_factors.iter().any(|factor| factor.is_face()))
}

/// A transaction in which nothing but the missing step is due; `None` where there is no step.
pub async fn begin(
    ctx: &Ctx,
    session: &Session,
    errand: Errand,
    then: Then,
) -> Result<Option<LoginTransaction>, Fault> {
    let errand = match errand {
        // The handler's phone may lie beside the enterprise's certificate.
        Errand::Raise | Errand::Renew if session.proves_no_person() => Errand::Handler,
        errand => errand,
    };
    let Some(entrance) = door(ctx, session, &errand) else { return Ok(None) };
    let proved = Proved {
        entrance: entrance.id.clone(),
        person: session.person,
        account: session.account,
        enterprise: None,
        record_kind: None,
        way: way_of(&session.amr),
        second: Second::Due,
        era: 0,
    };
    let purpose = Purpose::StepUp { session: session.id, errand };
    let progress = Progress::Chosen(proved, session.acting);
    let transaction = transaction::of(ctx, purpose, then, progress);
    make_room(ctx, session, &transaction).await?;
    transaction::keep(ctx, &transaction).await?;
    Ok(Some(transaction))
}

/// The session within which this step is taken, as it is now: neither ended nor over, this person's, and
/// its account not cancelled meanwhile (rule 5).
pub async fn session_within(ctx: &Ctx, transaction: &LoginTransaction) -> Result<Session, Stop> {
    let (id, proved) = within(transaction)?;
    let stands = |one: &Session| one.person == proved.person && one.expires_at > ctx.now();
    let found = ctx.rows().sessions().find_live(id).await?.filter(stands).ok_or(Refusal::State)?;
    session::admits(ctx, found.account).await?;
    Ok(found)
}

/// The transaction in which the errand of a passed step is done: it uses the step up, and in it the session
/// still stands, held.
pub async fn conclude<'c>(
    ctx: &'c Ctx,
    transaction: &LoginTransaction,
) -> Result<(Tx<'c>, Session, Account), Stop> {
    conclude_about(ctx, transaction, &[]).await
}

/// The same of an errand that changes relations with these enterprises, which are held before the session: whoever
/// ends somebody there holds the enterprise and then ends their sessions.
pub async fn conclude_about<'c>(
    ctx: &'c Ctx,
    transaction: &LoginTransaction,
    enterprises: &[EnterpriseId],
) -> Result<(Tx<'c>, Session, Account), Stop> {
    let (id, proved) = within(transaction)?;
    let tx = ctx.begin().await?;
    transaction::use_up(&tx, transaction).await?;
    if !enterprises.is_empty() {
        // As a sign-in does that confirms (`steps`).
        tx.rows().accounts().hold(&[proved.account]).await?;
        tx.rows().enterprises().hold_all(enterprises).await?;
    }
    let (found, account) = session::hold(&tx, id, proved.account).await?;
    Ok((tx, found, account))
}

fn within(transaction: &LoginTransaction) -> Result<(SessionId, &Proved), Refusal> {
    match (&transaction.purpose, transaction.proved()) {
        (Purpose::StepUp { session, .. }, Some(proved)) => Ok((*session, proved)),
        _ => Err(Refusal::State),
    }
}

/// The step was passed: the same session under a new cookie, with what was proved added to it. `held`: the
/// cookie that the browser sends along; `E_STATE` where the session has gone on to another since, whose
/// answer may yet be on its way there and must be the last.
pub async fn finish(
    ctx: &Ctx,
    transaction: &LoginTransaction,
    held: Option<Hashed>,
) -> Result<Secret, Stop> {
    let errand = transaction.errand().ok_or(Refusal::State)?;
    let proved = transaction.proved().ok_or(Refusal::State)?;
    let factor = proved.second.passed().ok_or(Refusal::State)?;
    let (tx, session, _) = conclude(ctx, transaction).await?;
    if held != Some(session.cookie) {
        return Err(Refusal::State.into());
    }
    // Now that the account is held: a level that falls has fallen before this, or finds what was proved.
    let person = tx.rows().people().find(proved.person).await?;
    let mut reached = person.map_or(1, |person| person.real_name_level);
    let is_lifted = errand.lifts() == Some(reached);
    reached += u8::from(is_lifted);
    let how = if factor.is_face() { "face" } else { "phone" };
    let mut proven = session.amr.clone();
    for method in amr(proved.way, Some(factor)) {
        if !proven.contains(&method) {
            proven.push(method);
        }
    }
    let session = Session {
        acr: acr(proved.way, Some(factor), reached).max(session.acr),
        amr: proven,
        auth_time: ctx.now(),
        ..session
    };
    let cookie = ctx.random().token();
    if !tx.rows().sessions().prove(&session, cookie.hashed()).await? {
        return Err(Refusal::State.into());
    }
    tx.note(passed(&session, factor));
    // It may have ended since the step was begun.
    if is_lifted
        && reached > LOWERED
        && lower::bearing(ctx, tx.rows().reading(), proved.person).await?.is_empty()
    {
        return Err(Refusal::NoDocument.into());
    }
    if is_lifted && !people::raise_level(ctx, &tx, proved.person, reached, how).await? {
        return Err(Refusal::State.into());
    }
    tx.commit().await?;
    ctx.forget(&transaction::LOGIN, &transaction.id).await;
    Ok(cookie)
}
