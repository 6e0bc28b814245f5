//! Codes of people who are not signed in: a phone proves that a document is theirs, by a face or by the
//! other operator's word. For somebody who does not exist the code looks alike in every respect, and
//! can never be confirmed. What a proved claim leads to is `flows::self_help`'s.

use crate::base::id::PersonId;
use crate::domain::factor::ScanApp;
use crate::domain::number::document::DocumentNumber;
use crate::domain::number::name::PersonName;
use crate::domain::refusal::Refusal;
use crate::domain::scan::{Claim, Number, Purpose, ScanState};
use crate::flows::self_help::document::Document;
use crate::flows::sign_in::scan::code::{self, Current, Shower};
use crate::flows::{Ctx, Fault, Stop};

/// A claim's document, and whose it is as far as that is known.
pub struct Claimed {
    /// Who holds it and has a live account; not asked for where a name was typed.
    pub person: Option<PersonId>,
    /// What the face is compared with; `None`: nobody's, and no face will do.
    pub name: Option<PersonName>,
    pub number: Option<DocumentNumber>,
}

/// The code of this app for a claim: the one that is live, or a new one. Nothing is looked up.
pub async fn show(ctx: &Ctx, key: &str, app: ScanApp, claim: Claim) -> Result<Current, Fault> {
    let by = Shower { transaction: key, client: None };
    code::show(ctx, &by, app, Purpose::Claim(claim)).await
}

/// Whose claim it is, as things stand now.
pub async fn whose(ctx: &Ctx, claim: &Claim) -> Result<Claimed, Fault> {
    let number = DocumentNumber::parse(claim.kind, &claim.number, ctx.now().day()).ok();
    if let Some(name) = &claim.name {
        return Ok(Claimed { person: None, name: PersonName::parse(name).ok(), number });
    }
    let person = holder(ctx, number.as_ref()).await?;
    let name = match person {
        Some(id) => ctx.rows().people().find(id).await?.map(|found| found.name),
        None => None,
    };
    Ok(Claimed { person, name, number })
}

/// The one person with a live account who holds this document.
pub async fn holder(ctx: &Ctx, number: Option<&DocumentNumber>) -> Result<Option<PersonId>, Fault> {
    let Some(number) = number else { return Ok(None) };
    let rows = ctx.rows();
    let found = rows.people().find_by_documents(std::slice::from_ref(number)).await?;
    let [person] = found[..] else { return Ok(None) };
    let account = rows.accounts().find_by_person(person).await?;
    Ok(account.map(|account| account.person))
}

/// What a document's face checks are counted by, whoever claims it and however it was typed.
pub fn counted_as(ctx: &Ctx, claim: &Claim) -> String {
    Document { kind: claim.kind, number: claim.number.clone() }.counted_as(ctx)
}

/// What the phone found out. A claim that is not true ends the code; `E_STEPUP_FAILED`.
pub async fn answer(
    ctx: &Ctx,
    id: &str,
    phone_key: &str,
    is_true: bool,
    typed: Option<Number>,
) -> Result<(), Stop> {
    let Some(found) = code::find(ctx, id).await? else { return Err(Refusal::ScanExpired.into()) };
    let Purpose::Claim(claim) = &found.purpose else { return Err(Refusal::State.into()) };
    let account = match whose(ctx, claim).await?.person {
        Some(person) => ctx.rows().accounts().find_by_person(person).await?,
        None => None,
    };
    let era = account.map(|account| account.era);
    let answered = found.answered(phone_key, is_true, typed, era, ctx.now())?;
    code::save(ctx, id, &found, &answered).await?;
    if matches!(answered.state, ScanState::Proved { .. }) {
        return Ok(());
    }
    code::count_failed(ctx, &found, None).await?;
    Err(Refusal::StepUpFailed.into())
}

/// A claim that a phone has proved.
pub struct Taken {
    pub claim: Claim,
    pub app: ScanApp,
    /// As of [`ScanState::Proved`].
    pub era: Option<i64>,
}

/// The browser that shows the code fetches that its claim was proved, once.
pub async fn take(ctx: &Ctx, key: &str, id: &str, verifier: &str) -> Result<Taken, Stop> {
    let Some(found) = code::find_shown(ctx, key, id, verifier).await? else {
        return Err(Refusal::ScanExpired.into());
    };
    if found.state == ScanState::Failed {
        return Err(Refusal::StepUpFailed.into());
    }
    let Purpose::Claim(claim) = &found.purpose else { return Err(Refusal::State.into()) };
    let (taken, era) = found.taken(ctx.now())?;
    code::save(ctx, id, &found, &taken).await?;
    Ok(Taken { claim: claim.clone(), app: found.app, era })
}
