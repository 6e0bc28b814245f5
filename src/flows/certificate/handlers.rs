//! Who of an enterprise may come in by its certificate (C-03, C-10), and the one who does.

use crate::base::id::{AuthorisationId, PersonId};
use crate::domain::acting::Acting;
use crate::domain::authorisation::Authorisation;
use crate::domain::enterprise::Enterprise;
use crate::domain::entrance::{Audience, Step};
use crate::domain::factor::Way;
use crate::domain::identity_type::IdentityTypeName;
use crate::domain::login::{Certified, LoginTransaction, Next, Proved, Second};
use crate::domain::mask;
use crate::domain::person::{Account, Person};
use crate::domain::refusal::{NoIdentity, Refusal};
use crate::flows::identity::load::of_held;
use crate::flows::sign_in::{steps, transaction};
use crate::flows::{Ctx, Fault, Stop};

/// A handler as the chooser shows them: the browser has proved an enterprise, not a person.
pub struct Handler {
    pub authorisation: AuthorisationId,
    /// Masked.
    pub name: String,
    pub identity_type: IdentityTypeName,
    person: PersonId,
    account: Account,
}

/// Whoever could sign in to the enterprise now by themself and has agreed to the realm's terms: nobody
/// agrees in another's name (PIPL 14). In the order in which they were added.
pub async fn list(ctx: &Ctx, certified: &Certified) -> Result<Vec<Handler>, Fault> {
    let rows = ctx.rows();
    let found = rows.enterprises().find(certified.enterprise).await?;
    let is_bound = |one: &Enterprise| one.certificate_authorities.contains(&certified.authority);
    let is_trusted = ctx.realm.certificates.authority(&certified.authority).is_some();
    let Some(enterprise) = found.filter(is_bound).filter(|_| is_trusted) else {
        return Ok(Vec::new());
    };
    let mut found = Vec::new();
    for (authorisation, person) in rows.relations().handlers(enterprise.id).await? {
        let Ok(held) = of_held(ctx, (authorisation.clone(), enterprise.clone())) else { continue };
        if Audience::Tax.admits(&held.enterprise, &held.identity_type) {
            found.extend(handler(ctx, &authorisation, &person).await?);
        }
    }
    Ok(found)
}

async fn handler(
    ctx: &Ctx,
    authorisation: &Authorisation,
    person: &Person,
) -> Result<Option<Handler>, Fault> {
    let accounts = ctx.rows().accounts();
    let account = accounts.find_by_person(person.id).await?;
    let Some(account) = account.filter(|one| one.may_sign_in().is_ok()) else { return Ok(None) };
    let wanted = ctx.realm.agreements_to_sign_in();
    let versions: Vec<(String, String)> =
        wanted.map(|one| (one.id.clone(), one.version.clone())).collect();
    if !accounts.has_accepted(account.id, &versions).await? {
        return Ok(None);
    }
    Ok(Some(Handler {
        authorisation: authorisation.id,
        name: mask::name(person.name.as_str()),
        identity_type: authorisation.identity_type.clone(),
        person: person.id,
        account,
    }))
}

/// The sign-in goes on as this handler; one that is not in the list is nobody.
pub async fn choose(
    ctx: &Ctx,
    transaction: &LoginTransaction,
    id: &str,
) -> Result<LoginTransaction, Stop> {
    let is_due = steps::next(ctx, transaction).await? == Next::Step(Step::ChooseHandler);
    let certified = transaction.certified().filter(|_| is_due).ok_or(Refusal::State)?;
    let all = list(ctx, certified).await?;
    let chosen = all.into_iter().find(|one| one.authorisation.to_string() == id);
    let chosen = chosen.ok_or(Refusal::NoIdentity(NoIdentity::None))?;
    let proved = Proved {
        entrance: certified.entrance.clone(),
        person: chosen.person,
        account: chosen.account.id,
        enterprise: Some(certified.enterprise),
        record_kind: None,
        way: Way::Certificate(certified.keys),
        second: Second::NotAsked,
        era: chosen.account.era,
    };
    let acting = Acting::Enterprise(chosen.authorisation);
    transaction::advance(ctx, transaction, transaction.about(proved, Some(acting))?).await
}
