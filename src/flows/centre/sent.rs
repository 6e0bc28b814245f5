//! A code on its way to where somebody who is signed in wants to be reached: it fits one session, one
//! purpose and one destination, and five wrong ones void it.

use serde::{Deserialize, Serialize};

use crate::base::clock::Timestamp;
use crate::base::secret::{Hashed, same};
use crate::domain::number::code::OneTimeCode;
use crate::domain::refusal::Refusal;
use crate::domain::session::Session;
use crate::flows::sign_in::factor::code::{Cause, Destination, send_to};
use crate::flows::{Ctx, Stop};
use crate::store::Tx;

const MAX_TRIES: u32 = 5;

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Sent {
    /// As it was typed.
    pub to: String,
    hash: String,
    expires_at: Timestamp,
}

/// Sends a fresh one. `purpose`: what it proves, a word of ours.
pub async fn send(
    ctx: &Ctx,
    session: &Session,
    purpose: &str,
    to: &Destination,
) -> Result<Sent, Stop> {
    let code = send_to(ctx, Cause::Claimed(session.person), to).await?;
    let (to, expires_at) = (to.text(), ctx.now().plus(ctx.realm.sms.lifetime));
    Ok(Sent { hash: bind(session, purpose, &to, code.expose()), to, expires_at })
}

fn bind(session: &Session, purpose: &str, to: &str, code: &str) -> String {
    Hashed::of(&format!("{}\n{purpose}\n{to}\n{code}", session.id)).to_text()
}

impl Sent {
    /// `E_OTP` where it is wrong. Whoever asks uses the right one up.
    pub async fn check(
        &self,
        ctx: &Ctx,
        session: &Session,
        purpose: &str,
        code: &str,
    ) -> Result<(), Stop> {
        let code = OneTimeCode::parse(code).map_err(|_| Refusal::format("code"))?;
        if self.expires_at <= ctx.now() {
            return Err(Refusal::OtpExpired.into());
        }
        let tries = format!("sent-tries/{}", self.hash);
        let (n_tries, _) = ctx.ephemeral().count(&tries, ctx.realm.sms.lifetime).await?;
        if n_tries > MAX_TRIES {
            return Err(Refusal::OtpExpired.into());
        }
        let typed = bind(session, purpose, &self.to, code.secret().expose());
        match same(typed.as_bytes(), self.hash.as_bytes()) {
            true => Ok(()),
            false => Err(Refusal::Otp.into()),
        }
    }

    /// Uses it up for what it ends in, which is written in the same transaction; `E_OTP_EXPIRED`: it was.
    pub async fn use_up(&self, tx: &Tx<'_>) -> Result<(), Stop> {
        match tx.use_up("sent-code", &self.hash, self.expires_at).await? {
            true => Ok(()),
            false => Err(Refusal::OtpExpired.into()),
        }
    }
}
