//! `hufu keys`: when each signing key signs and verifies, a new one, and the end of an old one.

use clap::Subcommand;

use crate::base::clock::Timestamp;
use crate::cli::place::{Opened, Place};
use crate::cli::result::{CliResult, Failure, say};
use crate::cli::start::Wanted;
use crate::config::Settings;
use crate::domain::signing_key::{KeyTimes, state_of};
use crate::flows::keys::{Rotation, retire, rotate};
use crate::flows::{Stop, versions};
use crate::jose::Algorithm;

#[derive(Subcommand)]
pub enum KeysAct {
    /// A line each: id, algorithm, state, and its times.
    List {
        realm: String,
        #[command(flatten)]
        place: Place,
    },
    /// Announces a new key: published at once, it signs when everybody can know it.
    Rotate {
        realm: String,
        #[arg(default_value = "ES256")]
        algorithm: String,
        /// Seconds until it signs; otherwise the realm's `keys.announcement`. With 0 applications
        /// refuse what it signs until they read the keys again: for a key that has leaked.
        #[arg(long)]
        after: Option<u32>,
        /// Seconds for which the old one still verifies from then on.
        #[arg(long, default_value_t = 86_400)]
        overlap: u32,
        #[command(flatten)]
        place: Place,
    },
    /// A superseded key stops verifying at once.
    Retire {
        realm: String,
        kid: String,
        #[command(flatten)]
        place: Place,
    },
}

pub async fn run(act: KeysAct, settings: Settings) -> CliResult {
    match act {
        KeysAct::List { realm, place } => {
            let opened = open(place, settings, &realm).await?;
            let (keys, now) = (opened.store.rows(&realm).keys().times().await?, opened.clock.now());
            for key in &keys {
                say(line(key, &keys, now))?;
            }
            Ok(())
        }
        KeysAct::Rotate { realm, algorithm, after, overlap, place } => {
            let algorithm = Algorithm::parse(&algorithm).ok_or("no such algorithm")?;
            let opened = open(place, settings, &realm).await?;
            let (store, now) = (&opened.store, opened.clock.now());
            let keys = store.rows(&realm).keys().times().await?;
            if !keys.iter().any(|key| key.algorithm == algorithm.name()) {
                return Err(format!("{realm} signs nothing with {}", algorithm.name()).into());
            }
            let announcement = match after {
                Some(seconds) => i64::from(seconds),
                None => versions::announcement(store, &realm).await?,
            };
            let rotation = Rotation { algorithm, announcement, overlap: i64::from(overlap) };
            let rotated = rotate(store, &realm, rotation, now).await;
            let key = rotated.map_err(|stop| {
                explained(stop, "a key is announced already: `hufu keys list` says until when")
            })?;
            say(line(&key, std::slice::from_ref(&key), now))?;
            Ok(())
        }
        KeysAct::Retire { realm, kid, place } => {
            let opened = open(place, settings, &realm).await?;
            let retired = retire(&opened.store, &realm, &kid, opened.clock.now()).await;
            retired.map_err(|stop| explained(stop, "only a superseded key can retire"))
        }
    }
}

async fn open(place: Place, settings: Settings, realm: &str) -> Result<Opened, Failure> {
    let opened = Opened::at(&Wanted::of(&place.over(settings))?).await?;
    opened.check_realm(realm).await?;
    Ok(opened)
}

/// In words where the flow has only a code.
fn explained(stop: Stop, refused: &str) -> Failure {
    match stop {
        Stop::Refused(_) => refused.into(),
        other => other.into(),
    }
}

fn line(key: &KeyTimes, keys: &[KeyTimes], now: Timestamp) -> String {
    let at = Timestamp::for_people;
    let end =
        key.retires_at.map_or_else(String::new, |end| format!(", verifies until {}", at(end)));
    format!(
        "{} {} {}: made {}, signs from {}{end}",
        key.kid,
        key.algorithm,
        state_of(key, keys, now).name(),
        at(key.created_at),
        at(key.active_at)
    )
}
