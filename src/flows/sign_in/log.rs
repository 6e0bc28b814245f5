//! The sign-in log (E-24): one line for each attempt, whatever became of it; and the audit's trace of a
//! second factor.

use crate::base::id::{EnterpriseId, PersonId};
use crate::domain::acting::ActingIdentity;
use crate::domain::audit::{AuditEvent, LoginAttempt};
use crate::domain::claims::NAMED_HANDLER;
use crate::domain::factor::{Factor, ScanApp, Way};
use crate::domain::login::LoginTransaction;
use crate::domain::number::document::DocumentNumber;
use crate::domain::refusal::Refusal;
use crate::domain::scan::{Claim, Scan};
use crate::domain::session::Session;
use crate::flows::aside::aside;
use crate::flows::limits::{self, Counted};
use crate::flows::sign_in::typed::{Credentials, Typed};
use crate::flows::{Ctx, Fault};

/// Lines for what no budget has counted, of one address in an hour, and of what is around it as of other tries:
/// whoever is refused without a look must not fill the disk.
const UNCOUNTED_LINES: u32 = 100;

/// Whether a refusal that no budget has counted is still written down.
pub async fn is_told_of(ctx: &Ctx) -> Result<bool, Fault> {
    let lines = limits::of_networks(ctx, "refused-lines", UNCOUNTED_LINES);
    Ok(matches!(limits::count(ctx, &lines, 3600).await?, Counted::Within(_)))
}

/// An attempt that was refused at the first page, and that no budget has counted.
pub async fn record_refused(
    ctx: &Ctx,
    form: &Credentials,
    typed: &Typed,
    way: Way,
    refusal: &Refusal,
) -> Result<(), Fault> {
    match is_told_of(ctx).await? {
        true => record_judged(ctx, form, typed, way, refusal).await,
        false => Ok(()),
    }
}

/// The same of one that was counted as a guess: budgets allow only so many.
pub async fn record_judged(
    ctx: &Ctx,
    form: &Credentials,
    typed: &Typed,
    way: Way,
    refusal: &Refusal,
) -> Result<(), Fault> {
    let attempt = LoginAttempt {
        at: ctx.now(),
        person: typed.person(),
        way: way.name(),
        entrance: form.entrance.clone(),
        enterprise: typed.enterprise,
        identity_type: None,
        outcome: refusal.code().to_owned(),
        ip: ctx.ip,
        device: ctx.device.clone(),
        second: None,
    };
    save_attempt(ctx, &attempt).await
}

/// One line of the sign-in log (E-24).
async fn save_attempt(ctx: &Ctx, attempt: &LoginAttempt) -> Result<(), Fault> {
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
    save_attempt(ctx, &attempt(ctx, transaction, identity, outcome)).await
}

/// The enterprise that somebody works in or for.
fn enterprise_of(identity: &ActingIdentity) -> Option<EnterpriseId> {
    match identity {
        ActingIdentity::Personal => None,
        ActingIdentity::Enterprise(one) => Some(one.enterprise.id),
        ActingIdentity::Agent(one) => Some(one.client_enterprise.id),
        ActingIdentity::Record(one) => Some(one.enterprise.id),
    }
}

/// A sign-in by phone that the phone has turned down, by whoever holds it; of the browser that shows the
/// code.
pub async fn record_scan(
    browser: &Ctx,
    scan: &Scan,
    person: Option<PersonId>,
    refusal: &Refusal,
) -> Result<(), Fault> {
    if !is_told_of(browser).await? {
        return Ok(());
    }
    let attempt = LoginAttempt {
        at: browser.now(),
        person,
        way: Way::Scan(scan.app).name(),
        entrance: browser.realm.scan_entrance().map(|door| door.id.clone()).unwrap_or_default(),
        enterprise: None,
        identity_type: None,
        outcome: refusal.code().to_owned(),
        ip: browser.ip,
        device: browser.device.clone(),
        second: None,
    };
    save_attempt(browser, &attempt).await
}

/// Another's face, or a wrong number, at a code of somebody who is not signed in. Aside: whether there
/// is anybody to write it down for is nothing that the phone may hear.
pub fn record_claim(browser: &Ctx, app: ScanApp, claim: &Claim, refusal: &Refusal) {
    let (ctx, claim, outcome) = (browser.clone(), claim.clone(), refusal.code().to_owned());
    aside(async move {
        if !is_told_of(&ctx).await? {
            return Ok(());
        }
        let number = DocumentNumber::parse(claim.kind, &claim.number, ctx.now().day());
        let numbers: Vec<DocumentNumber> = number.into_iter().collect();
        let found = ctx.rows().people().find_by_documents(&numbers).await?;
        let line = unsigned(&ctx, found.first().copied(), Way::Scan(app).name(), &outcome);
        Ok(save_attempt(&ctx, &line).await?)
    });
}

/// A line about somebody who is signed in.
pub fn within(ctx: &Ctx, session: &Session, outcome: &str) -> LoginAttempt {
    let line = unsigned(ctx, Some(session.person), Way::Password.name(), outcome);
    LoginAttempt { entrance: session.entrance.clone(), ..line }
}

/// A line about somebody who helps themself signed out.
pub fn unsigned(
    ctx: &Ctx,
    person: Option<PersonId>,
    way: &'static str,
    outcome: &str,
) -> LoginAttempt {
    LoginAttempt {
        at: ctx.now(),
        person,
        way,
        entrance: String::new(),
        enterprise: None,
        identity_type: None,
        second: None,
        outcome: outcome.to_owned(),
        ip: ctx.ip,
        device: ctx.device.clone(),
    }
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
        // The one that was typed; where none was, the one that was chosen.
        enterprise: proved.and_then(|one| one.enterprise).or(identity.and_then(enterprise_of)),
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
        second: proved.and_then(|proved| proved.second.passed()).map(Factor::name),
    }
}

/// A second factor was passed, by which this session began or proved more.
pub fn passed(session: &Session, factor: Factor) -> AuditEvent {
    let (account, session) = (session.account, session.id);
    AuditEvent::SecondFactorPassed { account, session, factor: factor.name().to_owned() }
}
