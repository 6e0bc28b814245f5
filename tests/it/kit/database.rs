//! A database for each test, copied from one that was filled once in this process: schema, signing
//! keys and the people of the fixtures. What a copy holds is decided by the realms' files alone.

use std::collections::HashMap;
use std::fmt::Write;
use std::future::Future;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock};

use hufu::domain::password::HashCost;
use hufu::realm::Realm;
use hufu::store::connect::{DatabaseUrl, migrate};
use sea_orm::ConnectionTrait;

use super::{On, fill};

/// One database; forgotten with its folder when nobody holds it any longer.
pub struct TestDatabase {
    pub url: DatabaseUrl,
    folder: tempfile::TempDir,
    on: On,
}

/// What copies are made of.
enum Template {
    /// The whole file.
    Sqlite(Vec<u8>),
    /// A database of the kit's server to which nobody is connected.
    Postgres(String),
}

impl TestDatabase {
    /// A copy of the template of these realms, which the first caller fills.
    pub async fn start(on: On, realms: &[Arc<Realm>], cost: HashCost) -> Self {
        type Templates = HashMap<String, Arc<OnceLock<Template>>>;
        static TEMPLATES: Mutex<Option<Templates>> = Mutex::new(None);
        let slot = {
            let mut templates = TEMPLATES.lock().unwrap();
            let templates = templates.get_or_insert_default();
            Arc::clone(templates.entry(key(on, realms, cost)).or_default())
        };
        let template = slot.get_or_init(|| {
            on_a_thread(|| async {
                let database = Self::migrated(on).await;
                fill(&database.url, realms, cost).await;
                Template::of(&database).await
            })
        });
        Self::copy_of(template, on).await
    }

    /// A copy of the one whose schema was made first: the longest part of filling one.
    async fn migrated(on: On) -> Self {
        static MIGRATED: [OnceLock<Template>; 2] = [const { OnceLock::new() }; 2];
        let template = MIGRATED[on as usize].get_or_init(|| {
            on_a_thread(|| async {
                let database = Self::blank(on).await;
                migrate(&database.url).await.unwrap();
                Template::of(&database).await
            })
        });
        Self::copy_of(template, on).await
    }

    async fn copy_of(template: &Template, on: On) -> Self {
        let database = Self::empty(on);
        match template {
            Template::Sqlite(file) => std::fs::write(database.file(), file).unwrap(),
            Template::Postgres(template) => {
                let create = format!("CREATE DATABASE {} TEMPLATE {template}", database.name());
                administer(&create).await;
            }
        }
        database
    }

    /// Nothing in it yet.
    pub async fn blank(on: On) -> Self {
        let database = Self::empty(on);
        if matches!(on, On::Postgres) {
            administer(&format!("CREATE DATABASE {}", database.name())).await;
        }
        database
    }

    /// A name; on PostgreSQL the database itself is still to be made.
    fn empty(on: On) -> Self {
        let folder = tempfile::Builder::new().prefix("hufu").tempdir().unwrap();
        let url = match on {
            On::Sqlite => DatabaseUrl::Sqlite(folder.path().join("hufu.db")),
            On::Postgres => {
                let server = server();
                let (server, _) = server.rsplit_once('/').unwrap();
                DatabaseUrl::Postgres(format!("{server}/{}", name(folder.path())))
            }
        };
        Self { url, folder, on }
    }

    fn name(&self) -> String {
        name(self.folder.path())
    }

    fn file(&self) -> std::path::PathBuf {
        self.folder.path().join("hufu.db")
    }

    /// PostgreSQL throws everybody out and forgets the database.
    pub async fn forget(&self) {
        administer(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name())).await;
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        if matches!(self.on, On::Postgres) {
            let forget = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name());
            // Nobody waits for it: what the last tests leave behind goes with the server.
            std::thread::spawn(|| run(async move { administer(&forget).await }));
        }
    }
}

impl Template {
    /// What this database holds; on PostgreSQL it is the template from now on.
    async fn of(database: &TestDatabase) -> Self {
        match database.on {
            On::Sqlite => {
                let whole = database.folder.path().join("whole.db");
                let file = format!("sqlite://{}", database.file().display());
                let connection = sea_orm::Database::connect(file).await.unwrap();
                let vacuum = format!("VACUUM INTO '{}'", whole.display());
                connection.execute_unprepared(&vacuum).await.unwrap();
                Self::Sqlite(std::fs::read(whole).unwrap())
            }
            On::Postgres => {
                let name = format!("{}_template", database.name());
                // A database is copied only while nobody is connected to it, and what has been
                // filled still is for a moment.
                administer(&format!(
                    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{}'",
                    database.name()
                ))
                .await;
                administer(&format!("ALTER DATABASE {} RENAME TO {name}", database.name())).await;
                Self::Postgres(name)
            }
        }
    }
}

/// Nobody's keys, numbers or relations depend on these.
const OF_NOBODY: [&str; 4] = [
    "realm.toml: lockout.",
    "realm.toml: lifetimes.",
    "realm.toml: look.",
    "realm.toml: retention.",
];

/// All that a template depends on: not what applications, doors and factors are like, nor how often and how
/// long somebody may do something.
fn key(on: On, realms: &[Arc<Realm>], cost: HashCost) -> String {
    let begins = |place: &str, with: &[&str]| with.iter().any(|start| place.starts_with(start));
    let mut key = format!("{on:?} {cost:?}");
    for realm in realms {
        // A test may change the algorithms of a realm that it has read.
        write!(key, " {} {:?}", realm.id, realm.algorithms).unwrap();
        for (place, value) in &realm.settings {
            let is_of_people = begins(place, &["realm.toml", "roles.toml", "agreements/"]);
            if is_of_people && !begins(place, &OF_NOBODY) {
                write!(key, " {place}={value}").unwrap();
            }
        }
    }
    key
}

/// Waits for work that has a runtime of its own, so that its connections end with it.
fn on_a_thread<T: Send, F: Future<Output = T>>(work: impl FnOnce() -> F + Send) -> T {
    std::thread::scope(|scope| scope.spawn(|| run(work())).join().unwrap())
}

fn run<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(work)
}

fn server() -> String {
    std::env::var_os("HUFU_TEST_POSTGRES").unwrap().into_string().unwrap()
}

/// A statement to the kit's server.
async fn administer(statement: &str) {
    let admin = sea_orm::Database::connect(server()).await.unwrap();
    admin.execute_unprepared(statement).await.unwrap();
    admin.close().await.unwrap();
}

fn name(folder: &Path) -> String {
    folder.file_name().unwrap().to_str().unwrap().replace('.', "t").to_lowercase()
}
