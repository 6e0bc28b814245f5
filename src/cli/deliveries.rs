//! `hufu deliveries`: what no application and no telephone would take, and sending it again.

use crate::cli::result::CliResult;
use crate::cli::start::{Wanted, start};
use crate::config::Settings;
use crate::store::deliveries::DeliveryState;

#[derive(clap::Args)]
pub struct DeliveriesArguments {
    realm: String,
    /// Put all of them back in the queue of the running server.
    #[arg(long)]
    retry: bool,
}

/// A line each: id, channel, application, tries, the last error.
pub async fn run(arguments: DeliveriesArguments, settings: Settings) -> CliResult {
    let started = start(&Wanted::of(&settings)?).await?;
    let realm = started.app.realm(&arguments.realm).ok_or("no such realm")?;
    let services = started.app.services();
    let dead = services.store.rows(&realm.id).deliveries().dead().await?;
    for letter in &dead {
        let to = if letter.client_id.is_empty() { "-" } else { &letter.client_id };
        let DeliveryState::Dead { n_tries, last_error } = &letter.state else { continue };
        let (id, channel) = (letter.id, letter.channel.name());
        println!("{id} {channel} {to} {n_tries} tries: {last_error}");
    }
    if !arguments.retry {
        println!("{} could not be delivered", dead.len());
        return Ok(());
    }
    let tx = services.store.begin(&realm.id, services.clock.now()).await?;
    let count = tx.rows().deliveries().retry(services.clock.now()).await?;
    tx.commit().await?;
    println!("{count} are tried again");
    Ok(())
}
