//! The bureau's side: what waits, one application with all that an officer must see, and what they decide.
//! Every look and every decision says who and why. `E_STATE`: it is not there, or not to be decided now;
//! `E_ROLE`: this officer may not (N-11).

use crate::base::clock::Timestamp;
use crate::base::id::{ApplicationId, UploadId};
use crate::domain::audit::AuditEvent;
use crate::domain::help::Helper;
use crate::domain::mask::{self, Viewer};
use crate::domain::non_resident::{
    Application, Approval, Declared, Seen, State, Submitter, Upload,
};
use crate::domain::notice::NoticeKind;
use crate::domain::number::document::DocumentType;
use crate::domain::number::taxpayer::TaxpayerNumber;
use crate::domain::refusal::Refusal;
use crate::flows::non_resident::apply::submitted;
use crate::flows::non_resident::duplicates::{Alike, alike, alike_among};
use crate::flows::non_resident::{issue, keep};
use crate::flows::notify::person::tell_decided;
use crate::flows::{Ctx, Fault, Stop};
use crate::store::Tx;

/// Applications in one list.
const MOST_LISTED: u64 = 100;

/// One that waits.
pub struct Waiting {
    pub application: Application,
    pub since: Timestamp,
    pub due_at: Timestamp,
    pub is_late: bool,
    pub is_flagged: bool,
}

/// One as an officer sees it.
pub struct Case {
    pub application: Application,
    pub applicant: Applicant,
    pub files: Vec<Upload>,
    pub alike: Vec<Alike>,
}

/// Their name in full: it is compared with the files.
pub struct Applicant {
    pub name: String,
    pub nationality: String,
    pub real_name_level: u8,
    /// Masked.
    pub documents: Vec<(DocumentType, String)>,
    pub email: Option<String>,
}

/// The oldest first.
pub async fn waiting(ctx: &Ctx) -> Result<Vec<Waiting>, Fault> {
    let (rows, now) = (ctx.rows(), ctx.now());
    let without_hash = rows.non_residents().without_hash().await?;
    let mut found = Vec::new();
    for application in rows.non_residents().waiting(MOST_LISTED).await? {
        let (Some(since), Some(due_at)) = (application.waits_since(), application.due_at()) else {
            continue;
        };
        let is_flagged = !alike_among(rows, &application, &without_hash).await?.is_empty();
        found.push(Waiting { since, due_at, is_late: due_at < now, is_flagged, application });
    }
    Ok(found)
}

pub async fn look(ctx: &Ctx, officer: &Helper, id: ApplicationId) -> Result<Case, Stop> {
    let rows = ctx.rows();
    let application = rows.non_residents().find(id).await?.ok_or(Refusal::State)?;
    let person = rows.people().find(application.person).await?.ok_or(Refusal::State)?;
    let documents = rows.people().documents(person.id).await?;
    let documents =
        documents.into_iter().map(|one| (one.kind, mask::document(&one.number, Viewer::Other)));
    let applicant = Applicant {
        name: person.name.as_str().to_owned(),
        nationality: person.nationality,
        real_name_level: person.real_name_level,
        documents: documents.collect(),
        email: person.email.map(|email| mask::email(email.as_str(), Viewer::Other)),
    };
    let files = rows.non_residents().files(id).await?;
    let alike = alike(rows, &application).await?;
    seen(ctx, officer, &application, "look").await?;
    Ok(Case { application, applicant, files, alike })
}

/// A file as it came.
pub async fn file(
    ctx: &Ctx,
    officer: &Helper,
    id: ApplicationId,
    file: UploadId,
) -> Result<(Upload, Vec<u8>), Stop> {
    let rows = ctx.rows().non_residents();
    let application = rows.find(id).await?.ok_or(Refusal::State)?;
    let files = rows.files(id).await?;
    let upload = files.into_iter().find(|one| one.id == file).ok_or(Refusal::State)?;
    let content = rows.content(id, file).await?.ok_or(Refusal::State)?;
    seen(ctx, officer, &application, "look-at-file").await?;
    Ok((upload, content))
}

async fn seen(ctx: &Ctx, officer: &Helper, one: &Application, act: &str) -> Result<(), Fault> {
    let tx = ctx.begin().await?;
    note(&tx, officer, one, act);
    Ok(tx.commit().await?)
}

/// At the counter, for an applicant who is there; this officer reviews it no more (N-11).
pub async fn hand_in(ctx: &Ctx, officer: &Helper, id: ApplicationId) -> Result<(), Stop> {
    let tx = ctx.begin().await?;
    let one = found(&tx, id).await?;
    let by = Submitter::Officer(officer.name().to_owned());
    let next = submitted(ctx, &tx, &one, by).await?;
    note(&tx, officer, &next, "submit");
    Ok(tx.commit().await?)
}

/// To be corrected; the officer's reason is what the applicant reads.
pub async fn return_for_correction(
    ctx: &Ctx,
    officer: &Helper,
    seen: impl Into<Seen>,
) -> Result<(), Stop> {
    let (tx, seen) = (ctx.begin().await?, seen.into());
    let one = found(&tx, seen.id).await?;
    let next = one.return_for_correction(officer, ctx.now())?;
    seen.check(&one)?;
    decided(ctx, tx, officer, &next, ("return", NoticeKind::NonResidentReturned)).await
}

/// For good; the officer's reason is what the applicant reads.
pub async fn reject(ctx: &Ctx, officer: &Helper, seen: impl Into<Seen>) -> Result<(), Stop> {
    let (tx, seen) = (ctx.begin().await?, seen.into());
    let one = found(&tx, seen.id).await?;
    let next = one.reject(officer, ctx.now())?;
    seen.check(&one)?;
    decided(ctx, tx, officer, &next, ("reject", NoticeKind::NonResidentRejected)).await
}

async fn decided(
    ctx: &Ctx,
    tx: Tx<'_>,
    officer: &Helper,
    next: &Application,
    (act, kind): (&str, NoticeKind),
) -> Result<(), Stop> {
    keep(&tx, next).await?;
    tell_decided(ctx, &tx, next.person, kind, None).await?;
    note(&tx, officer, next, act);
    Ok(tx.commit().await?)
}

/// The code that was issued; `None`: it looks like another one, and a second officer has to agree (N-10).
/// `identity`: as this officer confirms it (N-09).
pub async fn approve(
    ctx: &Ctx,
    officer: &Helper,
    seen: impl Into<Seen>,
    identity: Declared,
) -> Result<Option<TaxpayerNumber>, Stop> {
    let (tx, seen) = (ctx.begin().await?, seen.into());
    let one = found(&tx, seen.id).await?;
    let is_flagged = !alike(tx.rows(), &one).await?.is_empty();
    let approval = one.approve(officer, identity, is_flagged, ctx.now())?;
    seen.check(&one)?;
    let approved = match approval {
        Approval::First(next) => {
            keep(&tx, &next).await?;
            note(&tx, officer, &next, "approve-first");
            tx.commit().await?;
            return Ok(None);
        }
        Approval::Full(approved) => approved,
    };
    let account = tx.rows().accounts().find_by_person(one.person).await?;
    if account.is_none() {
        return Err(Refusal::State.into());
    }
    let next = issue::issue(ctx, &tx, approved).await?;
    let State::Approved { code, .. } = &next.state else { return Err(Refusal::State.into()) };
    let kind = NoticeKind::NonResidentApproved;
    tell_decided(ctx, &tx, next.person, kind, Some(code.as_str())).await?;
    note(&tx, officer, &next, "approve");
    tx.commit().await?;
    Ok(Some(code.clone()))
}

async fn found(tx: &Tx<'_>, id: ApplicationId) -> Result<Application, Stop> {
    Ok(tx.rows().non_residents().find(id).await?.ok_or(Refusal::State)?)
}

fn note(tx: &Tx<'_>, officer: &Helper, one: &Application, act: &str) {
    tx.note(AuditEvent::NonResidentReviewed {
        person: one.person,
        application: one.id,
        act: act.to_owned(),
        by: officer.name().to_owned(),
        reason: officer.reason().to_owned(),
    });
}
