//! For commands that look at what a server has left: they open its database and nothing else. Where
//! nothing is, they say so and make nothing, lest a wrong folder look like a server's.

use std::path::PathBuf;
use std::sync::Arc;

use crate::base::clock::Clock;
use crate::cli::result::Failure;
use crate::cli::start::{Wanted, keeper, no_key, realm_of_data, realm_or_complaints, services};
use crate::config::Settings;
use crate::ephemeral::Ephemeral;
use crate::flows::Ctx;
use crate::realm::Realm;
use crate::realm::check::load_version_without_secrets;
use crate::realm::files::Files;
use crate::store::Store;
use crate::store::connect::{DatabaseUrl, migration_status};

/// Where the server keeps its data, when the settings do not say it.
#[derive(Clone, clap::Args)]
pub struct Place {
    /// The server's data directory, `.hufu/demo` for the demo.
    #[arg(long)]
    data: Option<PathBuf>,
    /// `postgres://…`
    #[arg(long)]
    database_url: Option<String>,
}

impl Place {
    pub fn over(self, settings: Settings) -> Settings {
        Settings {
            data: self.data.or(settings.data),
            database_url: self.database_url.or(settings.database_url),
            ..settings
        }
    }
}

/// A database that is there, with all that was served from it.
pub struct Opened {
    pub store: Store,
    pub clock: Clock,
}

impl Opened {
    pub async fn at(wanted: &Wanted) -> Result<Self, Failure> {
        let place = place(wanted);
        let Some(steps) = migration_status(&wanted.database).await? else {
            return Err(format!("{place} holds no database of a server").into());
        };
        let pending = steps.iter().filter(|(_, has_run)| !has_run).count();
        if pending > 0 {
            let message = format!(
                "{place} is of an older version, {pending} steps behind: `hufu migrate up` or the \
                 server's next start bring it up to date"
            );
            return Err(message.into());
        }
        let keeper = keeper(wanted).await?.ok_or_else(|| no_key(wanted))?;
        let clock = Clock::system();
        let store = Store::open(&wanted.database, keeper, clock.clone()).await?;
        Ok(Self { store, clock })
    }

    /// The realm with its files, none of its secrets, and a memory of its own: what is told waits in the
    /// database, for the running server to send.
    pub async fn ctx(self, wanted: &Wanted, realm: &str) -> Result<Ctx, Failure> {
        self.check_realm(realm).await?;
        let realm = realm_of_data(&wanted.realms.join(realm))?;
        self.ctx_of(wanted, realm)
    }

    /// The same with a version of its files that was recorded.
    pub async fn ctx_of_version(
        self,
        wanted: &Wanted,
        realm: &str,
        files: &Files,
    ) -> Result<Ctx, Failure> {
        self.check_realm(realm).await?;
        let realm = realm_or_complaints(load_version_without_secrets(realm, files))?;
        self.ctx_of(wanted, realm)
    }

    fn ctx_of(self, wanted: &Wanted, realm: Arc<Realm>) -> Result<Ctx, Failure> {
        let Self { store, clock } = self;
        let ephemeral = Ephemeral::in_memory(clock.clone());
        let services = services(wanted, store, ephemeral, clock)?;
        Ok(Ctx::own(&services, &realm))
    }

    /// Refuses a realm that was never served from here.
    pub async fn check_realm(&self, realm: &str) -> Result<(), Failure> {
        let known = self.store.realms().await?;
        if known.iter().any(|one| one == realm) {
            return Ok(());
        }
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        Err(format!("no realm `{realm}` was ever served from here; known are: {known}").into())
    }
}

/// How the database is named to people: never with what stands in its address.
fn place(wanted: &Wanted) -> String {
    match &wanted.database {
        DatabaseUrl::Sqlite(path) => path.display().to_string(),
        DatabaseUrl::Postgres(_) => "the PostgreSQL database".to_owned(),
    }
}
