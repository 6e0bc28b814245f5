//! `hufu sms`: whether text messages go out, by sending one.

use clap::Subcommand;
use serde_json::json;

use crate::cli::helper::HelperArguments;
use crate::cli::place::{Opened, Place};
use crate::cli::result::{CliResult, Failure, tell};
use crate::cli::start::{Wanted, read_realm, services};
use crate::config::Settings;
use crate::domain::number::phone::Phone;
use crate::ephemeral::Ephemeral;
use crate::flows::Ctx;
use crate::flows::people::note_help;
use crate::flows::sign_in::factor::code::send_trial;

#[derive(Subcommand)]
pub enum SmsAct {
    /// Sends a code that is worth nothing to a phone, by the realm's gateways in their order; exit 1 when
    /// none takes it. Needs the secrets of the realm.
    Test {
        realm: String,
        #[arg(value_parser = phone)]
        phone: Phone,
        #[command(flatten)]
        helper: HelperArguments,
        /// JSON, one object.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        place: Place,
    },
}

fn phone(text: &str) -> Result<Phone, String> {
    Phone::parse(text).map_err(|_| "a phone number is needed".to_owned())
}

pub async fn run(act: SmsAct, settings: Settings) -> CliResult {
    let SmsAct::Test { realm, phone, helper, json, place } = act;
    let helper = helper.helper()?;
    let wanted = Wanted::of(&place.over(settings))?;
    let opened = Opened::at(&wanted).await?;
    opened.check_realm(&realm).await?;
    let realm = read_realm(&wanted.realms.join(&realm), &wanted)?;
    let Opened { store, clock } = opened;
    let ephemeral = Ephemeral::in_memory(clock.clone());
    let services = services(&wanted, store, ephemeral, clock)?;
    let ctx = Ctx::own(&services, &realm);
    let tx = ctx.begin().await?;
    note_help(&tx, &helper, "sms-test", None, None);
    tx.commit().await?;
    send_trial(&ctx, &phone).await.map_err(|error| Failure::from(error.to_string()))?;
    let hosts: Vec<&str> = realm.sms.gateways.iter().map(|one| one.url.as_str()).collect();
    let shape = json!({"act": "sms-test", "sent": true, "gateways": hosts});
    tell(json, &shape, format_args!("sent, by the first of {} that takes it", hosts.join(", ")))?;
    Ok(())
}
