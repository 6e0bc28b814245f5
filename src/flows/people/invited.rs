//! A number that only an invitation names is nobody's: whoever proves that it is theirs, or is said by the registry
//! to hold it, has it, and what was asked by it goes over to them, as far as it could have been asked of them.

use crate::base::id::{EnterpriseId, PersonId};
use crate::domain::authorisation::{Authorisation, By, Event};
use crate::domain::number::document::DocumentNumber;
use crate::domain::number::name::PersonName;
use crate::domain::person::DocumentStatus;
use crate::domain::refusal::Refusal;
use crate::flows::relations::writer::{change_in, children, is_child};
use crate::flows::{Ctx, Fault, Stop};
use crate::store::{Rows, StoreError, Tx};

/// To whom a number goes, and by whose word.
pub(super) struct Prover<'n> {
    pub person: PersonId,
    pub name: &'n PersonName,
    pub by: By,
}

/// The enterprises that have asked somebody else by this number, and would have to be told: whoever passes it on holds
/// them all at once, and within a session before it.
pub async fn asked_by(
    rows: Rows<'_>,
    to: PersonId,
    number: &DocumentNumber,
) -> Result<Vec<EnterpriseId>, Fault> {
    let Some((from, _)) = rows.people().standing(number).await? else { return Ok(Vec::new()) };
    if from == to || !rows.people().is_only_invited(from).await? {
        return Ok(Vec::new());
    }
    let mut held = rows.standings().held(from).await?;
    held.retain(|(one, _)| !one.state().is_terminal());
    Ok(held.into_iter().map(|(_, enterprise)| enterprise.id).collect())
}

/// The document of a number, from whoever was only invited by it; `false`: it is somebody's, or the hall knows
/// whose. Where another act comes first, the same can be asked once more ([`StoreError::GaveWay`]).
pub(super) async fn pass_on(
    ctx: &Ctx,
    tx: &Tx<'_>,
    number: &DocumentNumber,
    to: &Prover<'_>,
) -> Result<bool, Stop> {
    let rows = tx.rows();
    let people = rows.people();
    let Some((from, DocumentStatus::Active)) = people.standing(number).await? else {
        return Ok(false);
    };
    if rows.hall_records().find(number).await?.is_some() || !people.is_only_invited(from).await? {
        return Ok(false);
    }
    // Once more where nobody can change it: whoever registers by the number has become somebody.
    if !people.pass_document(number, from, to.person).await?
        || !people.is_only_invited(from).await?
    {
        return Err(was_answered());
    }
    // By the number itself, which they do not hold yet.
    let is_young = number.birth_date.is_some_and(|born| is_child(ctx, born));
    for (one, _) in rows.standings().held(from).await? {
        if one.state().is_terminal() {
            continue;
        }
        let invited = rows.relations().handler(one.id).await?;
        let is_named = invited.is_some_and(|(_, invited)| invited.name == *to.name);
        let may_hold = is_named && !is_young && could_be_asked(ctx, tx, &one, to.person).await?;
        let proved = Event::Proved { holder: to.person, may_hold };
        let done = change_in(ctx, tx, &one, &proved, to.by).await;
        if matches!(done, Err(Stop::Refused(Refusal::State))) {
            return Err(was_answered());
        }
        done?;
    }
    Ok(true)
}

fn was_answered() -> Stop {
    StoreError::GaveWay("an invitation by this number, or its holder, has changed".to_owned())
        .into()
}

/// Whether an invitation could have named this person: nobody invites themself, a child, or whoever is there.
async fn could_be_asked(
    ctx: &Ctx,
    tx: &Tx<'_>,
    one: &Authorisation,
    person: PersonId,
) -> Result<bool, Fault> {
    let held = tx.rows().authorisations().list(person, one.enterprise).await?;
    let is_there =
        |held: &Authorisation| held.identity_type == one.identity_type && held.state().is_live();
    Ok(one.invited_by != Some(person)
        && !held.iter().any(is_there)
        && children(ctx, tx, &[person]).await?.is_empty())
}
