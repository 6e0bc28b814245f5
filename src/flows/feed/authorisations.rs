//! A line about a relation. What the registry says goes through the same table and the same writer as
//! everybody's acts; here it is only put into their words.

use std::collections::{BTreeSet, HashSet};

use uuid::Uuid;

use crate::base::id::{AuthorisationId, EnterpriseId, PersonId};
use crate::domain::authorisation::{Authorisation, By, Changed, Event, New, State, Terms};
use crate::domain::enterprise::Enterprise;
use crate::domain::feed::{AuthorisationLine, Wrong};
use crate::domain::identity_type::{IdentityType, IdentityTypeName};
use crate::domain::number::document::DocumentNumber;
use crate::domain::number::taxpayer::TaxpayerNumber;
use crate::domain::refusal::Refusal;
use crate::flows::feed::among::{Candidate, Once};
use crate::flows::feed::ends::not_followed;
use crate::flows::feed::fields::{TOO_YOUNG, enterprise, person, term};
use crate::flows::feed::not_taken::{NotTaken, Saved};
use crate::flows::relations::writer::{begin_all_in, begin_in, begun, change_in, children, put_in};
use crate::flows::{Ctx, Stop};
use crate::store::Tx;

/// The relation that the line is about, as the registry says it is now. `known`: what an older version of the
/// line became.
pub async fn save_authorisation(
    ctx: &Ctx,
    tx: &Tx<'_>,
    line: &AuthorisationLine,
    known: Option<AuthorisationId>,
) -> Result<Saved, NotTaken> {
    let event = event(line)?;
    if let Event::RegistryEnd(_) = event {
        return save_end(ctx, tx, line, known, &event).await;
    }
    let new = read(ctx, tx, line).await?;
    let tie = (new.enterprise, new.person, new.identity_type.name.clone());
    replaced(ctx, tx, known, &tie).await?;
    let all = tied(tx, &tie).await?;
    let (known, by) = (meant(&all, &event), By::REGISTRY);
    if let Some(known) = known.filter(|known| known.is_as_told(&event, ctx.now())) {
        return Ok(known.id.0.into());
    }
    let saved = match known {
        Some(known) => change_in(ctx, tx, known, &event, by).await,
        None => begin_in(ctx, tx, new, &event, by).await,
    };
    Ok(saved.map_err(|stop| not_taken(stop, known, line))?.id.0.into())
}

/// Whom a relation ties to what, and as what.
type Tie = (EnterpriseId, PersonId, IdentityTypeName);

/// What is over is over whoever asked for it, for however long, and whether the realm still knows the identity
/// type. Where an enterprise or a person is no longer found by the line's number, it speaks of what it had become.
async fn save_end(
    ctx: &Ctx,
    tx: &Tx<'_>,
    line: &AuthorisationLine,
    known: Option<AuthorisationId>,
    end: &Event,
) -> Result<Saved, NotTaken> {
    let (tie, remark) = match (named_tie(tx, line).await, known) {
        (Err(NotTaken::Wrong(why)), Some(known)) => {
            let Some(known) = tx.rows().authorisations().find(known).await? else {
                return Err(why.into());
            };
            ((known.enterprise, known.person, known.identity_type), Some(not_followed(&why)))
        }
        (tie, _) => (tie?, None),
    };
    let remarks = remark.into_iter().collect();
    // What another line has told of the right one stays: this line's own is over, and that is all it says.
    if let Some(replaced) = replaced(ctx, tx, known, &tie).await? {
        return Ok(Saved { target: replaced.0, remarks });
    }
    let all = tied(tx, &tie).await?;
    let Some(known) = meant(&all, end) else {
        return Err(Wrong::field("state", "there is no such relation to end").into());
    };
    if !known.is_as_told(end, ctx.now()) {
        let ended = change_in(ctx, tx, known, end, By::REGISTRY).await;
        ended.map_err(|stop| not_taken(stop, Some(known), line))?;
    }
    Ok(Saved { target: known.id.0, remarks })
}

async fn named_tie(tx: &Tx<'_>, line: &AuthorisationLine) -> Result<Tie, NotTaken> {
    let enterprise = enterprise(tx, "enterprise", &line.enterprise).await?;
    let person = person(tx, "person", &line.person).await?;
    Ok((enterprise, person, IdentityTypeName(line.identity_type.clone())))
}

/// All that there was of it, oldest first.
async fn tied(tx: &Tx<'_>, tie: &Tie) -> Result<Vec<Authorisation>, NotTaken> {
    let (enterprise, person, identity_type) = tie;
    let mut all = tx.rows().authorisations().list(*person, *enterprise).await?;
    all.retain(|one| one.identity_type == *identity_type);
    Ok(all)
}

/// What an older version of the line said of another person, enterprise or identity type: it was wrong, and is
/// over before what is right begins.
async fn replaced(
    ctx: &Ctx,
    tx: &Tx<'_>,
    known: Option<AuthorisationId>,
    (enterprise, person, identity_type): &Tie,
) -> Result<Option<AuthorisationId>, NotTaken> {
    let Some(known) = known else { return Ok(None) };
    let Some(known) = tx.rows().authorisations().find(known).await? else { return Ok(None) };
    let is_same = (known.enterprise, known.person, &known.identity_type)
        == (*enterprise, *person, identity_type);
    if is_same {
        return Ok(None);
    }
    if !known.state().is_terminal() {
        // Both, before either is changed: in the order in which everybody holds several.
        tx.rows().enterprises().hold_all(&[known.enterprise, *enterprise]).await?;
        change_in(ctx, tx, &known, &known.registry_end(), By::REGISTRY).await?;
    }
    Ok(Some(known.id))
}

/// The same into an empty realm, where nobody is told.
pub async fn put_authorisation(
    ctx: &Ctx,
    tx: &Tx<'_>,
    line: &AuthorisationLine,
) -> Result<(), NotTaken> {
    let (event, new) = (event(line)?, read(ctx, tx, line).await?);
    let put = put_in(ctx, tx, new, &event, By::REGISTRY).await;
    put.map_err(|stop| not_taken(stop, None, line))
}

async fn read<'c>(
    ctx: &'c Ctx,
    tx: &Tx<'_>,
    line: &AuthorisationLine,
) -> Result<New<'c>, NotTaken> {
    let known = ctx.realm.identity_type(&IdentityTypeName(line.identity_type.clone()));
    let Some(identity_type) = known else {
        return Err(Wrong::field("identity_type", "the realm has no such identity type").into());
    };
    let (valid_from, _) = term(&line.valid_from, line.valid_to.as_deref())?;
    Ok(New {
        id: AuthorisationId::new(&ctx.services.clock, ctx.random()),
        enterprise: enterprise(tx, "enterprise", &line.enterprise).await?,
        person: person(tx, "person", &line.person).await?,
        identity_type,
        valid_from,
        invited_by: match &line.invited_by {
            Some(number) => Some(person(tx, "invited_by", number).await?),
            None => None,
        },
    })
}

/// What the registry says has happened. Of what is over nobody asks since when it was and for how long.
fn event(line: &AuthorisationLine) -> Result<Event, Wrong> {
    let Some(state) = State::parse(&line.state) else {
        return Err(Wrong::field("state", "no such state"));
    };
    if state.is_terminal() {
        return Ok(Event::RegistryEnd(state));
    }
    let (valid_from, valid_to) = term(&line.valid_from, line.valid_to.as_deref())?;
    let terms = Terms { permissions: line.permissions.iter().cloned().collect(), valid_to };
    Ok(Event::Registry { state, valid_from, terms })
}

/// A line whose enterprise and person are known.
struct Named<'l, 'c> {
    line: &'l AuthorisationLine,
    is_new: bool,
    enterprise: Enterprise,
    person: PersonId,
    identity_type: &'c IdentityType,
}

/// Begins those of many lines between whose person and enterprise there never was anything, in
/// enterprises about which the lines say nothing else. The row of each; `None`: it is to be looked at
/// alone.
pub(super) async fn begin_unknown(
    ctx: &Ctx,
    tx: &Tx<'_>,
    lines: &[Candidate<'_, AuthorisationLine>],
) -> Result<Vec<Option<Uuid>>, NotTaken> {
    let named = named(ctx, tx, lines).await?;
    let all: Vec<&Named<'_, '_>> = named.iter().flatten().collect();
    let enterprises: BTreeSet<EnterpriseId> = all.iter().map(|one| one.enterprise.id).collect();
    let enterprises: Vec<EnterpriseId> = enterprises.into_iter().collect();
    let people: Vec<PersonId> = all.iter().map(|one| one.person).collect();
    // Whoever is named legal representative meanwhile waits.
    tx.rows().enterprises().hold_all(&enterprises).await?;
    let known = tx.rows().authorisations().pairs(&people, &enterprises).await?;
    let children = children(ctx, tx, &people).await?;
    let only_one: Vec<IdentityTypeName> = ctx
        .realm
        .identity_types
        .values()
        .filter(|(one, _)| one.is_held_by_one())
        .map(|(one, _)| one.name.clone())
        .collect();
    let holders = tx.rows().authorisations().held_in(&enterprises, &only_one).await?;
    let holders: HashSet<(EnterpriseId, IdentityTypeName)> =
        holders.into_iter().map(|one| (one.enterprise, one.identity_type)).collect();
    let one_pair = Once::among(all.iter().map(|one| (one.person, one.enterprise.id)));
    let place = |one: &Named<'_, '_>| (one.enterprise.id, one.identity_type.name.clone());
    let one_place = Once::among(all.iter().map(|one| place(one)));
    let begins = |one: &Named<'_, '_>| {
        let is_free = !one.identity_type.is_held_by_one()
            || (one_place.has(&place(one)) && !holders.contains(&place(one)));
        let pair = (one.person, one.enterprise.id);
        let is_first = one_pair.has(&pair) && !known.contains(&pair);
        let begins = one.is_new && is_free && is_first && !children.contains(&one.person);
        begins.then(|| one.begin(ctx)).flatten()
    };
    let begun: Vec<Option<Changed>> =
        named.iter().map(|one| one.as_ref().and_then(begins)).collect();
    // Whom an act is told depends on the acts before it: an enterprise's lines go together.
    let alone = named.iter().zip(&begun).filter(|(_, begun)| begun.is_none());
    let alone: HashSet<EnterpriseId> =
        alone.filter_map(|(one, _)| Some(one.as_ref()?.enterprise.id)).collect();
    let together =
        begun.into_iter().map(|one| one.filter(|one| !alone.contains(&one.after().enterprise)));
    let together: Vec<Option<Changed>> = together.collect();
    let targets = together.iter().map(|one| one.as_ref().map(|one| one.after().id.0)).collect();
    let enterprises =
        named.into_iter().flatten().map(|one| (one.enterprise.id, one.enterprise)).collect();
    begin_all_in(ctx, tx, together.into_iter().flatten().collect(), &enterprises).await?;
    Ok(targets)
}

impl Named<'_, '_> {
    /// `None`: the table refuses it, or it is an end.
    fn begin(&self, ctx: &Ctx) -> Option<Changed> {
        let line = self.line;
        let event = event(line).ok().filter(|event| matches!(event, Event::Registry { .. }))?;
        // Who asked is looked up alone.
        if line.invited_by.is_some() {
            return None;
        }
        let new = New {
            id: AuthorisationId::new(&ctx.services.clock, ctx.random()),
            enterprise: self.enterprise.id,
            person: self.person,
            identity_type: self.identity_type,
            valid_from: term(&line.valid_from, line.valid_to.as_deref()).ok()?.0,
            invited_by: None,
        };
        begun(ctx, new, &event, By::REGISTRY).ok()
    }
}

/// The lines with what their numbers lead to; `None` where that is not one.
async fn named<'l, 'c>(
    ctx: &'c Ctx,
    tx: &Tx<'_>,
    lines: &[Candidate<'l, AuthorisationLine>],
) -> Result<Vec<Option<Named<'l, 'c>>>, NotTaken> {
    let (today, rows) = (ctx.now().day(), tx.rows());
    let numbers: Vec<TaxpayerNumber> =
        lines.iter().map(|one| TaxpayerNumber::asked(&one.line.enterprise)).collect();
    let documents: Vec<Vec<DocumentNumber>> =
        lines.iter().map(|one| DocumentNumber::referred_to(&one.line.person, today)).collect();
    let enterprises = rows.enterprises().find_by_numbers(&numbers).await?;
    let holders = rows.people().holders(&documents.concat()).await?;
    let looked = lines.iter().zip(numbers).zip(documents);
    let name = |((candidate, number), documents): ((&Candidate<'l, _>, _), Vec<DocumentNumber>)| {
        let line: &'l AuthorisationLine = candidate.line;
        let held = documents.iter().filter_map(|number| holders.get(number));
        let people: BTreeSet<PersonId> =
            held.filter(|holder| !holder.is_former).map(|holder| holder.person).collect();
        let identity_type = IdentityTypeName(line.identity_type.clone());
        Some(Named {
            line,
            is_new: candidate.is_new,
            enterprise: enterprises.get(&number)?.clone(),
            person: people.first().copied().filter(|_| people.len() == 1)?,
            identity_type: ctx.realm.identity_type(&identity_type)?,
        })
    };
    Ok(looked.map(name).collect())
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
