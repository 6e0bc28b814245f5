//! The hall's side of authorisations (X-18, PC-25): officers add handlers who could not be added online, change
//! and withdraw what the hall has added, and end relations, also of people who have given their account up.
//! Each look and act says who and why. What follows is the writer's, as from everybody.

use crate::base::id::{AuthorisationId, EnterpriseId};
use crate::domain::authorisation::{Authorisation, By, Event, Origin, State};
use crate::domain::enterprise::Enterprise;
use crate::domain::help::Helper;
use crate::domain::identity_type::Permissions;
use crate::domain::number::taxpayer::TaxpayerNumber;
use crate::domain::refusal::Refusal;
use crate::flows::officer::{Subject, look, note};
use crate::flows::relations::manager::{
    CheckedHandler, Listed, add_in, check_terms, listed, listed_in,
};
use crate::flows::relations::naming::{Asker, Naming};
use crate::flows::relations::writer::change_in;
use crate::flows::{Ctx, Stop};

/// An enterprise as the counter sees it.
pub struct AtCounter {
    pub enterprise: Enterprise,
    /// Everybody who is tied to it, or waits to be.
    pub handlers: Vec<Listed>,
}

/// By a number that it has or had; `E_STATE`: no enterprise has it.
pub async fn find(ctx: &Ctx, officer: &Helper, number: &str) -> Result<EnterpriseId, Stop> {
    let number = TaxpayerNumber::asked(number);
    let found = ctx.rows().enterprises().find_by_number(&number).await?;
    let subject = Subject { enterprise: found.as_ref().map(|one| one.id), ..Subject::default() };
    look(ctx, officer, "find-enterprise", subject).await?;
    Ok(found.ok_or(Refusal::State)?.id)
}

pub async fn at(ctx: &Ctx, officer: &Helper, id: EnterpriseId) -> Result<AtCounter, Stop> {
    let enterprise = ctx.rows().enterprises().find(id).await?.ok_or(Refusal::State)?;
    let handlers = listed_in(ctx, id).await?;
    let subject = Subject { enterprise: Some(id), ..Subject::default() };
    look(ctx, officer, "look-at-handlers", subject).await?;
    Ok(AtCounter { enterprise, handlers })
}

/// One of them, in full but for what is masked of everybody.
pub async fn one(ctx: &Ctx, officer: &Helper, id: AuthorisationId) -> Result<Listed, Stop> {
    let found = ctx.rows().authorisations().find(id).await?.ok_or(Refusal::State)?;
    let subject = subject(&found);
    let listed = listed(ctx, found).await?.ok_or(Refusal::State)?;
    look(ctx, officer, "look-at-handler", subject).await?;
    Ok(listed)
}

fn subject(one: &Authorisation) -> Subject {
    Subject {
        person: Some(one.person),
        enterprise: Some(one.enterprise),
        about: Some(one.id.to_string()),
    }
}

/// What an officer may do with it; the table decides again.
pub fn acts(one: &Authorisation) -> &'static [&'static str] {
    match (one.state(), one.origin) {
        (State::PendingByPerson, Origin::Hall) => &["edit", "withdraw"],
        (State::PendingByPerson, _) => &["withdraw"],
        (State::Active, _) => &["edit", "end"],
        _ => &[],
    }
}

/// A handler who has yet to confirm, like those whom a manager adds; only the hall takes it back (AC-27).
pub async fn add(
    ctx: &Ctx,
    officer: &Helper,
    enterprise: EnterpriseId,
    new: CheckedHandler,
) -> Result<Authorisation, Stop> {
    let naming = Naming::begin(ctx, Asker::Officer(officer), enterprise, &new.number).await?;
    let added = async {
        let tx = ctx.begin().await?;
        tx.rows().enterprises().find(enterprise).await?.ok_or(Refusal::State)?;
        let added = add_in(ctx, &tx, enterprise, new, By::OFFICER).await?;
        note(&tx, officer, "add-handler", subject(&added));
        tx.commit().await?;
        Ok(added)
    };
    naming.end(ctx, added.await).await
}

/// What was seen of one, and what it is to give from now on.
pub struct Change<'a> {
    pub id: AuthorisationId,
    /// Of two changes at once one is `E_STATE`.
    pub version: i64,
    pub permissions: &'a Permissions,
    /// `None` is long-term.
    pub valid_to: Option<&'a str>,
}

pub async fn edit(ctx: &Ctx, officer: &Helper, change: &Change<'_>) -> Result<(), Stop> {
    let found = ctx.rows().authorisations().find(change.id).await?.ok_or(Refusal::State)?;
    if found.version() != change.version {
        return Err(Refusal::State.into());
    }
    let terms = check_terms(ctx, &found.identity_type, change.permissions, change.valid_to);
    let terms = terms.map_err(|refusal| match refusal {
        // What the registry alone gives.
        refusal if refusal == Refusal::format("identity_type") => Refusal::Protected,
        refusal => refusal,
    })?;
    act(ctx, officer, &found, (&Event::Edit(terms), "edit-handler")).await
}

pub async fn withdraw(ctx: &Ctx, officer: &Helper, id: AuthorisationId) -> Result<(), Stop> {
    let found = ctx.rows().authorisations().find(id).await?.ok_or(Refusal::State)?;
    act(ctx, officer, &found, (&Event::Withdraw, "withdraw-handler")).await
}

/// Whether its person has an account or not (PC-25).
pub async fn end(ctx: &Ctx, officer: &Helper, id: AuthorisationId) -> Result<(), Stop> {
    let found = ctx.rows().authorisations().find(id).await?.ok_or(Refusal::State)?;
    act(ctx, officer, &found, (&Event::Delete, "end-relation")).await
}

async fn act(
    ctx: &Ctx,
    officer: &Helper,
    found: &Authorisation,
    (event, name): (&Event, &str),
) -> Result<(), Stop> {
    let tx = ctx.begin().await?;
    change_in(ctx, &tx, found, event, By::OFFICER).await?;
    note(&tx, officer, name, subject(found));
    Ok(tx.commit().await?)
}
