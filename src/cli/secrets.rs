//! `hufu secrets`: what seals values at rest, another root, another master key, the end of an old one.
//! A running server learns of another root within seconds.

use std::path::PathBuf;

use clap::Subcommand;
use serde_json::json;

use crate::base::cipher::Keeper;
use crate::base::clock::Timestamp;
use crate::cli::helper::HelperArguments;
use crate::cli::keeper::KeyHolder;
use crate::cli::place::{Opened, Place};
use crate::cli::result::{CliResult, Failure, say, tell};
use crate::cli::start::{Wanted, make_key, read_key};
use crate::config::Settings;
use crate::store::reseal::Resealed;
use crate::store::roots::{ANNOUNCED_SECONDS, RootRow, SHORTEST_ANNOUNCEMENT};

#[derive(Subcommand)]
pub enum SecretsAct {
    /// A line each root: suite, state, since when, and the master keys that open it.
    Status {
        /// JSON, one object a line.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        place: Place,
    },
    /// Announces another root, which seals a minute later; the server then seals everything anew.
    Rotate {
        /// Seconds until it seals, 10 or more; otherwise a minute.
        #[arg(long, value_parser = clap::value_parser!(u32).range(SHORTEST_ANNOUNCEMENT..))]
        after: Option<u32>,
        /// As soon as every node and every command that runs must have learned of it: in ten seconds.
        #[arg(long, conflicts_with = "after")]
        now: bool,
        #[command(flatten)]
        helper: HelperArguments,
        #[command(flatten)]
        place: Place,
    },
    /// Seals everything anew from here, without waiting for the server to do it.
    Reseal {
        #[command(flatten)]
        place: Place,
    },
    /// Another master key may open this database, beside the one in use: then give it to one node after
    /// the other, and `forget` the old one.
    Rewrap {
        #[command(flatten)]
        next: Next,
        #[command(flatten)]
        helper: HelperArguments,
        #[command(flatten)]
        place: Place,
    },
    /// A master key, by its fingerprint, opens this database no more. What was copied before it still does.
    Forget {
        fingerprint: String,
        #[command(flatten)]
        helper: HelperArguments,
        #[command(flatten)]
        place: Place,
    },
}

#[derive(clap::Args)]
#[group(required = true, multiple = false)]
pub struct Next {
    /// The file of the new key; made where there is none.
    #[arg(long)]
    new_key: Option<PathBuf>,
    /// Or the program in front of a cipher machine (`key_program`).
    #[arg(long)]
    new_program: Option<PathBuf>,
}

impl Next {
    async fn keeper(self) -> Result<KeyHolder, Failure> {
        match (self.new_key, self.new_program) {
            (Some(file), _) if file.exists() => Ok(KeyHolder::Key(read_key(&file)?)),
            (Some(file), _) => Ok(KeyHolder::Key(make_key(&file)?)),
            (None, Some(program)) => KeyHolder::program(program).await,
            (None, None) => Err("a new key or a program is needed".into()),
        }
    }
}

pub async fn run(act: SecretsAct, settings: Settings) -> CliResult {
    match act {
        SecretsAct::Status { json, place } => {
            let (opened, _) = open(place, settings).await?;
            let (roots, now) = (opened.store.roots().await?, opened.clock.now());
            for root in &roots {
                line(root, &roots, now, json)?;
            }
            Ok(())
        }
        SecretsAct::Rotate { after, now: at_once, helper, place } => {
            let helper = helper.helper()?;
            let (opened, wanted) = open(place, settings).await?;
            let now = opened.clock.now();
            let announced = match after {
                _ if at_once => SHORTEST_ANNOUNCEMENT,
                Some(seconds) => i64::from(seconds),
                None => ANNOUNCED_SECONDS,
            };
            let added = opened.store.add_root(wanted.at_rest, announced, &helper, now).await?;
            line(&added, std::slice::from_ref(&added), now, false)
        }
        SecretsAct::Reseal { place } => {
            let (opened, _) = open(place, settings).await?;
            let rest = |took| tokio::time::sleep(took);
            match opened.store.reseal(true, || opened.clock.now(), rest).await? {
                None => Err("another process is at it".into()),
                Some(Resealed { rows, left: 0, .. }) => {
                    Ok(say(format!("{rows} rows were sealed anew"))?)
                }
                Some(Resealed { rows, left, .. }) => {
                    Err(format!("{rows} rows were sealed anew, {left} are left: run it again")
                        .into())
                }
            }
        }
        SecretsAct::Rewrap { next, helper, place } => {
            let helper = helper.helper()?;
            let (opened, _) = open(place, settings).await?;
            let next = next.keeper().await?;
            opened.store.wrap_roots(&next, &helper, opened.clock.now()).await?;
            Ok(say(format!("{} opens this database, too", next.fingerprint()))?)
        }
        SecretsAct::Forget { fingerprint, helper, place } => {
            let helper = helper.helper()?;
            let (opened, _) = open(place, settings).await?;
            if !opened.store.forget_keeper(&fingerprint, &helper, opened.clock.now()).await? {
                return Err(
                    format!("{fingerprint} opens nothing here: `hufu secrets status`").into()
                );
            }
            Ok(say(format!("{fingerprint} opens this database no more"))?)
        }
    }
}

async fn open(place: Place, settings: Settings) -> Result<(Opened, Wanted), Failure> {
    let wanted = Wanted::of(&place.over(settings))?;
    Ok((Opened::at(&wanted).await?, wanted))
}

fn line(root: &RootRow, roots: &[RootRow], now: Timestamp, json: bool) -> CliResult {
    let younger = roots.iter().any(|other| other.id > root.id && other.active_from <= now);
    let state = match root.retired_at {
        Some(_) => "retired",
        None if root.active_from > now => "announced",
        None if younger => "older",
        None => "current",
    };
    let shape = json!({
        "root": root.id, "suite": root.suite, "state": state, "created_at": root.created_at.0,
        "active_from": root.active_from.0, "retired_at": root.retired_at.map(|at| at.0),
        "keys": root.keepers,
    });
    let text = format!(
        "{} {} {state}: seals from {}, opens with {}",
        root.id,
        root.suite.name(),
        root.active_from.for_people(),
        root.keepers.join(" and ")
    );
    Ok(tell(json, &shape, text)?)
}
