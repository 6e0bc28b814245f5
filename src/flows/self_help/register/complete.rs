//! The end of a registration: only here do person and account come to be, in one transaction with the
//! phone that is taken over, the levels one at a time, the agreements and whoever is told (R-11, R-14,
//! L-01). The relations of somebody who comes back stand as they stood (PC-26).

use crate::base::clock::Timestamp;
use crate::base::id::{AccountId, PersonId};
use crate::domain::audit::AuditEvent;
use crate::domain::authorisation::State;
use crate::domain::notice::{Audience, NoticeKind};
use crate::domain::person::{
    Account, AccountOrigin, AccountStatus, Help, PasswordState, Person, PhoneBinding,
};
use crate::domain::refusal::Refusal;
use crate::domain::registration::{
    Access, Candidate, Contact, Judged, Proof, Registration, levels,
};
use crate::flows::notify::person::tell_person;
use crate::flows::people::Agreed;
use crate::flows::relations::writer::notify;
use crate::flows::self_help::progress::Begun;
use crate::flows::self_help::register::judge::{Facts, Verdict, judge};
use crate::flows::self_help::register::{
    Held, JOURNEY, Stage, agreed, claim, hall_agreements, keep, sealed,
};
use crate::flows::sign_in::scan::claim as scan;
use crate::flows::{Ctx, Fault, Stop, people};
use crate::store::Tx;

/// Everything that is saved of it.
struct Registering<'a> {
    registration: &'a Registration,
    candidate: &'a Candidate,
    access: &'a Access,
    /// When the contact was proved.
    proved_at: Timestamp,
    proof: &'a Proof,
}

impl<'a> Registering<'a> {
    fn of(registration: &'a Registration) -> Result<Self, Refusal> {
        let Registration { candidate, access, proof, .. } = registration;
        let proved_at = access.as_ref().and_then(|access| access.proved_at);
        match (candidate, access, proved_at, proof) {
            (Some(candidate), Some(access), Some(proved_at), Some(proof)) => {
                Ok(Self { registration, candidate, access, proved_at, proof })
            }
            _ => Err(Refusal::State),
        }
    }

    /// `face` or `hall`.
    fn by(&self) -> &'static str {
        match self.proof {
            Proof::Hall => "hall",
            Proof::Face { .. } => "face",
        }
    }
}

/// The code that the page shows was confirmed by a phone: the face is the candidate's. What has become of the
/// number since is told as the proof of the contact would have told it; [`Verdict::GoOn`]: it is done, or asked anew.
pub async fn by_face(
    ctx: &Ctx,
    begun: &Begun,
    held: &Held,
    (id, verifier): (&str, &str),
) -> Result<Verdict, Stop> {
    let registration = &held.registration;
    let Some(wanted) = claim(registration) else { return Err(Refusal::State.into()) };
    let proved = scan::take(ctx, begun.key(), id, verifier).await?;
    if proved.claim != wanted {
        return Err(Refusal::State.into());
    }
    complete(ctx, begun, registration, held).await
}

/// The hall's record and its phone are enough. `ticked`: what was agreed to.
pub async fn by_hall(
    ctx: &Ctx,
    begun: &Begun,
    held: &Held,
    ticked: &[Agreed],
) -> Result<Verdict, Stop> {
    if held.registration.proof != Some(Proof::Hall) {
        return Err(Refusal::State.into());
    }
    let more = agreed(hall_agreements(ctx), ticked)?;
    complete(ctx, begun, &held.registration.agreeing(more), held).await
}

async fn complete(
    ctx: &Ctx,
    begun: &Begun,
    registration: &Registration,
    held: &Held,
) -> Result<Verdict, Stop> {
    let whole = Registering::of(registration)?;
    let tx = ctx.begin().await?;
    JOURNEY.use_up(&tx, begun).await?;
    match save(ctx, &tx, &whole).await {
        Err(Stop::Refused(Refusal::OtpExpired)) => {
            drop(tx);
            keep(ctx, begun, held, held.registration.unreached()).await?;
            return Err(Refusal::OtpExpired.into());
        }
        // The hall's record, or the person, is another by now: what is left to prove is asked anew.
        Err(Stop::Refused(Refusal::StepUpRequired)) => {
            drop(tx);
            return judge(ctx, begun, held).await;
        }
        Ok(verdict @ (Verdict::HasAccount | Verdict::Former)) => return Ok(verdict),
        Ok(Verdict::GoOn) => {}
        Err(stop) => return Err(stop),
    }
    tx.commit().await?;
    // Whoever looks again sees that it is done; where this fails they may sign in all the same.
    let done = sealed(ctx, &Stage::Done(registration.then.clone(), registration.way))?;
    if let Err(stop) = JOURNEY.go(ctx, begun, &held.kept, &done).await {
        tracing::warn!(%stop, "The end of a registration is not kept for another look");
    }
    Ok(Verdict::GoOn)
}

async fn save(ctx: &Ctx, tx: &Tx<'_>, whole: &Registering<'_>) -> Result<Verdict, Stop> {
    let facts = Facts::read(ctx, tx.rows().reading(), whole.candidate).await?;
    // As things stand now: somebody else may have been faster, or the hall's record another.
    match (facts.judge(whole.candidate, whole.access)?, whole.proof) {
        (Judged::HasAccount, _) => return Ok(Verdict::HasAccount),
        (Judged::Former, _) => return Ok(Verdict::Former),
        (Judged::Hall, _) | (Judged::Face { .. }, Proof::Face { .. }) => {}
        (Judged::Face { .. }, Proof::Hall) => return Err(Refusal::StepUpRequired.into()),
    }
    let person = save_person(ctx, tx, whole, facts.person.as_ref()).await?;
    let comes_back = tx.rows().accounts().has_cancelled(person).await?;
    if !people::hold_proved_document(ctx, tx, person, &whole.candidate.number).await? {
        return Err(Refusal::Taken.into());
    }
    if let Some(end) = facts.hall.as_ref().and_then(|record| record.document_ends) {
        people::date_document(tx, person, whole.candidate.number.kind, end).await?;
    }
    let account = open_account(ctx, tx, whole, person).await?;
    for (level, how) in levels(&whole.access.contact, whole.proof, facts.hall.as_ref()) {
        if !people::raise_level(ctx, tx, person, level, how).await? {
            return Err(Refusal::State.into());
        }
    }
    tell_person(ctx, tx, person, NoticeKind::Registered, None).await?;
    tx.note(AuditEvent::Registered { account, person, by: whole.by().to_owned() });
    if comes_back {
        tell_enterprises(ctx, tx, person).await?;
    }
    Ok(Verdict::GoOn)
}

/// A new person, or the one whom the registry, an invitation or a former account knows.
async fn save_person(
    ctx: &Ctx,
    tx: &Tx<'_>,
    whole: &Registering<'_>,
    known: Option<&Person>,
) -> Result<PersonId, Stop> {
    let (candidate, now) = (whole.candidate, ctx.now());
    let person = Person {
        id: known
            .map_or_else(|| PersonId::new(&ctx.services.clock, ctx.random()), |known| known.id),
        kind: whole.registration.way.kind(),
        name: candidate.name.clone(),
        sex: Some(candidate.sex.name().to_owned()),
        nationality: candidate.nationality.clone(),
        real_name_level: 0,
        email: known.and_then(|known| known.email.clone()),
        email_verified_at: known.and_then(|known| known.email_verified_at),
        created_at: known.map_or(now, |known| known.created_at),
        updated_at: now,
    };
    match known {
        Some(known) => people::register(tx, known, &person).await?,
        None => people::add(tx, &person).await?,
    }
    Ok(person.id)
}

async fn open_account(
    ctx: &Ctx,
    tx: &Tx<'_>,
    whole: &Registering<'_>,
    person: PersonId,
) -> Result<AccountId, Stop> {
    let account = Account {
        id: AccountId::new(&ctx.services.clock, ctx.random()),
        person,
        status: AccountStatus::Active,
        origin: AccountOrigin::Registered,
        username: None,
        password: PasswordState::Set(whole.access.password.clone()),
        help: Help::default(),
        era: 0,
    };
    people::open_account(ctx, tx, &account).await?;
    match &whole.access.contact {
        Contact::Phone(phone) => {
            let binding = PhoneBinding {
                account: account.id,
                phone: phone.clone(),
                is_default: true,
                verified_at: whole.proved_at,
            };
            // Somebody else has proved it since: it takes another code.
            if !people::bind_phone(ctx, tx, &binding).await? {
                return Err(Refusal::OtpExpired.into());
            }
        }
        Contact::Email(email) => people::change_email(ctx, tx, person, email).await?,
    }
    people::accept(ctx, tx, account.id, &whole.registration.agreed, "web").await?;
    Ok(account.id)
}

/// Whose relations work again at once: the managers of each enterprise hear of it (DEC-24).
async fn tell_enterprises(ctx: &Ctx, tx: &Tx<'_>, person: PersonId) -> Result<(), Fault> {
    for (one, _) in tx.rows().standings().held(person).await? {
        if one.state() == State::Active {
            let kind = NoticeKind::HandlerReturned;
            notify(ctx, tx, &one, kind, Audience::Managers, None).await?;
        }
    }
    Ok(())
}
