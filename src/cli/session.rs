//! `hufu session`: where a person is signed in, and the end of one sign-in.

use clap::Subcommand;
use serde_json::json;

use crate::base::id::SessionId;
use crate::cli::helper::{HelperArguments, in_words};
use crate::cli::person::{found, session, session_line};
use crate::cli::place::{Opened, Place};
use crate::cli::result::{CliResult, tell};
use crate::cli::start::Wanted;
use crate::config::Settings;
use crate::flows::help;

#[derive(Subcommand)]
pub enum SessionAct {
    /// Every browser and phone that a person is signed in from, newest first.
    List {
        realm: String,
        /// A document number, a phone, a username, or the id of a person or an account.
        who: String,
        #[command(flatten)]
        common: Common,
    },
    /// Ends one; its applications are told.
    End {
        realm: String,
        /// As `list` has it.
        id: SessionId,
        #[command(flatten)]
        common: Common,
    },
}

#[derive(clap::Args)]
pub struct Common {
    #[command(flatten)]
    helper: HelperArguments,
    /// JSON, one object a line.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

pub async fn run(act: SessionAct, settings: Settings) -> CliResult {
    match act {
        SessionAct::List { realm, who, common } => {
            let helper = common.helper.helper()?;
            let wanted = Wanted::of(&common.place.over(settings))?;
            let ctx = Opened::at(&wanted).await?.ctx(&wanted, &realm).await?;
            for person in found(&ctx, &helper, &who).await? {
                let signed_in = person.account.into_iter().flat_map(|account| account.sessions);
                for one in signed_in {
                    tell(common.json, &session(&one), session_line(&one))?;
                }
            }
            Ok(())
        }
        SessionAct::End { realm, id, common } => {
            let helper = common.helper.helper()?;
            let wanted = Wanted::of(&common.place.over(settings))?;
            let ctx = Opened::at(&wanted).await?.ctx(&wanted, &realm).await?;
            help::end_session(&ctx, &helper, id).await.map_err(in_words)?;
            let shape = json!({"act": "end-session", "session": id});
            tell(common.json, &shape, format_args!("end-session: done for {id}"))?;
            Ok(())
        }
    }
}
