//! `hufu realm explain`: why somebody would get the token that they would get, each line with the file
//! and line, or the row, that causes it. A look at a person: who and why go into the audit.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::base::clock::{Clock, Day, Timestamp};
use crate::base::id::{AccountId, AssignmentId, PersonId, RecordId};
use crate::cli::client::known;
use crate::cli::helper::{HelperArguments, in_words};
use crate::cli::place::{Opened, Place};
use crate::cli::result::{CliResult, Failure, say};
use crate::cli::start::Wanted;
use crate::config::Settings;
use crate::domain::acting::Acting;
use crate::domain::enterprise::Enterprise;
use crate::domain::factor::Factor;
use crate::flows::oauth::explain::{Cause, Explanation, Line, Question, explain};
use crate::flows::{Ctx, help, versions};
use crate::realm::files::Files;

#[derive(clap::Args)]
pub struct ExplainArguments {
    realm: String,
    /// A document number, a phone, a username or an id.
    #[arg(long)]
    person: String,
    #[arg(long)]
    client: String,
    /// `personal`, an enterprise number, `<number>:<identity type>`, or the id of a relation, record or
    /// assignment.
    #[arg(long, default_value = "personal")]
    identity: String,
    /// Otherwise the first that leads to the identity.
    #[arg(long)]
    entrance: Option<String>,
    /// Otherwise the first of the entrance.
    #[arg(long)]
    factor: Option<String>,
    /// Otherwise all that the application is registered for.
    #[arg(long)]
    scope: Option<String>,
    /// An API that the token is for; may be said several times.
    #[arg(long)]
    resource: Vec<String>,
    /// By the files that ran on this day, and the terms as they are then: `2026-12-31`.
    #[arg(long)]
    at: Option<String>,
    /// JSON, one object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    helper: HelperArguments,
    #[command(flatten)]
    place: Place,
}

pub async fn run(arguments: ExplainArguments, settings: Settings) -> CliResult {
    let ExplainArguments { realm, place, at, .. } = &arguments;
    let wanted = Wanted::of(&place.clone().over(settings))?;
    // Who looked, and when, is written down by the clock on the wall.
    let now = Opened::at(&wanted).await?.ctx(&wanted, realm).await?;
    let (person, account) = person(&now, &arguments).await?;
    let ctx = match at {
        None => now,
        Some(day) => then(Opened::at(&wanted).await?, &wanted, realm, day).await?,
    };
    let client = known(&ctx, &arguments.client)?;
    let factor = match &arguments.factor {
        Some(name) => Some(Factor::parse(name).ok_or_else(|| format!("no factor `{name}`"))?),
        None => None,
    };
    let question = Question {
        person,
        account,
        acting: acting(&ctx, person, &arguments.identity).await?,
        client,
        entrance: arguments.entrance.as_deref(),
        factor,
        scope: arguments.scope.as_deref(),
        resources: &arguments.resource,
    };
    let told = explain(&ctx, &question).await.map_err(in_words)?;
    if arguments.json {
        say(shape(&ctx.realm.files, &told))?;
    } else {
        for line in &told.lines {
            let places: Vec<String> =
                line.causes.iter().map(|one| place_of(&ctx.realm.files, one)).collect();
            say(format_args!("{}: {}  <- {}", line.about, line.value, places.join(", ")))?;
        }
    }
    match told.refused {
        Some(why) => Err(format!("no token: {why}").into()),
        None => Ok(()),
    }
}

/// The realm as it was served on a day that is over, else as it is; and the clock of that day's end.
async fn then(mut opened: Opened, wanted: &Wanted, realm: &str, day: &str) -> Result<Ctx, Failure> {
    let day = Day::parse(day).ok_or("a day is written 2026-12-31")?;
    let (now, end): (Timestamp, Timestamp) = (opened.clock.now(), day.end());
    let files = match end < now {
        true => versions::files_at(&opened.store, realm, end).await?,
        false => None,
    };
    opened.clock = Clock::fixed(end);
    match files {
        Some(files) => opened.ctx_of_version(wanted, realm, &files).await,
        None => opened.ctx(wanted, realm).await,
    }
}

async fn person(ctx: &Ctx, arguments: &ExplainArguments) -> Result<(PersonId, AccountId), Failure> {
    let helper = arguments.helper.helper()?;
    let found = help::find(ctx, &helper, &arguments.person).await.map_err(in_words)?;
    match found.as_slice() {
        [one] => match &one.account {
            Some(account) => Ok((one.person, account.id)),
            None => Err("this person has no account".into()),
        },
        [] => Err("nobody is known by that".into()),
        several => {
            let ids: Vec<String> = several.iter().map(|one| one.person.to_string()).collect();
            Err(format!("several people are meant: {}", ids.join(", ")).into())
        }
    }
}

/// Whatever state it is in: why it is not worth anything is part of the answer.
async fn acting(ctx: &Ctx, person: PersonId, text: &str) -> Result<Acting, Failure> {
    if text == "personal" {
        return Ok(Acting::Personal);
    }
    let held = ctx.rows().standings().held(person).await?;
    if let Ok(id) = text.parse::<Uuid>() {
        let relation = held.iter().find(|(one, _)| one.id.0 == id);
        return Ok(match relation {
            Some((one, _)) => Acting::Enterprise(one.id),
            None if ctx.rows().cross_region().held(RecordId(id), person).await?.is_some() => {
                Acting::Record(RecordId(id))
            }
            None => Acting::Agent(AssignmentId(id)),
        });
    }
    let (number, name) = text.split_once(':').map_or((text, None), |(a, b)| (a, Some(b)));
    let is_meant = |one: &Enterprise| {
        [one.tin.as_str(), one.id.0.to_string().as_str()].contains(&number)
            || one.uscc.as_ref().is_some_and(|uscc| uscc.as_str() == number)
    };
    let fitting: Vec<_> = held
        .iter()
        .filter(|(one, enterprise)| {
            is_meant(enterprise) && name.is_none_or(|name| one.identity_type.0 == name)
        })
        .collect();
    match fitting.as_slice() {
        [(one, _)] => Ok(Acting::Enterprise(one.id)),
        [] => Err(format!("the person has no relation `{text}`").into()),
        several => {
            let names = several.iter().map(|(one, _)| {
                format!("{} ({}, {})", one.id, one.identity_type.0, one.state().name())
            });
            let names: Vec<String> = names.collect();
            Err(format!("several relations are meant: {}", names.join("; ")).into())
        }
    }
}

fn place_of(files: &Files, cause: &Cause) -> String {
    match cause {
        Cause::SignIn => "the sign-in".to_owned(),
        Cause::Row(row) => row.clone(),
        Cause::Setting(setting) => match files.place(setting) {
            Some((file, Some(line))) => format!("{file}:{line}"),
            _ => format!("{setting} (as usual)"),
        },
    }
}

fn shape(files: &Files, told: &Explanation) -> Value {
    let line = |line: &Line| {
        let causes: Vec<String> = line.causes.iter().map(|one| place_of(files, one)).collect();
        json!({"about": line.about, "value": line.value, "causes": causes})
    };
    json!({
        "lines": told.lines.iter().map(line).collect::<Vec<_>>(),
        "refused": told.refused,
        "id_token": told.id_token,
        "access_token": told.access_token,
    })
}
