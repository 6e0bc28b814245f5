//! Starts the agent: reads the configuration, loads the drivers, listens.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Parser, Subcommand};
use key_agent::agent::{Agent, World};
use key_agent::config::{self, Config};
use key_agent::server::{Listeners, READING};
use key_agent::token_thread::{PATIENCE, TokenThread};
use key_agent::tokens::Tokens;

/// Lets the pages of a tax bureau ask a certificate's token for a signature.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// The configuration file, which an administrator installs.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Listens for pages, which is what it does without a word, too.
    Run,
    /// Says what the check page would say, and ends.
    Check,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(false).init();
    match start(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn start(arguments: Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let path = arguments.config.unwrap_or_else(config::default_path);
    let config = Config::load(&path)?;
    let ports = config.ports.clone();
    let drivers = config.clone();
    let tokens = TokenThread::start(move || Tokens::configured(&drivers), PATIENCE)?;
    let world = World { now: Arc::new(clock), chance: getrandom::fill };
    let agent = Arc::new(Agent::new(config, tokens, world)?);
    if let Some(Command::Check) = arguments.command {
        let items = agent.env().await.items;
        println!("{}", serde_json::to_string_pretty(&items)?);
        return Ok(());
    }
    let listeners = Listeners::bind(&ports).await?;
    tracing::info!(port = listeners.port, origins = ?agent.origins, "listens");
    tokio::select! {
        () = listeners.serve(agent, READING) => {}
        stopped = tokio::signal::ctrl_c() => stopped?,
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "the clock that is handed in is made here")]
fn clock() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.ok().and_then(|since| i64::try_from(since.as_secs()).ok()).unwrap_or_default()
}
