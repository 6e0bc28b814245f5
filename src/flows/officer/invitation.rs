//! The link by which an officer enters for the first time, or once more after a loss: a password and a
//! passkey are chosen together, and the link is used up with them.

use serde_json::Value;

use crate::base::secret::Secret;
use crate::domain::audit::AuditEvent;
use crate::domain::officer::Officer;
use crate::domain::passkey::Enrolment;
use crate::domain::password::PasswordFault;
use crate::domain::refusal::Refusal;
use crate::flows::officer::{Asked, internal, relying_party, sealed, unbelieved, unsealed};
use crate::flows::{Ctx, Stop};
use crate::store::officers::OfficerPasskey;

const WHAT: &str = "invitation";

/// A link that is good, and what its page asks.
pub struct Opened {
    pub officer: Officer,
    /// For `navigator.credentials.create`.
    pub options: Value,
    /// Comes back with what was made.
    pub sealed: String,
}

/// What the form brings.
pub struct Chosen<'a> {
    pub password: &'a Secret,
    pub repeated: &'a Secret,
    /// What the browser made.
    pub made: &'a str,
    /// [`Opened::sealed`]
    pub question: &'a str,
}

/// `E_STATE`: the link was used, has run out, or never was.
pub async fn open(ctx: &Ctx, link: &Secret) -> Result<Opened, Stop> {
    let officer = invited(ctx, link).await?;
    let login = officer.login.as_str();
    let begun = relying_party(ctx)?.begin_enrolment(officer.id.0, login, &[]);
    let (options, challenge) = begun.map_err(internal)?;
    let asked = Asked { at: ctx.now(), binding: link.hashed().to_text(), challenge };
    Ok(Opened { sealed: sealed(ctx, WHAT, &asked)?, officer, options })
}

/// A link has 256 bits: nobody guesses one, so nobody's tries are counted.
async fn invited(ctx: &Ctx, link: &Secret) -> Result<Officer, Stop> {
    let found = ctx.rows().officers().find_invited(link.hashed(), ctx.now()).await?;
    Ok(found.ok_or(Refusal::State)?)
}

/// From now on the officer enters by these.
pub async fn accept(ctx: &Ctx, link: &Secret, chosen: Chosen<'_>) -> Result<(), Stop> {
    let officer = invited(ctx, link).await?;
    if chosen.password.expose() != chosen.repeated.expose() {
        return Err(Refusal::PasswordPolicy(PasswordFault::NotEqual).into());
    }
    let personal = [officer.login.as_str().to_owned()];
    let rules = &ctx.realm.password;
    rules.check(chosen.password, &personal).map_err(Refusal::PasswordPolicy)?;
    let binding = link.hashed().to_text();
    let challenge: Enrolment = unsealed(ctx, WHAT, (chosen.question, &binding))?;
    let credential = relying_party(ctx)?.enrol(chosen.made, &challenge);
    let credential = credential.map_err(|fault| unbelieved(&fault))?;
    let hash = ctx.services.console_hashing.hash(chosen.password, ctx.random()).await?;
    let hash = hash.ok_or(Refusal::Busy)?;
    let passkey = OfficerPasskey { id: ctx.new_row_id(), officer: officer.id, credential };
    let tx = ctx.begin().await?;
    let officers = tx.rows().officers();
    if !officers.enrol(officer.id, link.hashed(), &hash, &passkey, ctx.now()).await? {
        return Err(Refusal::State.into());
    }
    tx.note(AuditEvent::OfficerChanged {
        officer: officer.id,
        act: "enrol".to_owned(),
        by: officer.actor(),
        reason: "by the link".to_owned(),
    });
    Ok(tx.commit().await?)
}
