//! `hufu realm`: looking at realm files before they are live.

use std::path::PathBuf;

use clap::Subcommand;

use super::CliResult;
use crate::config::variable;
use crate::realm::build::{Surroundings, load};
use crate::realm::file::{ClientFile, EntrancesFile, FactorsFile, RealmFile, RolesFile};

#[derive(Subcommand)]
pub enum RealmAct {
    /// Every mistake at file:line:column; exit 1 when there is one.
    Validate {
        folder: PathBuf,
        /// Literal secrets are allowed.
        #[arg(long)]
        demo: bool,
    },
    /// The JSON Schema of a file: realm, entrances, factors, roles, client.
    Schema { file: String },
}

pub fn run(act: RealmAct) -> CliResult {
    match act {
        RealmAct::Validate { folder, demo } => {
            let surroundings =
                Surroundings { is_demo: demo, replace: Vec::new(), environment: &variable };
            match load(&folder, &surroundings) {
                Ok(realm) => {
                    println!(
                        "{}: {} clients, version {}",
                        realm.id,
                        realm.clients.len(),
                        realm.hash
                    );
                    Ok(())
                }
                Err(complaints) => {
                    for complaint in &complaints {
                        eprintln!("{complaint}\n");
                    }
                    Err(format!("{} mistakes", complaints.len()).into())
                }
            }
        }
        RealmAct::Schema { file } => {
            let schema = match file.as_str() {
                "realm" => schemars::schema_for!(RealmFile),
                "entrances" => schemars::schema_for!(EntrancesFile),
                "factors" => schemars::schema_for!(FactorsFile),
                "roles" => schemars::schema_for!(RolesFile),
                "client" => schemars::schema_for!(ClientFile),
                _ => return Err("realm, entrances, factors, roles or client".into()),
            };
            println!("{}", serde_json::to_string_pretty(&schema)?);
            Ok(())
        }
    }
}
