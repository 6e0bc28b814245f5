//! Who is an officer, and with which roles: by an operator at a shell, or by a colleague whose duty it is.
//! Each act says who and why. A lock or other roles end what is open at once, on every node.

use crate::base::id::OfficerId;
use crate::domain::audit::AuditEvent;
use crate::domain::help::Helper;
use crate::domain::number::name::PersonName;
use crate::domain::officer::{Login, Officer, Roles};
use crate::domain::refusal::Refusal;
use crate::flows::officer::console;
use crate::flows::{Ctx, Fault, Stop};
use crate::store::Tx;
use crate::store::officers::Invitation;

/// How long a link is good.
const LINK_SECONDS: i64 = 86_400;

/// By their logins.
pub async fn list(ctx: &Ctx) -> Result<Vec<Officer>, Fault> {
    Ok(ctx.rows().officers().list().await?)
}

/// `E_STATE`: nobody has this login.
pub async fn named(ctx: &Ctx, login: &str) -> Result<Officer, Stop> {
    let login = Login::parse(login)?;
    Ok(ctx.rows().officers().find_by_login(&login).await?.ok_or(Refusal::State)?)
}

/// A new officer, and the link that they enter by once, for a day. `E_TAKEN`: the login is or was
/// somebody's.
pub async fn invite(
    ctx: &Ctx,
    by: &Helper,
    (login, name): (&str, &str),
    roles: Roles,
) -> Result<String, Stop> {
    let login = Login::parse(login)?;
    let name = PersonName::parse(name).map_err(|_| Refusal::format("name"))?;
    let officer = Officer {
        id: OfficerId::new(&ctx.services.clock, ctx.random()),
        login,
        name,
        roles,
        password: None,
        invited_until: None,
        locked_at: None,
        generation: 1,
        created_at: ctx.now(),
        updated_at: ctx.now(),
    };
    let (link, invitation) = new_link(ctx)?;
    let tx = ctx.begin().await?;
    if !tx.rows().officers().add(&officer, invitation).await? {
        return Err(Refusal::Taken.into());
    }
    note(&tx, by, officer.id, &format!("invite as {}", officer.roles.text()));
    tx.commit().await?;
    Ok(link)
}

/// For whoever lost the passkey or forgot the password: what there is stays good until the link is used.
/// `E_STATE`: they are locked.
pub async fn invite_again(ctx: &Ctx, by: &Helper, id: OfficerId) -> Result<String, Stop> {
    let (link, invitation) = new_link(ctx)?;
    let tx = ctx.begin().await?;
    if !tx.rows().officers().invite_again(id, invitation, ctx.now()).await? {
        return Err(Refusal::State.into());
    }
    note(&tx, by, id, "invite-again");
    tx.commit().await?;
    Ok(link)
}

fn new_link(ctx: &Ctx) -> Result<(String, Invitation), Fault> {
    let secret = ctx.random().token();
    let address = format!(
        "{}/realms/{}/console/invitation?link={}",
        console(ctx)?.origin,
        ctx.realm.id,
        secret.expose()
    );
    let until = ctx.now().plus(LINK_SECONDS);
    Ok((address, Invitation { hash: secret.hashed(), until }))
}

/// Other roles from now on.
pub async fn assign(ctx: &Ctx, by: &Helper, id: OfficerId, roles: &Roles) -> Result<(), Stop> {
    let tx = ctx.begin().await?;
    let officer = tx.rows().officers().find(id).await?.ok_or(Refusal::State)?;
    if officer.roles == *roles {
        return Err(Refusal::State.into());
    }
    tx.rows().officers().set_roles(id, roles, ctx.now()).await?;
    note(&tx, by, id, &format!("assign {}", roles.text()));
    Ok(tx.commit().await?)
}

/// Nobody locks themself (`E_ROLE`), so that a realm keeps one who can unlock.
pub async fn lock(ctx: &Ctx, by: &Helper, id: OfficerId) -> Result<(), Stop> {
    let tx = ctx.begin().await?;
    let officer = tx.rows().officers().find(id).await?.ok_or(Refusal::State)?;
    if officer.actor() == by.name() {
        return Err(Refusal::Role.into());
    }
    if !tx.rows().officers().lock(id, ctx.now()).await? {
        return Err(Refusal::State.into());
    }
    note(&tx, by, id, "lock");
    Ok(tx.commit().await?)
}

pub async fn unlock(ctx: &Ctx, by: &Helper, id: OfficerId) -> Result<(), Stop> {
    let tx = ctx.begin().await?;
    if !tx.rows().officers().unlock(id, ctx.now()).await? {
        return Err(Refusal::State.into());
    }
    note(&tx, by, id, "unlock");
    Ok(tx.commit().await?)
}

fn note(tx: &Tx<'_>, by: &Helper, officer: OfficerId, act: &str) {
    tx.note(AuditEvent::OfficerChanged {
        officer,
        act: act.to_owned(),
        by: by.name().to_owned(),
        reason: by.reason().to_owned(),
    });
}
