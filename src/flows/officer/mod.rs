//! Officers of the bureau: who appoints them, how they enter by a link and from then on by passkey and
//! password, and who is at work behind a cookie of the console. What they do there is `help`'s, `hall`'s,
//! `relations`' and `non_resident`'s; who may is the table of `domain::officer`, asked by whoever calls.

mod appoint;
mod audit;
mod entrance;
mod invitation;
mod session;

use serde::{Deserialize, Serialize};

use crate::base::clock::Timestamp;
use crate::domain::audit::AuditEvent;
use crate::domain::help::Helper;
use crate::domain::passkey::{PasskeyFault, RelyingParty};
use crate::domain::refusal::Refusal;
use crate::flows::{Ctx, Fault, Stop};
use crate::realm::console::Console;
use crate::store::Tx;

pub use appoint::{assign, invite, invite_again, list, lock, named, unlock};
pub use audit::{Asked as AuditAsked, Event as AuditLine, Page as AuditPage, audit};
pub use entrance::{Given, Question, enter, question};
pub use invitation::{Chosen, Opened, accept, open};
pub use session::{AtWork, at_work, leave, state_matter};

/// Seconds in which a question for a passkey is answered.
const CHALLENGE_SECONDS: i64 = 300;

/// Whether officers work in this realm at all.
pub fn has_console(ctx: &Ctx) -> bool {
    ctx.realm.console.is_some()
}

fn console(ctx: &Ctx) -> Result<&Console, Fault> {
    let known = ctx.realm.console.as_ref();
    known.ok_or_else(|| Fault::Internal("this realm has no console".to_owned()))
}

fn relying_party(ctx: &Ctx) -> Result<&RelyingParty, Fault> {
    Ok(&console(ctx)?.passkeys)
}

/// A stranger's, another's mistake, or a forgery; told as one code.
fn unbelieved(fault: &PasskeyFault) -> Refusal {
    tracing::info!(%fault, "Refused an officer's passkey");
    Refusal::Passkey
}

fn internal(fault: impl std::fmt::Display) -> Fault {
    Fault::Internal(fault.to_string())
}

/// What a page asks of a passkey, sealed into it: nothing is kept of it before a form brings it back.
#[derive(Serialize, Deserialize)]
struct Asked<T> {
    at: Timestamp,
    /// The browser, and the link where there is one.
    binding: String,
    challenge: T,
}

/// Sealed for these questions: what is sealed for others is none.
fn place(ctx: &Ctx, what: &str) -> String {
    format!("officer/{what}/{}", ctx.realm.id)
}

fn sealed<T: Serialize>(ctx: &Ctx, what: &str, asked: &Asked<T>) -> Result<String, Fault> {
    let text = serde_json::to_string(asked).map_err(internal)?;
    Ok(ctx.services.secrets.cookie.seal_text(ctx.random(), &place(ctx, what), &text))
}

/// `E_PASSKEY`: it is none of ours, another browser's, or too old.
fn unsealed<T: for<'de> Deserialize<'de>>(
    ctx: &Ctx,
    what: &str,
    (sealed, binding): (&str, &str),
) -> Result<T, Refusal> {
    let opened = ctx.services.secrets.cookie.open_sealed_text(&place(ctx, what), sealed);
    let asked = opened.ok().and_then(|text| serde_json::from_str::<Asked<T>>(&text).ok());
    let asked = asked.filter(|one| one.binding == binding);
    let asked = asked.filter(|one| ctx.now() < one.at.plus(CHALLENGE_SECONDS));
    asked.map(|one| one.challenge).ok_or(Refusal::Passkey)
}

/// What an officer did at the console, for the audit; of whom or of what, where it was about one.
#[derive(Default)]
pub struct Subject {
    pub person: Option<crate::base::id::PersonId>,
    pub enterprise: Option<crate::base::id::EnterpriseId>,
    /// An id of something else.
    pub about: Option<String>,
}

/// Goes into the audit with the commit.
pub fn note(tx: &Tx<'_>, officer: &Helper, act: &str, subject: Subject) {
    tx.note(AuditEvent::OfficerActed {
        by: officer.name().to_owned(),
        act: act.to_owned(),
        reason: officer.reason().to_owned(),
        person: subject.person,
        enterprise: subject.enterprise,
        about: subject.about,
    });
}

/// A look, which changes nothing but the audit.
pub async fn look(ctx: &Ctx, officer: &Helper, act: &str, subject: Subject) -> Result<(), Stop> {
    let tx = ctx.begin().await?;
    note(&tx, officer, act, subject);
    Ok(tx.commit().await?)
}
