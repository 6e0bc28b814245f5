//! The session behind a browser's cookie, with person, account and identity as they are now; and whether
//! an account may have one.

use crate::base::id::AccountId;
use crate::base::secret::Secret;
use crate::domain::refusal::Refusal;
use crate::flows::{Ctx, Fault, Stop};

pub use crate::store::standing::StandingSession;

/// `None`: unknown, ended or expired.
pub async fn by_cookie(ctx: &Ctx, cookie: &Secret) -> Result<Option<StandingSession>, Fault> {
    Ok(ctx.rows().standings().by_cookie(cookie.hashed(), ctx.now()).await?)
}

/// Whether the account may sign in at this moment, by whatever way: its end may have come since it
/// was asked last (rule 5).
pub async fn admits(ctx: &Ctx, id: AccountId) -> Result<(), Stop> {
    let account = ctx.rows().accounts().find(id).await?;
    Ok(account.ok_or(Refusal::Credentials)?.may_sign_in()?)
}
