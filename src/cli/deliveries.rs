//! `hufu deliveries`: what waits for an application or a telephone and why, what was dropped, what was
//! given up, and sending that again.

use crate::base::clock::Timestamp;
use crate::cli::place::{Opened, Place};
use crate::cli::result::{CliResult, say};
use crate::cli::start::Wanted;
use crate::config::Settings;
use crate::store::deliveries::{DeliveryState, MOST_LISTED, Queued, Unsettled};

#[derive(clap::Args)]
pub struct DeliveriesArguments {
    realm: String,
    /// Put what was given up back in the queue of the running server.
    #[arg(long)]
    retry: bool,
    #[command(flatten)]
    place: Place,
}

pub async fn run(arguments: DeliveriesArguments, settings: Settings) -> CliResult {
    let DeliveriesArguments { realm, retry, place } = arguments;
    let opened = Opened::at(&Wanted::of(&place.over(settings))?).await?;
    opened.check_realm(&realm).await?;
    let (store, now) = (&opened.store, opened.clock.now());
    let deliveries = store.rows(&realm).deliveries();
    for letter in deliveries.unsettled().await? {
        say(line(&letter, now))?;
    }
    let Unsettled { waiting, dead, dropped } = deliveries.count_unsettled(None).await?;
    if u64::try_from(waiting + dead + dropped).is_ok_and(|all| all > MOST_LISTED) {
        say(format_args!("only the {MOST_LISTED} oldest are listed"))?;
    }
    say(format_args!("{waiting} wait, {dead} could not be delivered"))?;
    if dropped > 0 {
        say(format_args!("{dropped} were not to go out"))?;
    }
    if retry {
        let tx = store.begin(&realm, now).await?;
        let count = tx.rows().deliveries().retry(now).await?;
        tx.commit().await?;
        say(format_args!("{count} are tried again"))?;
    }
    Ok(())
}

/// Id, state, channel, application, age in seconds, tries, when next, the last error.
fn line(letter: &Queued, now: Timestamp) -> String {
    let Queued { delivery, next_try_at } = letter;
    let to = if delivery.client_id.is_empty() { "-" } else { &delivery.client_id };
    let state = match &delivery.state {
        DeliveryState::Waiting { n_tries: 0, .. } => "not tried yet".to_owned(),
        DeliveryState::Waiting { n_tries, last_error } => {
            let (next, why) =
                (next_try_at.for_people(), last_error.as_deref().unwrap_or("unknown"));
            format!("{n_tries} tries, next {next}: {why}")
        }
        DeliveryState::Dead { n_tries, last_error } => format!("{n_tries} tries: {last_error}"),
        DeliveryState::Dropped { why } => why.clone(),
        DeliveryState::Kept => "until it is fetched".to_owned(),
        DeliveryState::Done => String::new(),
    };
    let (name, channel) = (delivery.state.name(), delivery.channel.name());
    let age = now.since(delivery.created_at);
    format!("{} {name} {channel} {to} {age} s old, {state}", delivery.id)
}
