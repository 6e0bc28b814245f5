//! Where somebody is signed in: every browser and phone, and the end of one or of all the others.

use crate::domain::acting::ActingIdentity;
use crate::domain::refusal::Refusal;
use crate::domain::session::Session;
use crate::flows::identity::load;
use crate::flows::notify::cause::Cause;
use crate::flows::notify::tell::{end_session, is_refused};
use crate::flows::{Ctx, Fault, Stop};

/// One of them, as it is now.
pub struct SignedIn {
    pub session: Session,
    /// As whom; `None`: an identity that is over, about to be seen.
    pub identity: Option<ActingIdentity>,
    /// The applications that were entered from there.
    pub clients: Vec<String>,
}

/// Newest first.
pub async fn list(ctx: &Ctx, session: &Session) -> Result<Vec<SignedIn>, Fault> {
    let rows = ctx.rows();
    let live = rows.sessions().live_of(session.account, ctx.now()).await?;
    let mut found = Vec::new();
    for session in live {
        let clients = entered_from(ctx, &session).await?;
        let identity = load::look(ctx, rows, session.person, session.acting).await?.ok();
        found.push(SignedIn { session, identity, clients });
    }
    Ok(found)
}

/// The applications that were entered from a session, by their ids, but for those whose person has taken back since
/// what they allowed them.
pub async fn entered_from(ctx: &Ctx, session: &Session) -> Result<Vec<String>, Fault> {
    let rows = ctx.rows();
    let clients = rows.session_clients().of(session.id).await?;
    let mut clients: Vec<String> = clients.into_iter().map(|one| one.client_id).collect();
    clients.sort();
    clients.dedup();
    let mut entered = Vec::new();
    for client in clients {
        if !is_refused(ctx, rows, session.person, &client).await? {
            entered.push(client);
        }
    }
    Ok(entered)
}

/// One of the person's others; this one is signed out of, and another's is `E_STATE` like one that is gone.
pub async fn end(ctx: &Ctx, session: &Session, id: &str) -> Result<(), Stop> {
    let live = ctx.rows().sessions().live_of(session.account, ctx.now()).await?;
    let wanted = live.iter().find(|one| one.id.to_string() == id && one.id != session.id);
    let wanted = wanted.ok_or(Refusal::State)?;
    let tx = ctx.begin().await?;
    end_session(ctx, &tx, wanted.id, Cause::EndedElsewhere).await?;
    Ok(tx.commit().await?)
}

/// All but this one, and whoever is on their way in; how many were in.
pub async fn end_others(ctx: &Ctx, session: &Session) -> Result<usize, Stop> {
    let tx = ctx.begin().await?;
    tx.rows().accounts().begin_era(session.account).await?;
    let mut all = tx.rows().sessions().unended_of(session.account).await?;
    all.retain(|id| *id != session.id);
    for id in &all {
        end_session(ctx, &tx, *id, Cause::EndedElsewhere).await?;
    }
    tx.commit().await?;
    Ok(all.len())
}
