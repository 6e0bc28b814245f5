//! Who may change what proves them: whoever has proved a second factor in this very session a moment
//! ago. A browser that spares one, or a password alone, is not enough to make a new one that works
//! from anywhere.

use crate::base::clock::Timestamp;
use crate::base::id::AccountId;
use crate::domain::audit::AuditEvent;
use crate::domain::help::Removable;
use crate::domain::login::{Errand, LoginTransaction, Then};
use crate::domain::notice::NoticeKind;
use crate::domain::refusal::Refusal;
use crate::domain::session::Session;
use crate::flows::notify::person::tell_person;
use crate::flows::sign_in::step_up;
use crate::flows::{Ctx, Fault};
use crate::store::Tx;

/// Seconds for which a proof is fresh.
const FRESH_SECONDS: i64 = 900;

pub fn is_proved(ctx: &Ctx, session: &Session) -> bool {
    session.amr.iter().any(|method| method == "mfa")
        && ctx.now().since(session.auth_time) <= FRESH_SECONDS
}

pub fn check_proved(ctx: &Ctx, session: &Session) -> Result<(), Refusal> {
    if is_proved(ctx, session) { Ok(()) } else { Err(Refusal::StepUpRequired) }
}

/// The step that is missing, by the door that the session came by or else by the realm's step-up;
/// `None`: only a new sign-in helps.
pub async fn begin_proof(
    ctx: &Ctx,
    session: &Session,
    back: &str,
) -> Result<Option<LoginTransaction>, Fault> {
    for errand in [Errand::Renew, Errand::Raise] {
        let then = Then::Page(back.to_owned());
        let begun = step_up::begin(ctx, session, errand, then).await?;
        if begun.is_some() {
            return Ok(begun);
        }
    }
    Ok(None)
}

/// Everything of one kind, for whoever helps the person (`flows::help`); `false`: there was none.
pub async fn remove_all(
    tx: &Tx<'_>,
    account: AccountId,
    what: Removable,
    now: Timestamp,
) -> Result<bool, Fault> {
    let rows = tx.rows();
    match what {
        Removable::Authenticator => {
            let is_removed = rows.authenticators().remove(account).await?;
            if is_removed {
                tx.note(AuditEvent::AuthenticatorRemoved { account });
            }
            Ok(is_removed)
        }
        Removable::RecoveryCodes => {
            let n_left = rows.authenticators().recovery_codes_left(account).await?;
            rows.authenticators().forget_recovery_codes(account).await?;
            Ok(n_left > 0)
        }
        Removable::Passkeys => {
            let held = rows.passkeys().list(account).await?;
            for one in &held {
                rows.passkeys().remove(account, one.id).await?;
                tx.note(AuditEvent::PasskeyRemoved { account });
            }
            Ok(!held.is_empty())
        }
        Removable::Browsers => {
            let known = rows.devices().list(account, now).await?;
            rows.devices().forget_all(account).await?;
            for _ in &known {
                tx.note(AuditEvent::DeviceForgotten { account });
            }
            Ok(!known.is_empty())
        }
    }
}

/// The person hears of every change.
pub async fn tell(
    ctx: &Ctx,
    tx: &Tx<'_>,
    session: &Session,
    kind: NoticeKind,
) -> Result<(), Fault> {
    tell_person(ctx, tx, session.person, kind, None).await
}
