//! Registration on its way: begun by agreeing, about whom, and how far it has come. What a
//! person says stays sealed among what expires by itself until everything is proved; of one that is
//! abandoned nothing is left but its line in the audit. A code to phone or address is `contact`'s, what is
//! known of the person `judge`'s, the account at the end `complete`'s.

pub mod complete;
pub mod contact;
mod judge;

use serde::{Deserialize, Serialize};

use crate::domain::audit::AuditEvent;
use crate::domain::login::Then;
use crate::domain::refusal::Refusal;
use crate::domain::registration::{
    Candidate, FACE_AGREEMENT, PERSONAL_AGREEMENT, Proof, Registration, Way,
};
use crate::domain::scan::{Claim, ClaimedFor};
use crate::flows::limits;
use crate::flows::people::{Agreed, are_agreed};
use crate::flows::self_help::progress::{Begun, Journey};
use crate::flows::{Ctx, Fault, Stop};
use crate::realm::Agreement;

pub use judge::Verdict;

/// Begun from one address in an hour: more than a hall registers, and what they leave behind is a quarter of
/// what an address may leave.
const STARTS_OF_ADDRESS: u32 = 300;
const HOUR: i64 = 3600;

/// For each step: whoever looks for a document, or for a phone, finds what they typed.
const SECONDS: i64 = 1800;

static JOURNEY: Journey<Kept> = Journey::new("register", SECONDS);

/// Sealed: names, numbers, phones and a password's hash.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept(String);

#[derive(Serialize, Deserialize)]
enum Stage {
    On(Box<Registration>),
    Done(Then, Way),
}

/// A registration as it was found, to be taken further from there and from nowhere else.
pub struct Held {
    pub registration: Registration,
    kept: Kept,
}

/// What a browser has begun.
pub enum Found {
    On(Box<Held>),
    /// The account is open; where the person goes, and how they came.
    Done(Then, Way),
}

/// Sealed for registrations: what is sealed for others is none.
fn place(ctx: &Ctx) -> String {
    format!("register/{}", ctx.realm.id)
}

fn sealed(ctx: &Ctx, stage: &Stage) -> Result<Kept, Fault> {
    let text = serde_json::to_string(stage).map_err(|error| Fault::Internal(error.to_string()))?;
    Ok(Kept(ctx.services.secrets.cookie.seal_text(ctx.random(), &place(ctx), &text)))
}

/// `None`: another browser's, or too long ago.
pub async fn find(ctx: &Ctx, begun: &Begun) -> Result<Option<Found>, Fault> {
    let Some(kept) = JOURNEY.find(ctx, begun).await? else { return Ok(None) };
    let text = ctx.services.secrets.cookie.open_sealed_text(&place(ctx), &kept.0).ok();
    let stage = text.and_then(|text| serde_json::from_str::<Stage>(&text).ok());
    Ok(stage.map(|stage| match stage {
        Stage::On(registration) => {
            let registration = registration.as_of(ctx.now());
            Found::On(Box::new(Held { registration, kept }))
        }
        Stage::Done(then, way) => Found::Done(then, way),
    }))
}

/// `E_STATE` where another tab was faster.
async fn keep(ctx: &Ctx, begun: &Begun, from: &Held, to: Registration) -> Result<Held, Stop> {
    let kept = sealed(ctx, &Stage::On(Box::new(to.clone())))?;
    JOURNEY.go(ctx, begun, &from.kept, &kept).await?;
    Ok(Held { registration: to, kept })
}

/// What is asked before anything is typed; the others come before a face is looked at.
pub fn first_agreements(ctx: &Ctx) -> impl Iterator<Item = &Agreement> + Clone {
    ctx.realm.agreements.iter().filter(|one| !is_later(one))
}

/// What is asked separately before a face is looked at.
pub fn face_agreements(ctx: &Ctx) -> impl Iterator<Item = &Agreement> + Clone {
    ctx.realm.agreements.iter().filter(|one| is_later(one))
}

/// What is asked before the hall's record is used.
pub fn hall_agreements(ctx: &Ctx) -> impl Iterator<Item = &Agreement> + Clone {
    face_agreements(ctx).filter(|one| one.id == PERSONAL_AGREEMENT)
}

fn is_later(agreement: &Agreement) -> bool {
    [PERSONAL_AGREEMENT, FACE_AGREEMENT].contains(&agreement.id.as_str())
}

/// All of these, each as it stands, or `E_AGREEMENT`.
fn agreed<'a>(
    wanted: impl Iterator<Item = &'a Agreement> + Clone,
    ticked: &[Agreed],
) -> Result<Vec<Agreed>, Refusal> {
    if !are_agreed(wanted.clone(), ticked) {
        return Err(Refusal::Agreement);
    }
    Ok(wanted.map(|one| (one.id.clone(), one.version.clone())).collect())
}

/// Nothing is kept before the agreements are ticked. `E_OTP_RATE`.
pub async fn begin(
    ctx: &Ctx,
    begun: &Begun,
    way: Way,
    then: Then,
    ticked: &[Agreed],
) -> Result<(), Stop> {
    let agreed = agreed(first_agreements(ctx), ticked)?;
    let starts = limits::of_networks(ctx, "register-starts", STARTS_OF_ADDRESS);
    limits::take(ctx, &starts, HOUR).await?;
    let first = Registration::begun(way, then, agreed);
    let kept = sealed(ctx, &Stage::On(Box::new(first)))?;
    Ok(JOURNEY.begin(ctx, begun, &kept).await?)
}

/// The first page once more: another way begins anew, the same one keeps what was typed.
pub async fn begin_again(
    ctx: &Ctx,
    begun: &Begun,
    held: &Held,
    way: Way,
    ticked: &[Agreed],
) -> Result<(), Stop> {
    let agreed = agreed(first_agreements(ctx), ticked)?;
    if held.registration.way != way {
        let first = Registration::begun(way, held.registration.then.clone(), agreed);
        keep(ctx, begun, held, first).await?;
    }
    Ok(())
}

/// Who registers. Whoever came back to correct a name and has proved their phone before goes on from there.
pub async fn name(
    ctx: &Ctx,
    begun: &Begun,
    held: &Held,
    candidate: Candidate,
) -> Result<Verdict, Stop> {
    let named = held.registration.naming(candidate);
    let is_proved = named.access.as_ref().is_some_and(|access| access.proved_at.is_some());
    let is_judged = named.proof.is_some();
    let held = keep(ctx, begun, held, named).await?;
    match is_proved && !is_judged {
        true => judge::judge(ctx, begun, &held).await,
        false => Ok(Verdict::GoOn),
    }
}

/// Both parts that come before a face check.
pub async fn agree(ctx: &Ctx, begun: &Begun, held: &Held, ticked: &[Agreed]) -> Result<(), Stop> {
    let Some(Proof::Face { .. }) = held.registration.proof else {
        return Err(Refusal::State.into());
    };
    let more = agreed(face_agreements(ctx), ticked)?;
    keep(ctx, begun, held, held.registration.agreeing(more)).await?;
    Ok(())
}

/// Declining ends it, with nothing kept but the audit line.
pub async fn decline(ctx: &Ctx, begun: &Begun, held: &Held) -> Result<(), Fault> {
    JOURNEY.forget(ctx, begun).await;
    let way = held.registration.way.name().to_owned();
    let tx = ctx.begin().await?;
    tx.note(AuditEvent::RegistrationDeclined { way });
    Ok(tx.commit().await?)
}

/// What a phone is asked to prove; `None`: no face is due.
pub fn claim(registration: &Registration) -> Option<Claim> {
    let candidate = registration.candidate.as_ref()?;
    let Some(Proof::Face { has_agreed: true, .. }) = registration.proof else { return None };
    Some(Claim {
        to: ClaimedFor::Registration,
        kind: candidate.number.kind,
        number: candidate.number.as_str().to_owned(),
        name: Some(candidate.name.as_str().to_owned()),
    })
}
