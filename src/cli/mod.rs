//! The `hufu` command.

pub mod audit;
pub mod client;
pub mod deliveries;
pub mod demo;
pub mod doctor;
pub mod helper;
pub mod import;
pub mod keeper;
pub mod keys;
pub mod non_resident;
pub mod officer;
pub mod person;
pub mod place;
pub mod realm;
pub mod reload;
pub mod result;
pub mod secrets;
pub mod serve;
pub mod session;
pub mod sms;
mod software_keys;
pub mod start;
pub mod stats;

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
    /// Everything in one process on loopback: provider, desk, three tax applications.
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
    /// The keys of what is sealed at rest.
    Secrets {
        #[command(subcommand)]
        act: secrets::SecretsAct,
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
    /// What happened in a realm: the newest of it, all of it, and whether its chain is whole.
    Audit(audit::AuditArguments),
    /// Look at a person, masked, and help them: each look and act in the audit with who and why.
    Person {
        #[command(subcommand)]
        act: person::PersonAct,
    },
    /// Review applications for the identity code of a non-resident enterprise: who and why in the audit.
    NonResident {
        #[command(subcommand)]
        act: non_resident::NonResidentAct,
    },
    /// The officers who work at the console: who they are, with which roles.
    Officer {
        #[command(subcommand)]
        act: officer::OfficerAct,
    },
    /// Where a person is signed in.
    Session {
        #[command(subcommand)]
        act: session::SessionAct,
    },
    /// Registered applications.
    Client {
        #[command(subcommand)]
        act: client::ClientAct,
    },
    /// Text messages.
    Sms {
        #[command(subcommand)]
        act: sms::SmsAct,
    },
    /// How much there is in a realm, and how its last day went.
    Stats(stats::StatsArguments),
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
    let settings = || Settings::read(arguments.config.as_deref(), environment()?);
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
        Command::Secrets { act } => secrets::run(act, settings()?).await,
        Command::Keys { act } => keys::run(act, settings()?).await,
        Command::Openapi { issuer } => {
            say(format_args!("{:#}", crate::web::openapi::document(&issuer)))?;
            Ok(())
        }
        Command::Import(arguments) => import::run(arguments, settings()?).await,
        Command::Deliveries(arguments) => deliveries::run(arguments, settings()?).await,
        Command::Audit(arguments) => audit::run(arguments, settings()?).await,
        Command::Person { act } => Box::pin(person::run(act, settings()?)).await,
        Command::NonResident { act } => Box::pin(non_resident::run(act, settings()?)).await,
        Command::Officer { act } => Box::pin(officer::run(act, settings()?)).await,
        Command::Session { act } => Box::pin(session::run(act, settings()?)).await,
        Command::Client { act } => client::run(act, settings()?).await,
        Command::Sms { act } => sms::run(act, settings()?).await,
        Command::Stats(arguments) => stats::run(arguments, settings()?).await,
        Command::Healthcheck { address } => {
            let answer = Outbound::new(false, Timeouts::default())?.is_ready(&address).await;
            answer.map_err(Into::into)
        }
    }
}
