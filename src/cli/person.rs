//! `hufu person`: one person, masked, and help for them. Each look and act stands in the audit with who
//! and why; what it does is `flows::help`'s.

use std::fmt::Write;

use clap::Subcommand;
use serde_json::{Value, json};

use crate::base::clock::Timestamp;
use crate::base::id::{AccountId, PersonId};
use crate::cli::helper::{HelperArguments, in_words};
use crate::cli::place::{Opened, Place};
use crate::cli::result::{CliResult, Failure, tell};
use crate::cli::start::Wanted;
use crate::config::Settings;
use crate::domain::help::{Helper, Removable};
use crate::domain::person::AccountOrigin;
use crate::flows::Ctx;
use crate::flows::help::{self, AccountProfile, Profile, SignedIn};

#[derive(Subcommand)]
pub enum PersonAct {
    /// Everybody whom a name leads to, masked.
    Show(Asked),
    /// Nobody signs in to the account until it is unlocked, and whoever is signed in is out.
    Lock(Asked),
    /// Ends the bureau's lock, and those of wrong passwords and codes.
    Unlock(Asked),
    /// Signs the person out everywhere; applications are told.
    EndSessions(Asked),
    /// Takes away what proves them beside the password, when it is lost.
    ResetFactor {
        #[command(flatten)]
        asked: Asked,
        /// `authenticator` (with its recovery codes), `recovery-codes`, `passkeys` or `browsers`.
        #[arg(long, value_parser = removable)]
        factor: Removable,
    },
    /// The next sign-in goes on to a new password, after the second factor.
    ExpirePassword(Asked),
}

#[derive(clap::Args)]
pub struct Asked {
    realm: String,
    /// A document number, a phone, a username, or the id of a person or an account.
    who: String,
    #[command(flatten)]
    helper: HelperArguments,
    /// JSON, one object a line.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

/// What `--factor` takes.
fn removable(text: &str) -> Result<Removable, String> {
    let known = Removable::ALL.map(Removable::name).join(", ");
    Removable::parse(text).ok_or_else(|| format!("one of {known} is needed"))
}

/// What is done to one account.
enum Act {
    Lock,
    Unlock,
    EndSessions,
    Reset(Removable),
    Expire,
}

pub async fn run(act: PersonAct, settings: Settings) -> CliResult {
    match act {
        PersonAct::Show(asked) => show(asked, settings).await,
        PersonAct::Lock(asked) => done(asked, Act::Lock, settings).await,
        PersonAct::Unlock(asked) => done(asked, Act::Unlock, settings).await,
        PersonAct::EndSessions(asked) => done(asked, Act::EndSessions, settings).await,
        PersonAct::ResetFactor { asked, factor } => done(asked, Act::Reset(factor), settings).await,
        PersonAct::ExpirePassword(asked) => done(asked, Act::Expire, settings).await,
    }
}

/// Whom a name leads to; nobody is an error.
pub async fn found(ctx: &Ctx, helper: &Helper, who: &str) -> Result<Vec<Profile>, Failure> {
    let found = help::find(ctx, helper, who).await.map_err(in_words)?;
    match found.is_empty() {
        true => Err(format!("{} knows nobody of this name", ctx.realm.id).into()),
        false => Ok(found),
    }
}

async fn show(asked: Asked, settings: Settings) -> CliResult {
    let helper = asked.helper.helper()?;
    let wanted = Wanted::of(&asked.place.over(settings))?;
    let ctx = Opened::at(&wanted).await?.ctx(&wanted, &asked.realm).await?;
    for one in found(&ctx, &helper, &asked.who).await? {
        tell(asked.json, &shape(&one), text(&one)?)?;
    }
    Ok(())
}

async fn done(asked: Asked, act: Act, settings: Settings) -> CliResult {
    let helper = asked.helper.helper()?;
    let wanted = Wanted::of(&asked.place.over(settings))?;
    let ctx = Opened::at(&wanted).await?.ctx(&wanted, &asked.realm).await?;
    let (person, account) = only(&found(&ctx, &helper, &asked.who).await?)?;
    let (name, ended) = carry_out(&ctx, &helper, act, account).await?;
    let mut shape = json!({"act": name, "person": person, "account": account});
    let mut text = format!("{name}: done for account {account}");
    if let Some(ended) = ended {
        shape["ended"] = json!(ended);
        write!(text, ", {ended} sign-ins ended")?;
    }
    tell(asked.json, &shape, text)?;
    Ok(())
}

/// Its name, and how many sign-ins it has ended where that is what it is for.
async fn carry_out(
    ctx: &Ctx,
    helper: &Helper,
    act: Act,
    account: AccountId,
) -> Result<(&'static str, Option<usize>), Failure> {
    let (name, outcome) = match act {
        Act::Lock => ("lock", help::lock(ctx, helper, account).await),
        Act::Unlock => ("unlock", help::unlock(ctx, helper, account).await),
        Act::EndSessions => {
            let ended = help::end_sessions(ctx, helper, account).await.map_err(in_words)?;
            return Ok(("end-sessions", Some(ended)));
        }
        Act::Reset(what) => ("reset-factor", help::remove_factor(ctx, helper, account, what).await),
        Act::Expire => ("expire-password", help::expire_password(ctx, helper, account).await),
    };
    outcome.map_err(in_words)?;
    Ok((name, None))
}

/// Equal digits may stand on documents of two people: nobody is helped by a guess.
fn only(found: &[Profile]) -> Result<(PersonId, AccountId), Failure> {
    let with_account = found.iter().filter_map(|one| Some((one.person, one.account.as_ref()?.id)));
    match with_account.collect::<Vec<_>>()[..] {
        [only] => Ok(only),
        [] => Err("the person has no account".into()),
        ref several => {
            let ids: Vec<String> = several.iter().map(|(_, id)| id.to_string()).collect();
            Err(format!("{} people have this name; an id says who: {}", ids.len(), ids.join(", "))
                .into())
        }
    }
}

fn at(at: Option<Timestamp>) -> Value {
    at.map(Timestamp::rfc3339).into()
}

/// As `docs/operations.md` has it.
fn shape(one: &Profile) -> Value {
    let documents = one.documents.iter();
    let documents = documents.map(|one| json!({"kind": one.kind.name(), "number": one.number}));
    json!({
        "person": one.person,
        "name": one.name,
        "documents": documents.collect::<Vec<_>>(),
        "real_name_level": one.real_name_level,
        "email": one.email,
        "account": one.account.as_ref().map(account),
    })
}

fn account(one: &AccountProfile) -> Value {
    json!({
        "id": one.id,
        "origin": match one.origin {
            AccountOrigin::Registered => "registered",
            AccountOrigin::Imported => "imported",
        },
        "username": one.username,
        "phones": one.phones,
        "locked_at": at(one.locked_at),
        "unlocked_at": at(one.unlocked_at),
        "has_initial_password": one.has_initial_password,
        "password_expired_at": at(one.password_expired_at),
        "factors": {
            "authenticator": one.factors.has_authenticator,
            "recovery_codes": one.factors.n_recovery_codes,
            "passkeys": one.factors.n_passkeys,
            "browsers": one.factors.n_browsers,
        },
        "sessions": one.sessions.iter().map(session).collect::<Vec<_>>(),
    })
}

/// One sign-in, also for `hufu session list`.
pub fn session(one: &SignedIn) -> Value {
    json!({
        "id": one.id,
        "entrance": one.entrance,
        "acting": one.acting,
        "device": one.device,
        "address": one.address,
        "since": one.since.rfc3339(),
        "until": one.until.rfc3339(),
        "clients": one.clients,
    })
}

/// The same as a line.
pub fn session_line(one: &SignedIn) -> String {
    let clients =
        if one.clients.is_empty() { "no application".to_owned() } else { one.clients.join(", ") };
    format!(
        "{} {} {} since {}, until {}, from {} ({}): {clients}",
        one.id,
        one.entrance,
        one.acting,
        one.since.for_people(),
        one.until.for_people(),
        one.address,
        one.device,
    )
}

fn text(one: &Profile) -> Result<String, std::fmt::Error> {
    let mut text = format!("{} {}, level {}", one.person, one.name, one.real_name_level);
    for document in &one.documents {
        write!(text, "\n  {} {}", document.kind.name(), document.number)?;
    }
    if let Some(email) = &one.email {
        write!(text, "\n  e-mail {email}")?;
    }
    let Some(account) = &one.account else {
        write!(text, "\n  no account")?;
        return Ok(text);
    };
    let state = match account.locked_at {
        Some(at) => format!("locked since {}", at.for_people()),
        None => "open".to_owned(),
    };
    write!(text, "\n  account {}, {state}", account.id)?;
    if let Some(username) = &account.username {
        write!(text, ", username {username}")?;
    }
    if !account.phones.is_empty() {
        write!(text, ", phones {}", account.phones.join(" "))?;
    }
    let password = match (account.has_initial_password, account.password_expired_at) {
        (true, _) => "initial".to_owned(),
        (false, Some(at)) => format!("expired since {}", at.for_people()),
        (false, None) => "set".to_owned(),
    };
    let factors = &account.factors;
    let app = if factors.has_authenticator { "an authenticator" } else { "no authenticator" };
    write!(
        text,
        "\n  password {password}; {app}, {} recovery codes, {} passkeys, {} remembered browsers",
        factors.n_recovery_codes, factors.n_passkeys, factors.n_browsers
    )?;
    for one in &account.sessions {
        write!(text, "\n  signed in {}", session_line(one))?;
    }
    Ok(text)
}
