//! `hufu officer`: who works at the console. The first officers are made here, and so is each new link; every
//! act stands in the audit with who and why. What it does is `flows::officer`'s.

use clap::Subcommand;
use serde_json::json;

use crate::base::clock::Timestamp;
use crate::cli::helper::{HelperArguments, in_words};
use crate::cli::place::{Opened, Place};
use crate::cli::result::{CliResult, Failure, tell};
use crate::cli::start::Wanted;
use crate::config::Settings;
use crate::domain::officer::{Officer, Role, Roles};
use crate::domain::refusal::Refusal;
use crate::flows::{Ctx, Stop, officer};

#[derive(Subcommand)]
pub enum OfficerAct {
    /// Makes an officer and prints the link that they enter by once, within a day.
    Invite {
        #[command(flatten)]
        asked: Asked,
        /// As colleagues know them.
        #[arg(long)]
        name: String,
        /// `system`, `security` or `audit` alone; `hall`, `reviewer` or both.
        #[arg(long = "role", required = true, value_parser = role)]
        roles: Vec<Role>,
    },
    /// Another link for an officer who lost the passkey or forgot the password.
    InviteAgain(Asked),
    /// Other roles from now on; ends their sessions.
    Assign {
        #[command(flatten)]
        asked: Asked,
        #[arg(long = "role", required = true, value_parser = role)]
        roles: Vec<Role>,
    },
    /// Out at once, and not in again until unlocked.
    Lock(Asked),
    Unlock(Asked),
    /// All officers of a realm.
    List {
        realm: String,
        /// JSON, one object a line.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        place: Place,
    },
}

#[derive(clap::Args)]
pub struct Asked {
    realm: String,
    /// The officer's login.
    login: String,
    #[command(flatten)]
    helper: HelperArguments,
    /// JSON, one object a line.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

fn role(text: &str) -> Result<Role, String> {
    let known = Role::ALL.map(Role::name).join(", ");
    Role::parse(text).ok_or_else(|| format!("one of {known} is needed"))
}

pub async fn run(act: OfficerAct, settings: Settings) -> CliResult {
    match act {
        OfficerAct::List { realm, json, place } => {
            let ctx = opened(place, settings, &realm).await?;
            for one in officer::list(&ctx).await? {
                tell(json, &shape(&one), line(&one))?;
            }
            Ok(())
        }
        OfficerAct::Invite { asked, name, roles } => {
            let (ctx, helper) = (asked.opened(settings).await?, asked.helper.helper()?);
            let roles = Roles::new(roles).map_err(|refusal| explained(refusal.into()))?;
            let named = (asked.login.as_str(), name.as_str());
            let link = officer::invite(&ctx, &helper, named, roles).await.map_err(explained)?;
            asked.told_link(&link)
        }
        OfficerAct::InviteAgain(asked) => {
            let (ctx, helper) = (asked.opened(settings).await?, asked.helper.helper()?);
            let id = officer::named(&ctx, &asked.login).await.map_err(explained)?.id;
            let link = officer::invite_again(&ctx, &helper, id).await.map_err(explained)?;
            asked.told_link(&link)
        }
        OfficerAct::Assign { asked, roles } => {
            let (ctx, helper) = (asked.opened(settings).await?, asked.helper.helper()?);
            let roles = Roles::new(roles).map_err(|refusal| explained(refusal.into()))?;
            let id = officer::named(&ctx, &asked.login).await.map_err(explained)?.id;
            asked.told("assign", officer::assign(&ctx, &helper, id, &roles).await)
        }
        OfficerAct::Lock(asked) => {
            let (ctx, helper) = (asked.opened(settings).await?, asked.helper.helper()?);
            let id = officer::named(&ctx, &asked.login).await.map_err(explained)?.id;
            asked.told("lock", officer::lock(&ctx, &helper, id).await)
        }
        OfficerAct::Unlock(asked) => {
            let (ctx, helper) = (asked.opened(settings).await?, asked.helper.helper()?);
            let id = officer::named(&ctx, &asked.login).await.map_err(explained)?.id;
            asked.told("unlock", officer::unlock(&ctx, &helper, id).await)
        }
    }
}

async fn opened(place: Place, settings: Settings, realm: &str) -> Result<Ctx, Failure> {
    let wanted = Wanted::of(&place.over(settings))?;
    Opened::at(&wanted).await?.ctx(&wanted, realm).await
}

impl Asked {
    async fn opened(&self, settings: Settings) -> Result<Ctx, Failure> {
        opened(self.place.clone(), settings, &self.realm).await
    }

    fn told_link(&self, link: &str) -> CliResult {
        let shape = json!({"officer": self.login, "link": link});
        let text = format!("{link}\nFor {} alone, once, within 24 hours.", self.login);
        Ok(tell(self.json, &shape, text)?)
    }

    fn told(&self, act: &str, done: Result<(), Stop>) -> CliResult {
        done.map_err(explained)?;
        let shape = json!({"act": act, "officer": self.login});
        Ok(tell(self.json, &shape, format!("{act}: done for {}", self.login))?)
    }
}

/// In words where this command has better ones than the others.
fn explained(stop: Stop) -> Failure {
    match stop {
        Stop::Refused(Refusal::Taken) => {
            "E_TAKEN: the login is or was somebody's; each officer keeps their own".into()
        }
        Stop::Refused(Refusal::State) => {
            "E_STATE: no officer has this login, or it is so already, or they are locked".into()
        }
        Stop::Refused(Refusal::Role) => "E_ROLE: nobody locks themself".into(),
        Stop::Refused(Refusal::Format { fields }) if fields == ["role"] => {
            "E_FORMAT: system, security and audit are each held alone".into()
        }
        Stop::Refused(Refusal::Format { fields }) if fields == ["login"] => {
            "E_FORMAT: a login has 3 to 30 small letters, digits, `.`, `_` or `-`, a letter first"
                .into()
        }
        Stop::Refused(Refusal::Format { fields }) if fields == ["name"] => {
            "E_FORMAT: --name is a person's name".into()
        }
        other => in_words(other),
    }
}

fn shape(one: &Officer) -> serde_json::Value {
    json!({
        "officer": one.login.as_str(),
        "name": one.name.as_str(),
        "roles": one.roles.iter().map(Role::name).collect::<Vec<_>>(),
        "standing": one.standing().name(),
        "since": one.created_at.rfc3339(),
        "invited_until": one.invited_until.map(Timestamp::rfc3339),
    })
}

fn line(one: &Officer) -> String {
    let link = one.invited_until.map(|at| format!(", link until {}", at.for_people()));
    format!(
        "{} {} ({}) {}{}",
        one.login,
        one.name.as_str(),
        one.roles.text(),
        one.standing().name(),
        link.unwrap_or_default()
    )
}
