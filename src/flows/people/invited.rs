//! A number that only an invitation names is nobody's: whoever proves that it is theirs has it, and what was asked
//! by it goes over to them, as far as it could have been asked of them.

use crate::base::id::PersonId;
use crate::domain::authorisation::{Authorisation, By, Event};
use crate::domain::number::document::DocumentNumber;
use crate::domain::person::{DocumentStatus, Person};
use crate::domain::refusal::Refusal;
use crate::flows::relations::writer::{change_in, children, is_child};
use crate::flows::{Ctx, Fault, Stop};
use crate::store::{StoreError, Tx};

/// The document of a number, from whoever was only invited by it to whoever has proved it; `false`: it is
/// somebody's, or the hall knows whose.
pub(super) async fn pass_on(
    ctx: &Ctx,
    tx: &Tx<'_>,
    to: PersonId,
    number: &DocumentNumber,
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
    if !people.pass_document(number, from, to).await? || !people.is_only_invited(from).await? {
        return Err(StoreError::Conflict("a number that was invited".to_owned()).into());
    }
    let prover = people.find(to).await?.ok_or(Refusal::State)?;
    // By the number itself, which they do not hold yet.
    let is_young = number.birth_date.is_some_and(|born| is_child(ctx, born));
    for (one, _) in rows.standings().held(from).await? {
        if one.state().is_terminal() {
            continue;
        }
        let invited = rows.relations().handler(one.id).await?;
        let is_named = invited.is_some_and(|(_, invited)| invited.name == prover.name);
        let may_hold = is_named && !is_young && could_be_asked(ctx, tx, &one, &prover).await?;
        let proved = Event::Proved { holder: to, may_hold };
        change_in(ctx, tx, &one, &proved, By::holder(to)).await?;
    }
    Ok(true)
}

/// Whether an invitation could have named this person: nobody invites themself, a child, or whoever is there.
async fn could_be_asked(
    ctx: &Ctx,
    tx: &Tx<'_>,
    one: &Authorisation,
    prover: &Person,
) -> Result<bool, Fault> {
    let held = tx.rows().authorisations().list(prover.id, one.enterprise).await?;
    let is_there =
        |held: &Authorisation| held.identity_type == one.identity_type && held.state().is_live();
    Ok(one.invited_by != Some(prover.id)
        && !held.iter().any(is_there)
        && children(ctx, tx, &[prover.id]).await?.is_empty())
}
