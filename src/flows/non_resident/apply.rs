//! The applicant's side: a draft with its files is handed in, corrected where it came back, or given up. An
//! application of somebody else is not there: `E_STATE`.

use crate::base::id::{ApplicationId, PersonId, UploadId};
use crate::domain::acting::Acting;
use crate::domain::audit::AuditEvent;
use crate::domain::non_resident::{Application, Form, MOST, Submitter, Typed, Upload};
use crate::domain::person::{Person, PersonKind};
use crate::domain::refusal::Refusal;
use crate::domain::session::Session;
use crate::flows::non_resident::keep;
use crate::flows::sign_in::session;
use crate::flows::{Ctx, Fault, Stop};
use crate::store::Tx;

/// Applications that are listed.
const MOST_LISTED: u64 = 50;
/// Applications begun and files sent within a day.
const MOST_BEGUN: u32 = 10;
const MOST_SENT: u32 = 60;

const DAY_SECONDS: i64 = 86_400;

/// One's own application, with its files.
pub struct Mine {
    pub application: Application,
    pub files: Vec<Upload>,
}

/// Whoever may apply: an overseas person, signed in as themself. Nobody has a code without having
/// registered as one first (N-05): `E_STATE`.
pub async fn take_part(ctx: &Ctx, session: &Session) -> Result<Person, Stop> {
    if session.acting != Acting::Personal {
        return Err(Refusal::Role.into());
    }
    let person = ctx.rows().people().find(session.person).await?;
    let person = person.filter(|person| person.kind == PersonKind::Overseas);
    Ok(person.ok_or(Refusal::State)?)
}

/// The newest first.
pub async fn mine(ctx: &Ctx, session: &Session) -> Result<Vec<Mine>, Stop> {
    let person = take_part(ctx, session).await?;
    let rows = ctx.rows().non_residents();
    let mut found = Vec::new();
    for application in rows.of_person(person.id, MOST_LISTED).await? {
        let files = rows.files(application.id).await?;
        found.push(Mine { application, files });
    }
    Ok(found)
}

/// The form as a draft, or as the correction of `id`. `E_STATE`: there is another one already, or this one
/// is with the bureau.
pub async fn save(
    ctx: &Ctx,
    session: &Session,
    id: Option<ApplicationId>,
    typed: &Typed,
) -> Result<ApplicationId, Stop> {
    let person = take_part(ctx, session).await?;
    let form = Form::parse(typed)?;
    let Some(id) = id else { return begin(ctx, session, form).await };
    let (tx, _) = session::begin(ctx, session).await?;
    let next = own(&tx, person.id, id).await?.edit(form, ctx.now())?;
    keep(&tx, &next).await?;
    note(&tx, &next, "edit");
    tx.commit().await?;
    Ok(id)
}

async fn begin(ctx: &Ctx, session: &Session, form: Form) -> Result<ApplicationId, Stop> {
    count(ctx, &format!("nr-begun/{}", session.person), MOST_BEGUN).await?;
    let id = ApplicationId::new(&ctx.services.clock, ctx.random());
    let new = Application::begin(id, session.person, form, ctx.now());
    let (tx, _) = session::begin(ctx, session).await?;
    if !tx.rows().non_residents().add(&new).await? {
        return Err(Refusal::State.into());
    }
    note(&tx, &new, "begin");
    tx.commit().await?;
    Ok(id)
}

/// One more file. `E_FORMAT` at `uploads_many`: there are as many as there can be.
pub async fn add_file(
    ctx: &Ctx,
    session: &Session,
    id: ApplicationId,
    name: &str,
    content: &[u8],
) -> Result<(), Stop> {
    let person = take_part(ctx, session).await?;
    let new_id = UploadId::new(&ctx.services.clock, ctx.random());
    let upload = Upload::of(new_id, name, content, ctx.now())?;
    count(ctx, &format!("nr-sent/{}", person.id), MOST_SENT).await?;
    let (tx, _) = session::begin(ctx, session).await?;
    let next = own(&tx, person.id, id).await?.with_files(ctx.now())?;
    keep(&tx, &next).await?;
    let rows = tx.rows().non_residents();
    if rows.n_files(id).await? >= MOST as u64 {
        return Err(Refusal::format("uploads_many").into());
    }
    rows.add_file(id, &upload, content).await?;
    note(&tx, &next, "add-file");
    Ok(tx.commit().await?)
}

pub async fn remove_file(
    ctx: &Ctx,
    session: &Session,
    id: ApplicationId,
    file: UploadId,
) -> Result<(), Stop> {
    let person = take_part(ctx, session).await?;
    let (tx, _) = session::begin(ctx, session).await?;
    let next = own(&tx, person.id, id).await?.with_files(ctx.now())?;
    keep(&tx, &next).await?;
    if !tx.rows().non_residents().remove_file(id, file).await? {
        return Err(Refusal::State.into());
    }
    note(&tx, &next, "remove-file");
    Ok(tx.commit().await?)
}

pub async fn submit(ctx: &Ctx, session: &Session, id: ApplicationId) -> Result<(), Stop> {
    let person = take_part(ctx, session).await?;
    let (tx, _) = session::begin(ctx, session).await?;
    let one = own(&tx, person.id, id).await?;
    let next = submitted(ctx, &tx, &one, Submitter::Applicant).await?;
    note(&tx, &next, "submit");
    Ok(tx.commit().await?)
}

/// With the bureau from now on, whoever hands it in.
pub(super) async fn submitted(
    ctx: &Ctx,
    tx: &Tx<'_>,
    one: &Application,
    by: Submitter,
) -> Result<Application, Stop> {
    let n_files = tx.rows().non_residents().n_files(one.id).await?;
    let n_files = usize::try_from(n_files).unwrap_or(usize::MAX);
    let next = one.submit(by, n_files, ctx.now())?;
    keep(tx, &next).await?;
    Ok(next)
}

/// Its files go; that there was one stays.
pub async fn withdraw(ctx: &Ctx, session: &Session, id: ApplicationId) -> Result<(), Stop> {
    let person = take_part(ctx, session).await?;
    let (tx, _) = session::begin(ctx, session).await?;
    let one = own(&tx, person.id, id).await?;
    withdrawn(ctx, &tx, &one).await?;
    Ok(tx.commit().await?)
}

/// An account that is given up leaves nothing that an officer could still approve.
pub async fn withdraw_open_in(ctx: &Ctx, tx: &Tx<'_>, person: PersonId) -> Result<(), Stop> {
    let all = tx.rows().non_residents().of_person(person, MOST_LISTED).await?;
    for one in all.iter().filter(|one| one.is_open()) {
        withdrawn(ctx, tx, one).await?;
    }
    Ok(())
}

async fn withdrawn(ctx: &Ctx, tx: &Tx<'_>, one: &Application) -> Result<(), Stop> {
    let next = one.withdraw(ctx.now())?;
    keep(tx, &next).await?;
    tx.rows().non_residents().remove_files(one.id).await?;
    note(tx, &next, "withdraw");
    Ok(())
}

async fn own(tx: &Tx<'_>, person: PersonId, id: ApplicationId) -> Result<Application, Stop> {
    let found = tx.rows().non_residents().find(id).await?;
    Ok(found.filter(|one| one.person == person).ok_or(Refusal::State)?)
}

async fn count(ctx: &Ctx, what: &str, most: u32) -> Result<(), Stop> {
    let (count, retry_after) =
        ctx.ephemeral().count(what, DAY_SECONDS).await.map_err(Fault::from)?;
    match count > most {
        true => Err(Refusal::OtpRate { retry_after }.into()),
        false => Ok(()),
    }
}

fn note(tx: &Tx<'_>, one: &Application, act: &str) {
    tx.note(AuditEvent::NonResidentApplied {
        person: one.person,
        application: one.id,
        act: act.to_owned(),
    });
}
