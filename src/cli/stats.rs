//! `hufu stats`: how much there is in a realm, and how its last day went.

use serde_json::{Map, Value, json};

use crate::cli::place::{Opened, Place};
use crate::cli::result::{CliResult, say};
use crate::cli::start::Wanted;
use crate::config::Settings;
use crate::store::stats::Count;

#[derive(clap::Args)]
pub struct StatsArguments {
    realm: String,
    /// JSON, one object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

fn by_name(counts: &[Count]) -> Value {
    let pairs = counts.iter().map(|one| (one.name.clone(), json!(one.count)));
    Value::Object(pairs.collect::<Map<String, Value>>())
}

pub async fn run(arguments: StatsArguments, settings: Settings) -> CliResult {
    let StatsArguments { realm, json, place } = arguments;
    let opened = Opened::at(&Wanted::of(&place.over(settings))?).await?;
    opened.check_realm(&realm).await?;
    let rows = opened.store.rows(&realm);
    let stats = rows.stats(opened.clock.now()).await?;
    let version = rows.realm_versions().latest().await?.map(|version| version.generation);
    let shape = json!({
        "realm": realm,
        "version": version,
        "people": stats.people,
        "accounts": by_name(&stats.accounts),
        "locked_accounts": stats.locked_accounts,
        "enterprises": stats.enterprises,
        "authorisations": by_name(&stats.authorisations),
        "live_sessions": stats.live_sessions,
        "sign_ins_of_the_last_day": by_name(&stats.sign_ins),
        "deliveries": by_name(&stats.deliveries),
    });
    if json {
        say(shape)?;
        return Ok(());
    }
    for (name, value) in shape.as_object().into_iter().flatten() {
        let name = name.replace('_', " ");
        match value {
            Value::Object(counts) => {
                for (of, count) in counts {
                    say(format_args!("{name}, {of}: {count}"))?;
                }
            }
            Value::String(text) => say(format_args!("{name}: {text}"))?,
            other => say(format_args!("{name}: {other}"))?,
        }
    }
    Ok(())
}
