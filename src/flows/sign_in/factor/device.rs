//! A browser that its person asked to be known by spares the second factor for a number of days
//! that the realm sets: the same person, the same entrance, the same password, and never a step-up.

use uuid::Uuid;

use crate::base::secret::{Hashed, Secret};
use crate::domain::audit::AuditEvent;
use crate::domain::entrance::Entrance;
use crate::domain::login::LoginTransaction;
use crate::domain::notice::NoticeKind;
use crate::domain::person::{Account, PasswordState};
use crate::domain::refusal::Refusal;
use crate::domain::session::Session;
use crate::flows::notify::person::tell_person;
use crate::flows::sign_in::factor::change::{self, check_proved};
use crate::flows::sign_in::session;
use crate::flows::{Ctx, Fault, Stop};

pub use crate::store::devices::RememberedDevice;

/// Days for which this sign-in may be remembered by its browser; a step-up never is.
pub fn days(ctx: &Ctx, transaction: &LoginTransaction) -> Option<i64> {
    let is_sign_in = transaction.errand().is_none();
    let helps = |door: &&Entrance| is_sign_in && door.leads_to_person();
    ctx.realm.entrance_of(transaction).filter(helps)?.remember_device_days
}

/// Whether this browser spares this account its second factor here.
pub async fn is_known(
    ctx: &Ctx,
    entrance: &Entrance,
    account: &Account,
    cookie: Option<&Secret>,
) -> Result<bool, Fault> {
    let known = known_at(ctx, account, cookie).await?;
    Ok(entrance.remember_device_days.is_some() && known.is_some_and(|known| known == entrance.id))
}

/// The entrance at which this browser is known as the account's own.
pub async fn known_at(
    ctx: &Ctx,
    account: &Account,
    cookie: Option<&Secret>,
) -> Result<Option<String>, Fault> {
    let (PasswordState::Set(password), Some(cookie)) = (&account.password, cookie) else {
        return Ok(None);
    };
    let (devices, password) = (ctx.rows().devices(), Hashed::of(password));
    Ok(devices.known_at(cookie.hashed(), account.id, password, ctx.now()).await?)
}

/// After a second factor that passed: the cookie by which the browser is known from now on, with
/// its lifetime in seconds.
pub async fn remember(
    ctx: &Ctx,
    transaction: &LoginTransaction,
) -> Result<Option<(Secret, i64)>, Stop> {
    let proved = transaction.proved().filter(|proved| proved.second.passed().is_some());
    let (Some(proved), Some(days)) = (proved, days(ctx, transaction)) else { return Ok(None) };
    let lifetime = days * 86_400;
    let tx = ctx.begin().await?;
    // Whoever has proved a former password is remembered for none that came after it.
    let held = session::hold_in_era(&tx, proved.account, proved.era).await;
    let Ok(account) = Stop::refused(held)? else { return Ok(None) };
    // The initial password is about to change, and would forget it at once.
    let PasswordState::Set(password) = account.password else { return Ok(None) };
    let cookie = ctx.random().token();
    let device = RememberedDevice {
        id: ctx.new_row_id(),
        account: proved.account,
        entrance: proved.entrance.clone(),
        password: Hashed::of(&password),
        device: ctx.device.clone(),
        created_at: ctx.now(),
        expires_at: ctx.now().plus(lifetime),
    };
    tx.rows().devices().add(cookie.hashed(), &device).await?;
    tell_person(ctx, &tx, proved.person, NoticeKind::FactorAdded, None).await?;
    tx.note(AuditEvent::DeviceRemembered { account: proved.account });
    tx.commit().await?;
    Ok(Some((cookie, lifetime)))
}

pub async fn list(ctx: &Ctx, session: &Session) -> Result<Vec<RememberedDevice>, Fault> {
    Ok(ctx.rows().devices().list(session.account, ctx.now()).await?)
}

/// One of the person's own; another's is `E_STATE` like one that is gone.
pub async fn forget(ctx: &Ctx, session: &Session, id: &str) -> Result<(), Stop> {
    check_proved(ctx, session)?;
    let Ok(id) = id.parse::<Uuid>() else { return Err(Refusal::State.into()) };
    let event = AuditEvent::DeviceForgotten { account: session.account };
    let (tx, _) = session::begin(ctx, session).await?;
    if !tx.rows().devices().forget(session.account, id).await? {
        return Err(Refusal::State.into());
    }
    change::tell(ctx, &tx, session, NoticeKind::FactorRemoved).await?;
    tx.note(event);
    tx.commit().await?;
    Ok(())
}
