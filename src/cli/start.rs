//! From settings to a running program: master key, database, realms, keys, pages.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::base::cipher::MasterKey;
use crate::base::clock::Clock;
use crate::base::random::Random;
use crate::base::secret::hex;
use crate::base::suite::Suite;
use crate::cli::keeper::KeyHolder;
use crate::cli::result::Failure;
use crate::config::{Settings, variable};
use crate::domain::password::HashCost;
use crate::ephemeral::{Budget, Ephemeral};
use crate::flows::certificate::HeldLists;
use crate::flows::hashing::Hashing;
use crate::flows::key_ring::KeyRing;
use crate::flows::{Secrets, Services, keys, versions};
use crate::outbound::authorities::Authorities;
use crate::outbound::client::{Outbound, Timeouts};
use crate::realm::Realm;
use crate::realm::check::{Refused, Surroundings, load_watched, load_without_secrets};
use crate::realm::complaint::Complaint;
use crate::store::connect::{DatabaseUrl, check_statements, migrate};
use crate::store::{Store, roots};
use crate::views::Views;
use crate::web::app::App;
use crate::web::client_ip::Proxies;

/// What a start needs.
pub struct Wanted {
    pub data: PathBuf,
    pub database: DatabaseUrl,
    pub redis_url: Option<String>,
    /// For what expires by itself.
    pub budget: Budget,
    pub realms: PathBuf,
    pub master_key: Option<String>,
    pub key_program: Option<PathBuf>,
    pub at_rest: Suite,
    pub proxies: Proxies,
    /// A PEM file.
    pub outbound_ca: Option<PathBuf>,
    pub is_demo: bool,
    pub replace: Vec<(String, String)>,
}

impl Wanted {
    pub fn of(settings: &Settings) -> Result<Self, Failure> {
        Ok(Self {
            data: settings.data(),
            database: settings.database(),
            redis_url: settings.redis_url.clone(),
            realms: settings.realms.clone().unwrap_or_else(|| PathBuf::from("realms")),
            master_key: settings.master_key.clone(),
            key_program: settings.key_program.clone(),
            at_rest: settings.at_rest,
            budget: settings.budget(),
            proxies: settings.proxies(),
            outbound_ca: settings.outbound_ca.clone(),
            is_demo: false,
            replace: Vec::new(),
        })
    }
}

pub struct Started {
    pub app: App,
    pub realms: Vec<Arc<Realm>>,
}

/// The services without any realm: database, short-lived values, keys.
pub async fn open(wanted: &Wanted) -> Result<Arc<Services>, Failure> {
    std::fs::create_dir_all(&wanted.data)?;
    let (named, clock) = (keeper(wanted).await?, Clock::system());
    check_statements(&wanted.database).await?;
    // A key that does not fit changes nothing, the schema neither: whoever goes back to the version of before
    // finds it as it was.
    let keeper = match named {
        Some(keeper) => keeper,
        None => made_keeper(wanted).await?,
    };
    roots::is_sealed(&wanted.database, Some(&keeper)).await?;
    migrate(&wanted.database).await?;
    roots::prepare(&wanted.database, &keeper, wanted.at_rest, clock.now()).await?;
    let store = Store::open(&wanted.database, keeper, clock.clone()).await?;
    let ephemeral = match &wanted.redis_url {
        Some(url) => Ephemeral::on_redis_within(clock.clone(), url, wanted.budget).await?,
        None => Ephemeral::in_memory_within(clock.clone(), wanted.budget),
    };
    services(wanted, store, ephemeral, clock)
}

/// The services on a database that is there. `clock`: the short-lived store's, which the demo moves on.
pub fn services(
    wanted: &Wanted,
    store: Store,
    ephemeral: Ephemeral,
    clock: Clock,
) -> Result<Arc<Services>, Failure> {
    let lanes = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let hashing = |listener, room| Hashing::new(listener, room, LONGEST_WAIT, HashCost::default());
    let authorities = authorities(wanted)?.unwrap_or_default();
    Ok(Arc::new(Services {
        clock,
        random: Random::System,
        secrets: Secrets::derive(store.ring()),
        store,
        ephemeral,
        outbound: Outbound::trusting(authorities, wanted.is_demo, Timeouts::default())?,
        hashing: hashing("people", (lanes, QUEUE * lanes)),
        console_hashing: hashing("console", (1, OFFICERS)),
        keys: KeyRing::default(),
        lists: HeldLists::default(),
    }))
}

/// Those of the settings.
pub fn authorities(wanted: &Wanted) -> Result<Option<Authorities>, Failure> {
    let Some(file) = &wanted.outbound_ca else { return Ok(None) };
    let wrong = |error: String| Failure::from(format!("{}: {error}", file.display()));
    let text = std::fs::read_to_string(file).map_err(|error| wrong(error.to_string()))?;
    Authorities::parse(&text).map(Some).map_err(|error| wrong(error.to_string()))
}

/// Waiting sign-ins for each hashing lane: what a lane works off in two to three seconds.
const QUEUE: usize = 200;
/// Waiting officers: their few enter in the morning, and whoever waits here holds a passkey of theirs.
const OFFICERS: usize = 50;
/// For a lane.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

pub async fn start(wanted: &Wanted) -> Result<Started, Failure> {
    let services = open(wanted).await?;
    let mut realms = Vec::new();
    for folder in realm_folders(&wanted.realms)? {
        realms.push(read_realm(&folder, wanted)?);
    }
    for realm in &realms {
        keys::load(&services, realm).await?;
        let generation = versions::record(&services, realm).await?;
        versions::tell(&services, realm, true).await?;
        tracing::info!(
            realm = realm.id,
            hash = realm.hash,
            generation,
            "Serving realm {}",
            realm.id
        );
    }
    let views = Arc::new(Views::load()?);
    let app = App::behind(services, realms.clone(), views, wanted.proxies.clone());
    Ok(Started { app, realms })
}

/// Every folder with a `realm.toml`, in order; at least one.
pub fn realm_folders(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let folders = found_folders(folder)?;
    if folders.is_empty() {
        return Err(format!("{} holds no realm", folder.display()).into());
    }
    Ok(folders)
}

/// The same, none at all if there are none.
pub fn found_folders(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut folders: Vec<PathBuf> = std::fs::read_dir(folder)
        .map_err(|error| format!("{}: {error}", folder.display()))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.join("realm.toml").is_file())
        .collect();
    folders.sort();
    Ok(folders)
}

/// One realm; all complaints are told, not only the first.
pub fn read_realm(folder: &Path, wanted: &Wanted) -> Result<Arc<Realm>, Failure> {
    read_watched(folder, wanted).map_err(|refused| text_of(&refused.complaints).into())
}

/// The same for who looks again where it lies.
pub fn read_watched(folder: &Path, wanted: &Wanted) -> Result<Arc<Realm>, Refused> {
    let surroundings = Surroundings {
        is_demo: wanted.is_demo,
        replace: wanted.replace.clone(),
        environment: &variable,
    };
    load_watched(folder, &surroundings).map(Arc::new)
}

/// The same for work on its data alone, without a secret.
pub fn realm_of_data(folder: &Path) -> Result<Arc<Realm>, Failure> {
    realm_or_complaints(load_without_secrets(folder))
}

pub fn realm_or_complaints(loaded: Result<Realm, Vec<Complaint>>) -> Result<Arc<Realm>, Failure> {
    Ok(Arc::new(loaded.map_err(|complaints| text_of(&complaints))?))
}

pub fn text_of(complaints: &[Complaint]) -> String {
    let lines: Vec<String> = complaints.iter().map(ToString::to_string).collect();
    lines.join("\n\n")
}

/// Who opens what is sealed at rest: the program of the settings, their key, or the file in the data
/// directory; `None` before the first start.
pub async fn keeper(wanted: &Wanted) -> Result<Option<KeyHolder>, Failure> {
    if let Some(program) = &wanted.key_program {
        return Ok(Some(KeyHolder::program(program.clone()).await?));
    }
    let file = wanted.data.join("master.key");
    let key = match &wanted.master_key {
        Some(text) => parse_key(text)?,
        None if file.exists() => read_key(&file)?,
        None => return Ok(None),
    };
    Ok(Some(KeyHolder::Key(key)))
}

/// The key in a file.
pub fn read_key(file: &Path) -> Result<MasterKey, Failure> {
    let text =
        std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    parse_key(&text)
}

fn parse_key(text: &str) -> Result<MasterKey, Failure> {
    let text = text.trim();
    let malformed = "the master key is 64 hexadecimal digits";
    if text.len() != 64 || !text.is_ascii() {
        return Err(malformed.into());
    }
    let mut bytes = [0; 32];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * at..2 * at + 2], 16).map_err(|_| malformed)?;
    }
    Ok(MasterKey::new(bytes))
}

/// A new key, where the file is not there yet.
pub fn make_key(file: &Path) -> Result<MasterKey, Failure> {
    write_private(file, &hex(&Random::System.bytes::<32>()))?;
    read_key(file)
}

/// The first start makes one. Where something is sealed already the key is missing, unless another node has
/// just made it.
async fn made_keeper(wanted: &Wanted) -> Result<KeyHolder, Failure> {
    if roots::is_sealed(&wanted.database, None).await? {
        return keeper(wanted).await?.ok_or_else(|| no_key(wanted));
    }
    Ok(KeyHolder::Key(make_key(&wanted.data.join("master.key"))?))
}

/// What is said of a database whose key is not there.
pub fn no_key(wanted: &Wanted) -> Failure {
    let file = wanted.data.join("master.key");
    format!("{} is missing, and no setting names the key", file.display()).into()
}

/// Whole or not at all, and never over what is there: of nodes that start together in one folder, one
/// makes the file and all read it.
fn write_private(file: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let own = file.with_extension(hex(&Random::System.bytes::<8>()));
    let mut options = std::fs::OpenOptions::new();
    let mut made = options.write(true).create_new(true).mode(0o600).open(&own)?;
    made.write_all(text.as_bytes())?;
    made.sync_all()?;
    let linked = std::fs::hard_link(&own, file);
    std::fs::remove_file(&own)?;
    match linked {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}
