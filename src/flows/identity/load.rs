//! In whose name: which identities a person has, as they stand now, and what a sign-in needs to know of
//! them. Moving a session from one to another is `flows::identity::switch`.

use crate::base::id::PersonId;
use crate::domain::acting::{Acting, ActingIdentity, EnterpriseIdentity};
use crate::domain::authorisation::Authorisation;
use crate::domain::cross_region::{HeldRecord, RecordIdentity};
use crate::domain::enterprise::Enterprise;
use crate::domain::identity_type::{Capability, IdentityType, Permissions};
use crate::domain::refusal::NoIdentity;
use crate::flows::{Ctx, Fault, Stop};
use crate::store::Rows;
use crate::store::standing::Held;

/// The identity as it stands now; refused with the reason when it cannot be used.
pub async fn load(ctx: &Ctx, person: PersonId, acting: Acting) -> Result<ActingIdentity, Stop> {
    Ok(look(ctx, ctx.rows(), person, acting).await??)
}

/// What an identity is worth now, or why nothing.
pub type Worth = Result<ActingIdentity, NoIdentity>;

/// The same for those who go on either way; `rows`: as a transaction sees it.
pub async fn look(
    ctx: &Ctx,
    rows: Rows<'_>,
    person: PersonId,
    acting: Acting,
) -> Result<Worth, Fault> {
    let held = held(rows, person, acting).await?;
    Ok(of(ctx, person, acting, held))
}

/// What an identity rests on, whatever it is worth.
pub async fn held(rows: Rows<'_>, person: PersonId, acting: Acting) -> Result<Held, Fault> {
    Ok(match acting {
        Acting::Personal => Held::Nothing,
        Acting::Enterprise(id) => {
            let held = rows.standings().held_by(id).await?;
            held.map_or(Held::Nothing, |held| Held::Authorisation(Box::new(held)))
        }
        Acting::Record(id) => {
            let found = rows.cross_region().held(id, person).await?;
            found.map_or(Held::Nothing, |found| Held::Record(Box::new(found)))
        }
        Acting::Agent(id) => {
            let found = rows.engagements().find(id).await?;
            found.map_or(Held::Nothing, |found| Held::Assignment(Box::new(found)))
        }
    })
}

/// The same from rows that were read already.
pub fn of(ctx: &Ctx, person: PersonId, acting: Acting, held: Held) -> Worth {
    match (acting, held) {
        (Acting::Personal, _) => Ok(ActingIdentity::Personal),
        (Acting::Enterprise(id), Held::Authorisation(held))
            if held.0.id == id && held.0.person == person =>
        {
            Ok(ActingIdentity::Enterprise(Box::new(of_held(ctx, *held)?)))
        }
        (Acting::Agent(id), Held::Assignment(mut found))
            if found.assignment.id == id && found.assignment.person == person =>
        {
            found.usable(ctx.now())?;
            found.assignment.permissions = known(ctx, &found.assignment.permissions);
            Ok(ActingIdentity::Agent(found))
        }
        (Acting::Record(id), Held::Record(held)) if held.record.id == id => {
            Ok(ActingIdentity::Record(Box::new(of_record(ctx, person, *held)?)))
        }
        _ => Err(NoIdentity::None),
    }
}

/// Of these those that the realm knows; what no identity type bounds has no other bound (invariant 14).
fn known(ctx: &Ctx, permissions: &Permissions) -> Permissions {
    permissions.intersection(&ctx.realm.catalogue()).cloned().collect()
}

/// By a relation that sees every record of the enterprise (S-07), or because the document names
/// the person (S-08).
fn of_record(ctx: &Ctx, person: PersonId, held: HeldRecord) -> Result<RecordIdentity, NoIdentity> {
    held.usable(ctx.now())?;
    let sees_all = sees_all_records(ctx, &held.enterprise, &held.authorisations);
    let (identity_type, permissions) = match sees_all {
        Some((authorisation, identity_type)) => {
            let granted = authorisation.permissions();
            let permissions = identity_type.effective(granted, &ctx.realm.catalogue());
            (Some(identity_type.clone()), permissions)
        }
        None if held.is_handler => (None, known(ctx, &held.record.permissions)),
        None => return Err(NoIdentity::None),
    };
    let HeldRecord { record, enterprise, .. } = held;
    Ok(RecordIdentity { person, record, enterprise, identity_type, permissions })
}

pub fn sees_all_records<'a>(
    ctx: &'a Ctx,
    enterprise: &Enterprise,
    authorisations: &'a [Authorisation],
) -> Option<(&'a Authorisation, &'a IdentityType)> {
    let usable = authorisations.iter().filter(|one| one.usable(enterprise, ctx.now()).is_ok());
    let typed = usable.filter_map(|one| Some((one, ctx.realm.identity_type(&one.identity_type)?)));
    typed.into_iter().find(|(_, known)| known.can(Capability::SeeAllRecords))
}

pub fn of_held(
    ctx: &Ctx,
    (authorisation, enterprise): (Authorisation, Enterprise),
) -> Result<EnterpriseIdentity, NoIdentity> {
    authorisation.usable(&enterprise, ctx.now())?;
    let identity_type =
        ctx.realm.identity_type(&authorisation.identity_type).ok_or(NoIdentity::None)?;
    Ok(EnterpriseIdentity {
        permissions: identity_type.effective(authorisation.permissions(), &ctx.realm.catalogue()),
        identity_type: identity_type.clone(),
        enterprise,
        authorisation,
    })
}
