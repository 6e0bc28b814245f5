//! Who acts at a shell and why, for commands that help a person: both go into the audit.

use std::os::unix::fs::MetadataExt;

use crate::cli::result::Failure;
use crate::config::variable;
use crate::domain::help::Helper;
use crate::domain::refusal::Refusal;
use crate::flows::Stop;

#[derive(clap::Args)]
pub struct HelperArguments {
    /// Why, for the audit: 2 to 200 characters on one line.
    #[arg(long)]
    reason: String,
    /// Who acts, for the audit, where they are named `operator/…`; otherwise the user of this shell.
    #[arg(long)]
    by: Option<String>,
}

impl HelperArguments {
    pub fn helper(&self) -> Result<Helper, Failure> {
        let name = self.by.clone().or_else(user).ok_or("nobody knows who acts: --by says it")?;
        let name = name.strip_prefix(OPERATOR).unwrap_or(&name).trim();
        if name.is_empty() || name.contains('/') {
            return Err(
                "--by names an operator, without a `/`: officers act at their console".into()
            );
        }
        let name = format!("{OPERATOR}{name}");
        Helper::new(&name, &self.reason).map_err(|refusal| explained(&refusal).into())
    }
}

/// Whoever has a shell is no officer, whatever their name is.
const OPERATOR: &str = "operator/";

/// Whoever became another to run this is named as themself; without a name by the number that the system
/// knows them by.
fn user() -> Option<String> {
    let known = ["SUDO_USER", "USER", "LOGNAME"].into_iter().find_map(variable);
    let known = known.filter(|name| !name.is_empty());
    let number = || std::fs::metadata("/proc/self").ok().map(|own| format!("uid-{}", own.uid()));
    known.or_else(number)
}

/// In words where a flow has only a code.
pub fn in_words(stop: Stop) -> Failure {
    match stop {
        Stop::Refused(refusal) => explained(&refusal).into(),
        other => other.into(),
    }
}

fn explained(refusal: &Refusal) -> String {
    match refusal {
        Refusal::State => "nothing was done: it is so already, or it is not there".to_owned(),
        Refusal::Format { fields } => {
            let told = fields.iter().map(|field| match *field {
                "person" => "a document number, a phone, a username or an id is needed",
                "reason" => "--reason takes 2 to 200 characters on one line",
                "by" => "--by takes 1 to 55 characters on one line",
                other => other,
            });
            told.collect::<Vec<_>>().join("; ")
        }
        other => other.code().to_owned(),
    }
}
