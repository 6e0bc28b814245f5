//! The sign-in log (E-24): one line for each attempt, whatever became of it.

use crate::domain::acting::ActingIdentity;
use crate::domain::audit::LoginAttempt;
use crate::domain::claims::NAMED_HANDLER;
use crate::domain::factor::Way;
use crate::domain::login::LoginTransaction;
use crate::flows::sign_in::log;
use crate::flows::sign_in::typed::{Credentials, Typed};
use crate::flows::{Ctx, Fault};

/// An attempt that ended at the first page.
pub async fn record_way(
    ctx: &Ctx,
    form: &Credentials,
    typed: &Typed,
    way: Way,
    outcome: &str,
) -> Result<(), Fault> {
    let attempt = LoginAttempt {
        at: ctx.now(),
        person: typed.person(),
        way: way.name(),
        entrance: form.entrance.clone(),
        enterprise: typed.enterprise,
        identity_type: None,
        outcome: outcome.to_owned(),
        ip: ctx.ip,
        device: ctx.device.clone(),
    };
    save_attempt(ctx, &attempt).await
}

/// One line of the sign-in log (E-24).
pub async fn save_attempt(ctx: &Ctx, attempt: &LoginAttempt) -> Result<(), Fault> {
    let tx = ctx.begin().await?;
    tx.rows().records().add_attempt(ctx.new_row_id(), attempt).await?;
    Ok(tx.commit().await?)
}

pub async fn log(
    ctx: &Ctx,
    transaction: &LoginTransaction,
    identity: Option<&ActingIdentity>,
    outcome: &str,
) -> Result<(), Fault> {
    log::save_attempt(ctx, &attempt(ctx, transaction, identity, outcome)).await
}

pub fn attempt(
    ctx: &Ctx,
    transaction: &LoginTransaction,
    identity: Option<&ActingIdentity>,
    outcome: &str,
) -> LoginAttempt {
    let proved = transaction.proved();
    LoginAttempt {
        at: ctx.now(),
        person: proved.map(|proved| proved.person),
        way: proved.map_or("password", |proved| proved.way.name()),
        entrance: proved.map(|proved| proved.entrance.clone()).unwrap_or_default(),
        enterprise: proved.and_then(|proved| proved.enterprise),
        identity_type: match identity {
            Some(ActingIdentity::Enterprise(one)) => Some(one.identity_type.name.0.clone()),
            Some(ActingIdentity::Agent(_)) => Some("agent".to_owned()),
            Some(ActingIdentity::Record(one)) => Some(
                one.identity_type
                    .as_ref()
                    .map_or(NAMED_HANDLER, |it| it.name.0.as_str())
                    .to_owned(),
            ),
            _ => None,
        },
        outcome: outcome.to_owned(),
        ip: ctx.ip,
        device: ctx.device.clone(),
    }
}
