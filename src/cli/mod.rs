//! The `hufu` command.

pub mod deliveries;
pub mod demo;
pub mod doctor;
pub mod import;
pub mod realm;
pub mod reload;
pub mod result;
pub mod serve;
pub mod start;

use std::path::{Path, PathBuf};

use clap::{Parser, Subcommand};

use crate::cli::result::CliResult;
use crate::config::{Settings, environment};
use crate::domain::audit_chain::Checkpoint;
use crate::flows::keys::rotate;
use crate::jose::Algorithm;
use crate::outbound::client::{Outbound, Timeouts};
use crate::store::connect::{migrate, migration_status};

/// Single sign-on for a tax bureau.
#[derive(Parser)]
#[command(name = "hufu", version, about)]
struct Arguments {
    /// The settings file.
    #[arg(long, global = true)]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the realms.
    Serve(serve::ServeArguments),
    /// Everything in one process on loopback: provider, desk, two tax applications.
    Demo(demo::DemoArguments),
    /// Look at realm files and bring them to where they are served.
    Realm {
        #[command(subcommand)]
        act: realm::RealmAct,
    },
    /// The database schema.
    Migrate {
        #[command(subcommand)]
        act: MigrateAct,
    },
    /// Signing keys.
    Keys {
        #[command(subcommand)]
        act: KeysAct,
    },
    /// Print the OpenAPI document of our own interfaces.
    Openapi {
        /// The realm's address, below which they lie.
        #[arg(default_value = "https://sso.example/realms/realm")]
        issuer: String,
    },
    /// Take what the registry and the business systems tell, from a file.
    Import(import::ImportArguments),
    /// List what could not be delivered to applications or by text message.
    Deliveries(deliveries::DeliveriesArguments),
    /// Verify the audit chain of a realm, and print its newest link as a checkpoint to keep elsewhere.
    Audit {
        realm: String,
        /// A file of such checkpoints, one a line, that the chain must still have.
        #[arg(long)]
        checkpoints: Option<PathBuf>,
    },
    /// Check settings, files, database and gateways; exit 1 when something is wrong.
    Doctor,
    /// Ask a running server whether it is ready; exit 1 when it is not.
    Healthcheck {
        /// The address of its second listener.
        #[arg(default_value = "http://127.0.0.1:9090")]
        address: String,
    },
}

#[derive(Subcommand)]
enum MigrateAct {
    Status,
    Up,
}

#[derive(Subcommand)]
enum KeysAct {
    List {
        realm: String,
    },
    /// A new key signs from now on; the old one verifies for the overlap.
    Rotate {
        realm: String,
        #[arg(default_value = "ES256")]
        algorithm: String,
        /// Seconds.
        #[arg(long, default_value_t = 86_400)]
        overlap: i64,
    },
    /// A superseded key stops verifying at once.
    Retire {
        realm: String,
        kid: String,
    },
}

/// Reads the arguments and runs; the error chain is the caller's to print.
pub async fn run() -> CliResult {
    let arguments = Arguments::parse();
    let settings = || Settings::read(arguments.config.as_deref(), environment());
    match arguments.command {
        Command::Serve(flags) => serve::run(flags.over(settings()?)).await,
        Command::Demo(demo) => demo::run(demo).await,
        Command::Realm { act } => realm::run(act, settings).await,
        Command::Doctor => doctor::run(settings).await,
        Command::Migrate { act: MigrateAct::Up } => {
            let settings = settings()?;
            std::fs::create_dir_all(settings.data())?;
            println!("{} steps ran", migrate(&settings.database()).await?);
            Ok(())
        }
        Command::Migrate { act: MigrateAct::Status } => {
            for (step, has_run) in migration_status(&settings()?.database()).await? {
                println!("{} {step}", if has_run { "done   " } else { "pending" });
            }
            Ok(())
        }
        Command::Keys { act } => keys(act, settings()?).await,
        Command::Openapi { issuer } => {
            println!("{:#}", crate::web::openapi::document(&issuer));
            Ok(())
        }
        Command::Import(arguments) => import::run(arguments, settings()?).await,
        Command::Deliveries(arguments) => deliveries::run(arguments, settings()?).await,
        Command::Audit { realm, checkpoints } => {
            audit(&realm, checkpoints.as_deref(), settings()?).await
        }
        Command::Healthcheck { address } => {
            let answer = Outbound::new(false, Timeouts::default())?.is_ready(&address).await;
            answer.map_err(Into::into)
        }
    }
}

async fn keys(act: KeysAct, settings: Settings) -> CliResult {
    let started = start::start(&start::Wanted::of(&settings)?).await?;
    let services = started.app.services();
    match act {
        KeysAct::List { realm } => {
            for key in services.store.rows(&realm).keys().list(services.clock.now()).await? {
                let state = if key.is_current { "current" } else { "superseded" };
                println!(
                    "{} {} {state} since {}",
                    key.kid,
                    key.algorithm,
                    key.created_at.for_people()
                );
            }
        }
        KeysAct::Rotate { realm, algorithm, overlap } => {
            let realm = started.app.realm(&realm).ok_or("no such realm")?;
            let algorithm = Algorithm::parse(&algorithm).ok_or("no such algorithm")?;
            println!("{}", rotate(services, &realm, algorithm, overlap).await?);
        }
        KeysAct::Retire { realm, kid } => {
            let tx = services.store.begin(&realm, services.clock.now()).await?;
            if !tx.rows().keys().retire(&kid, services.clock.now()).await? {
                return Err("only a superseded key can retire".into());
            }
            tx.commit().await?;
        }
    }
    Ok(())
}

async fn audit(realm: &str, checkpoints: Option<&Path>, settings: Settings) -> CliResult {
    let text = checkpoints.map(std::fs::read_to_string).transpose()?.unwrap_or_default();
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    let known: Option<Vec<Checkpoint>> = lines.map(Checkpoint::parse).collect();
    let known = known.ok_or("a line of the checkpoints is not `<number> <hash>`")?;
    let started = start::start(&start::Wanted::of(&settings)?).await?;
    let report = started.app.services().store.rows(realm).records().verify_audit(&known).await?;
    if let Some(fault) = report.fault {
        return Err(fault.into());
    }
    eprintln!("{} links, all fit", report.last.sequence);
    println!("{}", report.last);
    Ok(())
}
