//! Moving a session to another identity: what it can be moved to, and the move (AC-48 to AC-57,
//! G-14 to G-16, S-11). Which identities a person has is `flows::identity::load`'s.

use crate::base::id::EnterpriseId;
use crate::base::secret::Secret;
use crate::domain::acting::{Acting, ActingIdentity, EnterpriseIdentity};
use crate::domain::audit::AuditEvent;
use crate::domain::engagement::AgentIdentity;
use crate::domain::entrance::Audience;
use crate::domain::refusal::{NoIdentity, Refusal};
use crate::domain::session::Session;
use crate::domain::wanted::{Needed, WantedIdentity};
use crate::flows::identity::choices::{clients, first_usable};
use crate::flows::identity::load::{load, look};
use crate::flows::notify::cause::Cause;
use crate::flows::notify::tell::{Told, end_identity};
use crate::flows::{Ctx, Fault, Stop};

/// Moves a session to another identity: re-checked now, under a new cookie, and every client of
/// the old identity is told (design: tokens are never re-labelled).
pub async fn switch(ctx: &Ctx, session: &Session, to: Acting) -> Result<(Session, Secret), Stop> {
    if session.one_way_personal && to != Acting::Personal {
        return Err(Refusal::OneWay.into());
    }
    if ctx.realm.audience_of(&session.entrance) != Audience::Tax {
        return Err(Refusal::Role.into());
    }
    if to == Acting::Personal && !offers_personal(ctx, session) {
        return Err(Refusal::OneWay.into());
    }
    if is_agent(session) && matches!(to, Acting::Enterprise(_) | Acting::Record(_)) {
        return Err(Refusal::Role.into());
    }
    // Where a known browser spared the factor, it did so for the person themself.
    let is_spared = to == Acting::Personal && ctx.realm.lacks_second_factor(session);
    if ctx.realm.is_bound_to_its_door(session) && !is_spared {
        return Err(Refusal::StepUpRequired.into());
    }
    load(ctx, session.person, to).await?;
    let cookie = ctx.random().token();
    let tx = ctx.begin().await?;
    if !tx.rows().sessions().switch(session, to, cookie.hashed()).await? {
        return Err(Refusal::State.into());
    }
    let told = Told::Ended { cause: Cause::Switched };
    end_identity(ctx, &tx, session, &told).await?;
    let event = AuditEvent::IdentitySwitched {
        person: session.person,
        from: session.acting.to_text(),
        to: to.to_text(),
    };
    tx.note(event);
    tx.commit().await?;
    let one_way_personal = session.one_way_personal || to == Acting::Personal;
    let moved =
        Session { acting: to, one_way_personal, cookie: cookie.hashed(), ..session.clone() };
    Ok((moved, cookie))
}

/// Not once it has become personal (invariant 7), nor from the social-insurance doors.
fn may_move(ctx: &Ctx, session: &Session) -> bool {
    !session.one_way_personal && ctx.realm.audience_of(&session.entrance) == Audience::Tax
}

/// Whoever works for an agency's clients goes to these, or to their own affairs, and to no enterprise of their own.
fn is_agent(session: &Session) -> bool {
    session.acting.assignment().is_some()
}

/// What a session can be moved to.
pub type Choices = (Vec<EnterpriseIdentity>, Vec<AgentIdentity>);

/// Client enterprises in one list; others are found by a search.
pub const MOST_CLIENTS: i64 = 200;

/// Enterprise identities, or the client enterprises of an agent (G-14), of those the ones whose name or number has
/// `text` in it; the first `n` of either. None that the handler has is told to whoever holds the enterprise's
/// certificate.
pub async fn choices(ctx: &Ctx, session: &Session, text: &str, n: usize) -> Result<Choices, Fault> {
    if !may_move(ctx, session) || session.proves_no_person() {
        return Ok((Vec::new(), Vec::new()));
    }
    let identities = match is_agent(session) {
        true => Vec::new(),
        false => first_usable(ctx, session.person, n, |_| true).await?,
    };
    // One more than a list shows tells that it was cut.
    let most = i64::try_from(n).unwrap_or(i64::MAX).min(MOST_CLIENTS + 1);
    let clients = match agency_of(ctx, session).await? {
        Some(agency) => clients(ctx, session.person, agency, text, 0, most).await?,
        None => Vec::new(),
    };
    Ok((identities, clients))
}

/// The agency that an agent's session works for.
async fn agency_of(ctx: &Ctx, session: &Session) -> Result<Option<EnterpriseId>, Fault> {
    let Some(id) = session.acting.assignment() else { return Ok(None) };
    let now = ctx.rows().engagements().find(id).await?;
    Ok(now.map(|now| now.agency.id))
}

/// What is wanted, with the enterprise behind each number.
pub async fn needed(ctx: &Ctx, wanted: &[WantedIdentity]) -> Result<Vec<Needed>, Fault> {
    let mut needs = Vec::new();
    for one in wanted {
        let enterprise = match &one.enterprise {
            Some(number) => ctx.rows().enterprises().find_by_number(number).await?,
            None => None,
        };
        let enterprise = enterprise.map(|enterprise| enterprise.id);
        needs.push(Needed { wanted: one.clone(), enterprise });
    }
    Ok(needs)
}

/// Those of a session's choices that fit all of what an application needs; `find`: what a person searches for, by
/// which clients are found that no list shows.
pub async fn fitting_choices(
    ctx: &Ctx,
    session: &Session,
    needs: &[Needed],
    find: &str,
) -> Result<Choices, Fault> {
    // Clients are found by the number that the enterprise has today.
    let enterprise = match needs.iter().find_map(|one| one.enterprise) {
        Some(id) => ctx.rows().enterprises().find(id).await?,
        None => None,
    };
    let number = enterprise.as_ref().map(|enterprise| enterprise.tin.as_str());
    let text = number.unwrap_or(find);
    let (mut identities, mut clients) = choices(ctx, session, text, usize::MAX).await?;
    let fits = |one: &ActingIdentity| needs.iter().all(|needed| needed.fits(one));
    identities.retain(|one| fits(&ActingIdentity::Enterprise(Box::new(one.clone()))));
    clients.retain(|one| fits(&ActingIdentity::Agent(Box::new(one.clone()))));
    Ok((identities, clients))
}

pub fn references((identities, clients): &Choices) -> Vec<Acting> {
    let enterprises = identities.iter().map(|one| Acting::Enterprise(one.authorisation.id));
    let clients = clients.iter().map(|one| Acting::Agent(one.assignment.id));
    enterprises.chain(clients).collect()
}

/// The choice of this id, also where the list was too long to show it.
pub async fn choice(ctx: &Ctx, session: &Session, id: &str) -> Result<ActingIdentity, Stop> {
    let none = Err(NoIdentity::None.into());
    if !may_move(ctx, session) || session.proves_no_person() {
        return none;
    }
    let (Ok(authorisation), Ok(assignment)) = (id.parse(), id.parse()) else { return none };
    if !is_agent(session) {
        let held = look(ctx, ctx.rows(), session.person, Acting::Enterprise(authorisation)).await?;
        return held.or(none);
    }
    let (agency, agent) = (
        agency_of(ctx, session).await?,
        look(ctx, ctx.rows(), session.person, Acting::Agent(assignment)).await?,
    );
    match agent {
        Ok(ActingIdentity::Agent(one)) if Some(one.agency.id) == agency => {
            Ok(ActingIdentity::Agent(one))
        }
        _ => none,
    }
}

/// Whether the session may go on as the person themself, from which no way leads back (AC-51,
/// G-15); a specific entity goes to enterprises alone (S-11).
pub fn offers_personal(ctx: &Ctx, session: &Session) -> bool {
    may_move(ctx, session) && session.acting.record().is_none()
}
