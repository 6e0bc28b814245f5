//! People and enterprises by their ids, as pages name them.

use crate::base::id::{EnterpriseId, PersonId};
use crate::domain::enterprise::Enterprise;
use crate::domain::mask;
use crate::domain::notice::Relation;
use crate::domain::person::Person;
use crate::flows::{Ctx, Fault};

pub async fn person(ctx: &Ctx, id: PersonId) -> Result<Option<Person>, Fault> {
    Ok(ctx.rows().people().find(id).await?)
}

/// For whoever is not that person; empty where nobody is known.
pub async fn masked_name(ctx: &Ctx, id: PersonId) -> Result<String, Fault> {
    let found = person(ctx, id).await?;
    Ok(found.map(|found| mask::name(found.name.as_str())).unwrap_or_default())
}

/// The holder of a relation, for whoever is on its other side.
pub async fn masked_holder(ctx: &Ctx, relation: &Relation) -> Result<String, Fault> {
    let found = ctx.rows().relations().handler(relation.authorisation).await?;
    Ok(found.map(|(_, holder)| mask::name(holder.name.as_str())).unwrap_or_default())
}

pub async fn enterprise(ctx: &Ctx, id: EnterpriseId) -> Result<Option<Enterprise>, Fault> {
    Ok(ctx.rows().enterprises().find(id).await?)
}
