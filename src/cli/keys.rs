//! `hufu keys`: when each signing key signs and verifies, a new one, and the end of an old one.

use clap::Subcommand;

use crate::base::clock::Timestamp;
use crate::cli::place::{Opened, Place};
use crate::cli::result::{CliResult, Failure, say};
use crate::cli::start::Wanted;
use crate::config::Settings;
use crate::domain::signing_key::{KeyTimes, state_of};
use crate::flows::keys::{Rotation, SHORTEST_ANNOUNCEMENT, retire, rotate};
use crate::flows::{Stop, versions};
use crate::jose::Algorithm;
use crate::store::Store;

/// Seconds for which an old key verifies where nobody says how long.
const USUAL_OVERLAP: i64 = 86_400;

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
        /// Seconds until it signs, 120 or more; otherwise the realm's `keys.announcement`.
        #[arg(long, value_parser = announcement)]
        after: Option<u32>,
        /// It signs at once, for when the old one has leaked: applications refuse what it signs until
        /// they read the keys again. The same as `--after 0`.
        #[arg(long, conflicts_with = "after")]
        now: bool,
        /// Seconds for which the old one still verifies from then on: as long as tokens live, unless
        /// it has leaked; otherwise a day, or longer where tokens live so long.
        #[arg(long)]
        overlap: Option<u32>,
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
        KeysAct::Rotate { realm, algorithm, after, now: at_once, overlap, place } => {
            let algorithm = Algorithm::parse(&algorithm).ok_or("no such algorithm")?;
            let opened = open(place, settings, &realm).await?;
            let (store, now) = (&opened.store, opened.clock.now());
            let keys = store.rows(&realm).keys().times().await?;
            if !keys.iter().any(|key| key.algorithm == algorithm.name()) {
                return Err(format!("{realm} signs nothing with {}", algorithm.name()).into());
            }
            let announcement = match after {
                _ if at_once => 0,
                Some(seconds) => i64::from(seconds),
                None => versions::announcement(store, &realm).await?,
            };
            let needed = overlap_needed(store, &realm).await?;
            let overlap = overlap.map_or(needed.max(USUAL_OVERLAP), i64::from);
            if announcement > 0 && overlap < needed {
                let message = format!(
                    "tokens of {realm} live so long that the old key has to verify for {needed} \
                     seconds; a shorter --overlap is for a leaked key, with --now"
                );
                return Err(message.into());
            }
            let rotation = Rotation { algorithm, announcement, overlap };
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

/// What `--after` takes.
fn announcement(text: &str) -> Result<u32, String> {
    let seconds: u32 = text.parse().map_err(|_| "a number of seconds is needed".to_owned())?;
    match i64::from(seconds) {
        0 | SHORTEST_ANNOUNCEMENT.. => Ok(seconds),
        _ => Err(format!(
            "nodes and applications keep keys for longer: {SHORTEST_ANNOUNCEMENT} or more, or --now \
             for a key that has leaked"
        )),
    }
}

/// What was signed at the last moment, by the node that learns of the turn last, is still good then.
async fn overlap_needed(store: &Store, realm: &str) -> Result<i64, Failure> {
    Ok(versions::longest_token(store, realm).await? + SHORTEST_ANNOUNCEMENT)
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
