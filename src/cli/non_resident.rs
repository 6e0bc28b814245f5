//! `hufu non-resident`: what waits for review, one application with its files, and what is decided of it.
//! Every look and every decision stands in the audit with who and why; what they do is
//! `flows::non_resident`'s.

use std::fmt::Write;
use std::path::PathBuf;

use clap::Subcommand;
use serde_json::{Value, json};

use crate::base::clock::Timestamp;
use crate::base::id::{ApplicationId, UploadId};
use crate::cli::helper::{HelperArguments, in_words};
use crate::cli::place::{Opened, Place};
use crate::cli::result::{CliResult, Failure, tell};
use crate::cli::start::Wanted;
use crate::config::Settings;
use crate::domain::help::Helper;
use crate::domain::non_resident::{Application, Declared, State};
use crate::domain::refusal::Refusal;
use crate::flows::non_resident::{self, Alike, Case, Waiting};
use crate::flows::{Ctx, Stop};

#[derive(Subcommand)]
pub enum NonResidentAct {
    /// What waits for review, the oldest first.
    List {
        realm: String,
        /// JSON, one object a line.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        place: Place,
    },
    /// One application: who applies, what the form says, which files came, what it looks like.
    Show(Asked),
    /// Writes a file of an application to where `--out` says, as it came: do not open it on a server.
    File {
        #[command(flatten)]
        asked: Asked,
        #[arg(long)]
        file: UploadId,
        #[arg(long)]
        out: PathBuf,
    },
    /// Issues the code, or is the first of two approvals where it looks like another one.
    Approve {
        #[command(flatten)]
        asked: Asked,
        /// What the applicant is in the enterprise: `person_in_charge` or `tax_clerk`.
        #[arg(long = "as", value_parser = declared)]
        identity: Declared,
    },
    /// Not approved, for good; the applicant reads the reason.
    Reject(Asked),
    /// Back to the applicant to be corrected; they read the reason.
    Return(Asked),
    /// Hands a draft in for an applicant at the counter; whoever does reviews it no more.
    Submit(Asked),
}

#[derive(clap::Args)]
pub struct Asked {
    realm: String,
    /// The application's id.
    application: ApplicationId,
    #[command(flatten)]
    helper: HelperArguments,
    /// JSON, one object a line.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

fn declared(text: &str) -> Result<Declared, String> {
    let known = Declared::ALL.map(Declared::name).join(" or ");
    Declared::parse(text).ok_or_else(|| format!("{known} is needed"))
}

pub async fn run(act: NonResidentAct, settings: Settings) -> CliResult {
    match act {
        NonResidentAct::List { realm, json, place } => {
            let wanted = Wanted::of(&place.over(settings))?;
            list(&Opened::at(&wanted).await?.ctx(&wanted, &realm).await?, json).await
        }
        NonResidentAct::Show(asked) => {
            let Desk { ctx, officer, id, json } = at_desk(asked, settings).await?;
            let case = non_resident::look(&ctx, &officer, id).await.map_err(explained)?;
            Ok(tell(json, &case_shape(&case), case_text(&case)?)?)
        }
        NonResidentAct::File { asked, file, out } => {
            let Desk { ctx, officer, id, json } = at_desk(asked, settings).await?;
            let found = non_resident::file(&ctx, &officer, id, file).await;
            let (upload, content) = found.map_err(explained)?;
            std::fs::write(&out, content)?;
            let shape = json!({"file": upload.id, "name": upload.name, "out": out});
            Ok(tell(json, &shape, format!("{} is at {}", upload.name, out.display()))?)
        }
        NonResidentAct::Approve { asked, identity } => {
            let Desk { ctx, officer, id, json } = at_desk(asked, settings).await?;
            let code = non_resident::approve(&ctx, &officer, id, identity).await;
            let code = code.map_err(explained)?;
            let text = match &code {
                Some(code) => format!("approved: {}", code.as_str()),
                None => "it looks like another one: a second officer has to approve it".to_owned(),
            };
            let shape = json!({"act": "approve", "application": id, "code": code});
            Ok(tell(json, &shape, text)?)
        }
        NonResidentAct::Reject(asked) => {
            let desk = at_desk(asked, settings).await?;
            let done = non_resident::reject(&desk.ctx, &desk.officer, desk.id).await;
            desk.told("reject", done)
        }
        NonResidentAct::Return(asked) => {
            let desk = at_desk(asked, settings).await?;
            let done = non_resident::return_for_correction(&desk.ctx, &desk.officer, desk.id).await;
            desk.told("return", done)
        }
        NonResidentAct::Submit(asked) => {
            let desk = at_desk(asked, settings).await?;
            let done = non_resident::hand_in(&desk.ctx, &desk.officer, desk.id).await;
            desk.told("submit", done)
        }
    }
}

/// Who reviews what, and where.
struct Desk {
    ctx: Ctx,
    officer: Helper,
    id: ApplicationId,
    json: bool,
}

async fn at_desk(asked: Asked, settings: Settings) -> Result<Desk, Failure> {
    let officer = asked.helper.helper()?;
    let wanted = Wanted::of(&asked.place.over(settings))?;
    let ctx = Opened::at(&wanted).await?.ctx(&wanted, &asked.realm).await?;
    Ok(Desk { ctx, officer, id: asked.application, json: asked.json })
}

impl Desk {
    fn told(&self, act: &str, done: Result<(), Stop>) -> CliResult {
        done.map_err(explained)?;
        let shape = json!({"act": act, "application": self.id});
        Ok(tell(self.json, &shape, format!("{act}: done for {}", self.id))?)
    }
}

/// In words where these commands have better ones than the others.
fn explained(stop: Stop) -> Failure {
    match stop {
        Stop::Refused(Refusal::Role) => {
            "E_ROLE: whoever handed it in, or approved it before, does not decide it".into()
        }
        Stop::Refused(Refusal::State) => {
            "E_STATE: there is no such application, or it is not in a state for this".into()
        }
        Stop::Refused(Refusal::Format { fields }) if fields == ["uploads"] => {
            "E_FORMAT: no file came with it".into()
        }
        other => in_words(other),
    }
}

async fn list(ctx: &Ctx, as_json: bool) -> CliResult {
    for one in non_resident::waiting(ctx).await? {
        tell(as_json, &waiting_shape(&one), waiting_text(&one))?;
    }
    Ok(())
}

fn waiting_shape(one: &Waiting) -> Value {
    json!({
        "application": one.application.id,
        "name": one.application.form.name_zh.as_str(),
        "foreign_name": one.application.form.name_foreign.as_str(),
        "residence": one.application.form.residence,
        "since": one.since.rfc3339(),
        "due_at": one.due_at.rfc3339(),
        "is_late": one.is_late,
        "is_flagged": one.is_flagged,
    })
}

fn waiting_text(one: &Waiting) -> String {
    let form = &one.application.form;
    let late = if one.is_late { ", LATE" } else { "" };
    let flagged = if one.is_flagged { ", looks like another" } else { "" };
    format!(
        "{} {} / {} ({}) since {}, due {}{late}{flagged}",
        one.application.id,
        form.name_zh.as_str(),
        form.name_foreign.as_str(),
        form.residence,
        one.since.for_people(),
        one.due_at.for_people(),
    )
}

fn alike_shape(one: &Alike) -> Value {
    json!({
        "what": one.likeness.name(),
        "name": (!one.name.is_empty()).then_some(one.name.as_str()),
        "code": one.code,
        "application": one.application,
    })
}

fn case_shape(case: &Case) -> Value {
    let Case { application, applicant, files, alike } = case;
    let documents = applicant.documents.iter();
    let documents = documents.map(|(kind, number)| json!({"kind": kind.name(), "number": number}));
    let files = files.iter().map(|file| {
        json!({"id": file.id, "name": file.name, "kind": file.kind.name(), "size": file.size})
    });
    json!({
        "application": application.id,
        "state": application.state,
        "form": application.form,
        "since": application.waits_since().map(Timestamp::rfc3339),
        "due_at": application.due_at().map(Timestamp::rfc3339),
        "applicant": {
            "person": application.person,
            "name": applicant.name,
            "nationality": applicant.nationality,
            "real_name_level": applicant.real_name_level,
            "documents": documents.collect::<Vec<_>>(),
            "email": applicant.email,
        },
        "files": files.collect::<Vec<_>>(),
        "alike": alike.iter().map(alike_shape).collect::<Vec<_>>(),
    })
}

fn case_text(case: &Case) -> Result<String, std::fmt::Error> {
    let Case { application, applicant, files, alike } = case;
    let Application { id, form, state, .. } = application;
    let mut text = format!("{id} {}", state.name());
    let typed = form.typed();
    for (name, value) in [
        ("name in Chinese", &typed.name_zh),
        ("name at home", &typed.name_foreign),
        ("residence", &typed.residence),
        ("kind of number", &typed.number_kind),
        ("number", &typed.home_number),
        ("address", &typed.address),
        ("contact", &typed.contact_name),
        ("e-mail", &typed.contact_email),
        ("phone", &typed.contact_phone),
        ("declared", &typed.declared),
        ("earlier code", &typed.former_code),
    ] {
        if !value.is_empty() {
            write!(text, "\n  {name}: {value}")?;
        }
    }
    write!(text, "\n  applicant {}, {}", applicant.name, applicant.nationality)?;
    write!(text, ", level {}", applicant.real_name_level)?;
    for (kind, number) in &applicant.documents {
        write!(text, ", {} {number}", kind.name())?;
    }
    for file in files {
        write!(
            text,
            "\n  file {} {} ({}, {} bytes)",
            file.id,
            file.name,
            file.kind.name(),
            file.size
        )?;
    }
    for one in alike {
        let code = one.code.as_deref().unwrap_or("no code yet");
        let name = if one.name.is_empty() { "nobody who is known" } else { one.name.as_str() };
        write!(text, "\n  LOOKS LIKE {name} ({code}): {}", one.likeness.name())?;
    }
    if let State::Submitted { first: Some(first), .. } = state {
        write!(text, "\n  approved once, by {}: {}", first.by, first.reason)?;
    }
    if let State::Approved { code, .. } = state {
        write!(text, "\n  code {}", code.as_str())?;
    }
    Ok(text)
}
