//! A line about a relation. What the registry says goes through the same table and the same writer as
//! everybody's acts; here it is only put into their words.

use uuid::Uuid;

use crate::base::id::AuthorisationId;
use crate::domain::authorisation::{Authorisation, By, Event, New, State, Terms};
use crate::domain::feed::{AuthorisationLine, Wrong};
use crate::domain::identity_type::IdentityTypeName;
use crate::domain::refusal::Refusal;
use crate::flows::feed::fields::{TOO_YOUNG, enterprise, person, term};
use crate::flows::feed::not_taken::NotTaken;
use crate::flows::relations::writer::{begin_in, change_in, put_in};
use crate::flows::{Ctx, Stop};
use crate::store::Tx;

/// The relation that the line is about, as the registry says it is now.
pub async fn save_authorisation(
    ctx: &Ctx,
    tx: &Tx<'_>,
    line: &AuthorisationLine,
) -> Result<Uuid, NotTaken> {
    let (new, event) = read(ctx, tx, line).await?;
    let mut all = tx.rows().authorisations().list(new.person, new.enterprise).await?;
    all.retain(|one| one.identity_type == new.identity_type.name);
    let (known, by) = (meant(&all, &event), By::REGISTRY);
    if let Some(known) = known.filter(|known| known.is_as_told(&event, ctx.now())) {
        return Ok(known.id.0);
    }
    let saved = match (known, &event) {
        (Some(known), _) => change_in(ctx, tx, known, &event, by).await,
        (None, Event::RegistryEnd(_)) => {
            return Err(Wrong::field("state", "there is no such relation to end").into());
        }
        (None, _) => begin_in(ctx, tx, new, &event, by).await,
    };
    Ok(saved.map_err(|stop| not_taken(stop, known, line))?.id.0)
}

/// The same into an empty realm, where nobody is told.
pub async fn put_authorisation(
    ctx: &Ctx,
    tx: &Tx<'_>,
    line: &AuthorisationLine,
) -> Result<(), NotTaken> {
    let (new, event) = read(ctx, tx, line).await?;
    let put = put_in(ctx, tx, new, &event, By::REGISTRY).await;
    put.map_err(|stop| not_taken(stop, None, line))
}

async fn read<'c>(
    ctx: &'c Ctx,
    tx: &Tx<'_>,
    line: &AuthorisationLine,
) -> Result<(New<'c>, Event), NotTaken> {
    let known = ctx.realm.identity_type(&IdentityTypeName(line.identity_type.clone()));
    let Some(identity_type) = known else {
        return Err(Wrong::field("identity_type", "the realm has no such identity type").into());
    };
    let Some(state) = State::parse(&line.state) else {
        return Err(Wrong::field("state", "no such state").into());
    };
    let (valid_from, valid_to) = term(&line.valid_from, line.valid_to.as_deref())?;
    let new = New {
        id: AuthorisationId::new(&ctx.services.clock, ctx.random()),
        enterprise: enterprise(tx, "enterprise", &line.enterprise).await?,
        person: person(tx, "person", &line.person).await?,
        identity_type,
        valid_from,
        invited_by: match &line.invited_by {
            Some(number) => Some(person(tx, "invited_by", number).await?),
            None => None,
        },
    };
    let terms = Terms { permissions: line.permissions.iter().cloned().collect(), valid_to };
    let event = match state.is_terminal() {
        true => Event::RegistryEnd(state),
        false => Event::Registry { state, terms },
    };
    Ok((new, event))
}

/// Of one person's relations of one type in one enterprise, oldest first: the live one, or the
/// newest that the registry may revive or find over. `None`: it speaks of a new one.
fn meant<'a>(all: &'a [Authorisation], event: &Event) -> Option<&'a Authorisation> {
    let live = all.iter().find(|one| one.state().is_live());
    let newest = || all.iter().next_back();
    live.or_else(|| match event {
        Event::Registry { state: State::Active, .. } => {
            newest().filter(|one| one.state() == State::Expired)
        }
        Event::Registry { .. } => None,
        _ => newest(),
    })
}

/// What the table refuses is the line's fault, and its report says which field.
fn not_taken(stop: Stop, known: Option<&Authorisation>, line: &AuthorisationLine) -> NotTaken {
    let Stop::Refused(refusal) = stop else { return stop.into() };
    let wrong = match (refusal, known) {
        (Refusal::Format { fields }, _) => match fields.first() {
            Some(&"permissions") => {
                Wrong::field("permissions", "not all of them fit the identity type")
            }
            Some(&"handler_age") => Wrong::field("person", TOO_YOUNG),
            field => Wrong::field(field.copied().unwrap_or("value"), "does not fit"),
        },
        (_, Some(known)) => {
            let (is, wanted) = (known.state().name(), &line.state);
            Wrong::field("state", format!("`{is}` does not become `{wanted}` by the registry"))
        }
        (_, None) => Wrong::field("state", format!("none begins as `{}`", line.state)),
    };
    wrong.into()
}
