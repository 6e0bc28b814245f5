//! The `hufu` command.

pub mod audit;
pub mod deliveries;
pub mod demo;
pub mod doctor;
pub mod import;
pub mod keys;
pub mod place;
pub mod realm;
pub mod reload;
pub mod result;
pub mod serve;
pub mod start;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::cli::result::{CliResult, say};
use crate::config::{Settings, environment};
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
        act: keys::KeysAct,
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
    Audit(audit::AuditArguments),
    /// Check settings, files, database and gateways; exit 1 when something is wrong.
    Doctor(doctor::DoctorArguments),
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

/// Reads the arguments and runs; the error chain is the caller's to print.
pub async fn run() -> CliResult {
    let arguments = Arguments::parse();
    let settings = || Settings::read(arguments.config.as_deref(), environment());
    match arguments.command {
        Command::Serve(flags) => serve::run(flags.over(settings()?)).await,
        Command::Demo(demo) => Box::pin(demo::run(demo)).await,
        Command::Realm { act } => realm::run(act, settings).await,
        Command::Doctor(arguments) => doctor::run(arguments, settings).await,
        Command::Migrate { act: MigrateAct::Up } => {
            let settings = settings()?;
            std::fs::create_dir_all(settings.data())?;
            say(format_args!("{} steps ran", migrate(&settings.database()).await?))?;
            Ok(())
        }
        Command::Migrate { act: MigrateAct::Status } => {
            let steps = migration_status(&settings()?.database()).await?;
            for (step, has_run) in steps.ok_or("there is no database of a server")? {
                say(format_args!("{} {step}", if has_run { "done   " } else { "pending" }))?;
            }
            Ok(())
        }
        Command::Keys { act } => keys::run(act, settings()?).await,
        Command::Openapi { issuer } => {
            say(format_args!("{:#}", crate::web::openapi::document(&issuer)))?;
            Ok(())
        }
        Command::Import(arguments) => import::run(arguments, settings()?).await,
        Command::Deliveries(arguments) => deliveries::run(arguments, settings()?).await,
        Command::Audit(arguments) => audit::run(arguments, settings()?).await,
        Command::Healthcheck { address } => {
            let answer = Outbound::new(false, Timeouts::default())?.is_ready(&address).await;
            answer.map_err(Into::into)
        }
    }
}
