//! Proving more within a session: an application wants a higher real-name level than was proved
//! (L-11, `acr_values`), or a younger proof (`max_age`, RFC 9470). The person sees only the missing
//! step and keeps session and identity.

use super::{Ctx, Fault, Stop, login};
use crate::base::id::PersonId;
use crate::base::secret::Secret;
use crate::domain::audit::AuditEvent;
use crate::domain::entrance::{Entrance, Step};
use crate::domain::factor::{Factor, ScanApp, Way, acr, amr};
use crate::domain::login::{Errand, LoginTransaction, Proved};
use crate::domain::refusal::Refusal;
use crate::oidc::params::Params;
use crate::store::sessions::Session;

/// What a request for a level amounts to.
pub enum Need {
    Nothing,
    Step,
    /// The person has not reached it: nothing they could do now would prove it.
    Unmet,
}

/// `wanted`: any of these levels will do.
pub async fn need(ctx: &Ctx, session: &Session, wanted: &[u8]) -> Result<Need, Fault> {
    let Some(lowest) = wanted.iter().copied().min() else { return Ok(Need::Nothing) };
    if session.acr >= lowest {
        return Ok(Need::Nothing);
    }
    let can = provable(ctx, session.person).await?;
    Ok(if can >= lowest { Need::Step } else { Need::Unmet })
}

/// The level that the step-up of this realm would prove.
async fn provable(ctx: &Ctx, person: PersonId) -> Result<u8, Fault> {
    let Some(entrance) = ctx.realm.step_up_entrance() else { return Ok(0) };
    let person = ctx.rows().people().find(person).await?;
    let level = person.map_or(1, |person| person.real_name_level);
    let factors = entrance.second_factors.iter();
    Ok(factors.map(|factor| acr(Some(*factor), level)).max().unwrap_or_default())
}

/// Whose factors are offered: the realm's step-up, or for a younger proof the door that the session
/// came by. `None`: there is no step to take, only a sign-in.
pub fn door<'c>(ctx: &'c Ctx, session: &Session, errand: &Errand) -> Option<&'c Entrance> {
    if *errand != Errand::Renew {
        return ctx.realm.step_up_entrance();
    }
    let known = ctx.realm.entrance(&session.entrance)?;
    known.entrance.steps.contains(&Step::SecondFactor).then_some(&known.entrance)
}

/// A transaction in which nothing but the missing step is due. `return_to`: a page of our own,
/// where no application waits.
pub async fn begin(
    ctx: &Ctx,
    session: &Session,
    params: Params,
    (errand, return_to): (Errand, Option<String>),
) -> Result<Option<LoginTransaction>, Stop> {
    let Some(entrance) = door(ctx, session, &errand) else { return Ok(None) };
    let begun = login::begin(ctx, params.into_map(), return_to).await?;
    let raising = LoginTransaction {
        entrance: Some(entrance.id.clone()),
        proved: Some(Proved {
            person: session.person,
            account: session.account,
            enterprise: None,
            way: way_of(session),
            had_locks: false,
            at: session.auth_time,
            second_factor: None,
            is_known_device: false,
        }),
        chosen: Some(session.acting),
        raises: Some(session.id),
        errand,
        ..begun.clone()
    };
    Ok(Stop::refusal(login::advance(ctx, &begun, raising).await)?.ok())
}

/// How the session was begun, as its `amr` tells.
fn way_of(session: &Session) -> Way {
    let has = |name: &str| session.amr.iter().any(|one| one == name);
    match (has("swk"), has("pwd")) {
        (true, _) => Way::Scan(ScanApp::TaxApp),
        (false, true) => Way::Password,
        (false, false) => Way::Passkey,
    }
}

/// The step was passed: the same session under a new cookie, with what was proved added to it.
pub async fn finish(ctx: &Ctx, transaction: &LoginTransaction) -> Result<Secret, Stop> {
    let found = login::find(ctx, &transaction.id).await?;
    let lifts = found.as_ref().is_some_and(|found| found.errand == Errand::Lift);
    let Some((proved, session)) = found.and_then(|found| found.proved.zip(found.raises)) else {
        return Err(Refusal::State.into());
    };
    let rows = ctx.rows();
    let session = rows.sessions().find_live(session).await?;
    let Some(session) = session.filter(|session| session.person == proved.person) else {
        return Err(Refusal::State.into());
    };
    let person = rows.people().find(proved.person).await?;
    let mut reached = person.map_or(1, |person| person.real_name_level);
    let by_face = matches!(proved.second_factor, Some(Factor::TaxAppScan | Factor::IitAppScan));
    let is_lifted = lifts && by_face && reached == 3;
    reached += u8::from(is_lifted);
    let mut proven = session.amr.clone();
    for method in amr(proved.way, proved.second_factor) {
        if !proven.contains(&method) {
            proven.push(method);
        }
    }
    let session = Session {
        acr: acr(proved.second_factor, reached).max(session.acr),
        amr: proven,
        auth_time: ctx.now(),
        ..session
    };
    let cookie = ctx.random().token();
    let tx = ctx.begin().await?;
    login::use_up(&tx, transaction).await?;
    if !tx.rows().sessions().prove(&session, cookie.hashed()).await? {
        return Err(Refusal::State.into());
    }
    if is_lifted {
        if !tx.rows().people().raise_level(proved.person, reached, "face", ctx.now()).await? {
            return Err(Refusal::State.into());
        }
        let how = "face".to_owned();
        let event = AuditEvent::RealNameRaised { person: proved.person, level: reached, how };
        tx.note(event);
    }
    tx.commit().await?;
    ctx.forget(&login::LOGIN, &transaction.id).await;
    Ok(cookie)
}
