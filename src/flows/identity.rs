//! In whose name: which identities a person has, and moving a session from one to another.

use super::{Ctx, Fault};
use crate::base::id::{AuthorisationId, EnterpriseId, PersonId};
use crate::base::secret::Secret;
use crate::domain::acting::{Acting, ActingIdentity, EnterpriseIdentity};
use crate::domain::authorisation::{Authorisation, State};
use crate::domain::enterprise::Enterprise;
use crate::domain::entrance::{Entrance, Subject};
use crate::domain::login::{Facts, Proved};
use crate::domain::person::PasswordState;
use crate::domain::refusal::{NoIdentity, Refusal};
use crate::store::logouts::LogoutDelivery;
use crate::store::sessions::Session;

/// The identity as it stands now, or why it cannot be used. Read at every issue of a token.
pub async fn load(
    ctx: &Ctx,
    person: PersonId,
    acting: Acting,
) -> Result<Result<ActingIdentity, NoIdentity>, Fault> {
    let Acting::Enterprise(id) = acting else { return Ok(Ok(ActingIdentity::Personal)) };
    let rows = ctx.services.store.rows();
    let Some(authorisation) = rows.authorisations().find(id).await? else {
        return Ok(Err(NoIdentity::None));
    };
    let enterprise = rows.enterprises().find(authorisation.enterprise).await?;
    Ok(of(ctx, person, acting, enterprise.map(|enterprise| (authorisation, enterprise))))
}

/// The same from rows that were read already.
pub fn of(
    ctx: &Ctx,
    person: PersonId,
    acting: Acting,
    held: Option<(Authorisation, Enterprise)>,
) -> Result<ActingIdentity, NoIdentity> {
    let Acting::Enterprise(id) = acting else { return Ok(ActingIdentity::Personal) };
    let held = held.filter(|(held, _)| held.id == id && held.person == person);
    let identity = of_held(ctx, held.ok_or(NoIdentity::None)?)?;
    Ok(ActingIdentity::Enterprise(Box::new(identity)))
}

fn of_held(
    ctx: &Ctx,
    (authorisation, enterprise): (Authorisation, Enterprise),
) -> Result<EnterpriseIdentity, NoIdentity> {
    authorisation.usable(&enterprise, ctx.now())?;
    let identity_type =
        ctx.realm.identity_type(&authorisation.identity_type).ok_or(NoIdentity::None)?;
    Ok(EnterpriseIdentity {
        permissions: identity_type.effective(&authorisation.permissions, &ctx.realm.catalogue()),
        identity_type: identity_type.clone(),
        enterprise,
        authorisation,
    })
}

/// All identities a person could act in now: by enterprise, then by the national code, the same
/// list whenever it is shown.
pub async fn usable(ctx: &Ctx, person: PersonId) -> Result<Vec<EnterpriseIdentity>, Fault> {
    let held = ctx.services.store.rows().standings().held(person).await?;
    Ok(in_order(held.into_iter().filter_map(|held| of_held(ctx, held).ok()).collect()))
}

fn in_order(mut identities: Vec<EnterpriseIdentity>) -> Vec<EnterpriseIdentity> {
    identities.sort_by(|a, b| {
        let key =
            |one: &EnterpriseIdentity| (one.enterprise.tin.clone(), one.identity_type.code.clone());
        key(a).cmp(&key(b))
    });
    identities
}

/// Those in one enterprise, for the chooser of a sign-in.
pub async fn usable_in(
    ctx: &Ctx,
    person: PersonId,
    enterprise: EnterpriseId,
) -> Result<Vec<EnterpriseIdentity>, Fault> {
    let held = ctx.services.store.rows().standings().held_in(person, enterprise).await?;
    Ok(in_order(held.into_iter().filter_map(|held| of_held(ctx, held).ok()).collect()))
}

/// Authorisations that wait for this person in one enterprise, with what the prompt shows.
pub async fn pending_in(
    ctx: &Ctx,
    person: PersonId,
    enterprise: EnterpriseId,
) -> Result<Vec<Authorisation>, Fault> {
    let all = ctx.services.store.rows().authorisations().list(person, enterprise).await?;
    let in_term = |one: &Authorisation| one.valid_to.is_none_or(|end| end >= ctx.now().day());
    Ok(all.into_iter().filter(|one| one.state == State::PendingByPerson && in_term(one)).collect())
}

/// What the next step of a sign-in depends on.
pub async fn facts(ctx: &Ctx, entrance: &Entrance, proved: &Proved) -> Result<Facts, Fault> {
    let rows = ctx.services.store.rows();
    let account = rows.accounts().find(proved.account).await?;
    let versions = ctx.realm.agreement_versions();
    let mut facts = Facts {
        needs_new_password: account.is_some_and(|one| one.password == PasswordState::Initial),
        needs_agreements: !rows.accounts().has_accepted(proved.account, &versions).await?,
        ..Facts::default()
    };
    let (Subject::Enterprise, Some(id)) = (entrance.subject, proved.enterprise) else {
        return Ok(facts);
    };
    for (authorisation, enterprise) in rows.standings().held_in(proved.person, id).await? {
        let alive = enterprise.status.is_alive();
        match (authorisation.usable(&enterprise, ctx.now()), authorisation.state) {
            (Ok(()), _) => facts.usable.push(authorisation.id),
            (_, State::PendingByPerson) if alive => facts.pending_by_person.push(authorisation.id),
            (_, State::PendingByEnterprise) if alive => {
                facts.why_none = Some(NoIdentity::PendingByEnterprise);
            }
            (Err(why), _) => facts.why_none = facts.why_none.or(Some(why)),
        }
    }
    Ok(facts)
}

/// Moves a session to another identity: re-checked now, under a new cookie, and every client of
/// the old identity is told (design: tokens are never re-labelled).
pub async fn switch(
    ctx: &Ctx,
    session: &Session,
    to: Acting,
) -> Result<Result<(Session, Secret), Refusal>, Fault> {
    if session.one_way_personal && to != Acting::Personal {
        return Ok(Err(Refusal::OneWay));
    }
    if let Err(why) = load(ctx, session.person, to).await? {
        return Ok(Err(Refusal::NoIdentity(why)));
    }
    let cookie = ctx.random().token();
    let now = ctx.now();
    let old_sid = session.acting.sid(&ctx.services.secrets.sid, session.id);
    let clients = ctx.services.store.rows().sessions().clients(session.id).await?;
    let tx = ctx.services.store.begin().await?;
    if !tx.rows().sessions().switch(session, to, cookie.hashed()).await? {
        return Ok(Err(Refusal::State));
    }
    tx.rows().grants().revoke_of_sid(session.id, &old_sid, now).await?;
    for client in clients.iter().filter(|client| client.sid == old_sid) {
        let delivery = LogoutDelivery {
            id: ctx.new_row_id(),
            realm: ctx.realm.id.clone(),
            client_id: client.client_id.clone(),
            sid: client.sid.clone(),
            subject: client.subject.clone(),
            n_tries: 0,
        };
        tx.rows().logouts().add(&delivery, now).await?;
    }
    tx.commit().await?;
    let one_way_personal = session.one_way_personal || to == Acting::Personal;
    Ok(Ok((Session { acting: to, one_way_personal, ..session.clone() }, cookie)))
}

/// The reference behind an id from a form, if it is one of these.
pub fn pick(identities: &[EnterpriseIdentity], id: &str) -> Result<Acting, Refusal> {
    let id: Option<AuthorisationId> = id.parse().ok();
    let known = identities.iter().find(|one| Some(one.authorisation.id) == id);
    known
        .map(|one| Acting::Enterprise(one.authorisation.id))
        .ok_or(Refusal::NoIdentity(NoIdentity::None))
}
