//! The session behind a browser's cookie, with person, account and identity as they are now.

use crate::base::secret::Secret;
use crate::flows::{Ctx, Fault};

pub use crate::store::standing::StandingSession;

/// `None`: unknown, ended or expired.
pub async fn by_cookie(ctx: &Ctx, cookie: &Secret) -> Result<Option<StandingSession>, Fault> {
    Ok(ctx.rows().standings().by_cookie(cookie.hashed(), ctx.now()).await?)
}
