//! The session behind a browser's cookie, with person, account and identity as they are now; and whether
//! an account may have one, for what was proved when, and what is done within one only while it stands.

use crate::base::id::{AccountId, SessionId};
use crate::base::secret::Secret;
use crate::domain::acting::Acting;
use crate::domain::authorisation::State;
use crate::domain::person::Account;
use crate::domain::refusal::Refusal;
use crate::domain::session::Session;
use crate::flows::{Ctx, Fault, Stop};
use crate::store::Tx;

pub use crate::store::standing::StandingSession;

/// `None`: unknown, ended or expired.
pub async fn by_cookie(ctx: &Ctx, cookie: &Secret) -> Result<Option<StandingSession>, Fault> {
    Ok(ctx.rows().standings().by_cookie(cookie.hashed(), ctx.now()).await?)
}

/// Why a browser is no longer signed in that has not signed out itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ended {
    /// What it worked in has ended: the authorisation, the assignment, the record.
    Relation,
    /// By time, or from somewhere else.
    Otherwise,
}

/// `None`: the cookie is of no session, or of one that lives.
pub async fn ended_why(ctx: &Ctx, cookie: &Secret) -> Result<Option<Ended>, Fault> {
    let rows = ctx.rows();
    let Some(acting) = rows.sessions().ended_acting(cookie.hashed(), ctx.now()).await? else {
        return Ok(None);
    };
    let Acting::Enterprise(id) = acting else { return Ok(Some(Ended::Otherwise)) };
    let held = rows.authorisations().find(id).await?;
    let is_over = held.is_none_or(|held| held.state() != State::Active);
    Ok(Some(if is_over { Ended::Relation } else { Ended::Otherwise }))
}

/// Whether the account may sign in at this moment, by whatever way: its end may have come since it
/// was asked last (rule 5).
pub async fn admits(ctx: &Ctx, id: AccountId) -> Result<(), Stop> {
    let account = ctx.rows().accounts().find(id).await?;
    Ok(account.ok_or(Refusal::Credentials)?.may_sign_in()?)
}

/// The account of whoever gets something that lasts for what they have proved in this era, held until
/// the transaction ends: what ends the account's sign-ins meanwhile waits for it and finds it. `E_STATE`:
/// they have been ended since it was proved.
pub async fn hold_in_era(tx: &Tx<'_>, id: AccountId, era: i64) -> Result<Account, Stop> {
    let accounts = tx.rows().accounts();
    accounts.hold(&[id]).await?;
    let account = accounts.find(id).await?.ok_or(Refusal::Credentials)?;
    account.may_sign_in()?;
    match account.era == era {
        true => Ok(account),
        false => Err(Refusal::State.into()),
    }
}

/// A session and its account, held until the transaction ends: what ends the one, or the sign-ins of the other,
/// meanwhile waits and finds what was done; what was faster has stopped it. `E_STATE`: it has ended, or is over.
pub async fn hold(
    tx: &Tx<'_>,
    id: SessionId,
    account: AccountId,
) -> Result<(Session, Account), Stop> {
    let (accounts, sessions) = (tx.rows().accounts(), tx.rows().sessions());
    // The account first, as whoever ends all its sessions does: so no two wait for each other.
    accounts.hold(&[account]).await?;
    let stands = |one: &Session| one.account == account && one.expires_at > tx.now();
    let found = sessions.hold_live(id).await?.filter(stands).ok_or(Refusal::State)?;
    let account = accounts.find(account).await?.ok_or(Refusal::Credentials)?;
    account.may_sign_in()?;
    Ok((found, account))
}

/// The transaction in which somebody changes what is theirs. `session`: as it was when they asked; between that
/// and the change a password is hashed, a gateway answers, or somebody ends their sign-ins.
pub async fn begin<'c>(ctx: &'c Ctx, session: &Session) -> Result<(Tx<'c>, Account), Stop> {
    let tx = ctx.begin().await?;
    let (_, account) = hold(&tx, session.id, session.account).await?;
    Ok((tx, account))
}
