//! The program in the test's own process: through its router, with its own database, a clock to
//! move and an inbox for codes.

pub mod agent;
pub mod browser;
mod database;
pub mod demo;
pub mod listener;
pub mod passkey;
pub mod phone;
pub mod pki;
mod rows;
mod sql;

use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use hufu::base::cipher::MasterKey;
use hufu::base::clock::{Clock, Timestamp};
use hufu::base::random::Random;
use hufu::base::secret::sha256;
use hufu::domain::authorisation::Authorisation;
use hufu::domain::password::HashCost;
use hufu::ephemeral::{Budget, Ephemeral};
use hufu::flows::certificate::HeldLists;
use hufu::flows::feed::fixtures;
use hufu::flows::hashing::Hashing;
use hufu::flows::key_ring::KeyRing;
use hufu::flows::notify::deliver;
use hufu::flows::{Ctx, Secrets, Services, keys};
use hufu::outbound::client::{Outbound, Timeouts};
use hufu::realm::Realm;
use hufu::realm::check::{Surroundings, load};
use hufu::realm::fixtures::Fixtures;
use hufu::realm::source::Source;
use hufu::store::Store;
use hufu::store::connect::DatabaseUrl;
use hufu::store::deliveries::{Delivery, DeliveryState};
use hufu::views::Views;
use hufu::web::app::App;
use hufu::web::client_ip::Proxies;
use hufu::web::router::router;
use sea_orm::ConnectionTrait;
use serde_json::Value;
use tower::ServiceExt;

pub use browser::Browser;
pub use database::TestDatabase;
pub use rows::RowsOfRealm;

/// 2026-11-24 10:00 in Shanghai.
pub const START: Timestamp = Timestamp(1_795_485_600);
pub const ISSUER: &str = "https://sso.jiangxi.example/realms/jiangxi";
pub const PASSWORD: &str = "Hufu2026!";
pub const EXAMPLE: &str = "91360100MA35ABCD43";
pub const SAMPLE: &str = "91360102MA7XYT127D";

const CHEAP: HashCost = HashCost { memory: 8, passes: 1 };

/// Nothing changes them, and reading them takes longer than what many a test does.
static DEMO_REALM: LazyLock<Arc<Realm>> = LazyLock::new(|| Arc::new(demo_realm()));
static VIEWS: LazyLock<Arc<Views>> = LazyLock::new(|| Arc::new(Views::load().unwrap()));

/// Which database a test runs on.
#[derive(Clone, Copy, Debug)]
pub enum On {
    Sqlite,
    Postgres,
}

pub struct TestApp {
    pub router: Router,
    pub app: App,
    pub ctx: Ctx,
    pub clock: Clock,
    database: Arc<TestDatabase>,
    /// Where what expires is kept, if not in memory.
    redis: Option<String>,
}

/// Runs a story on SQLite and, where the kit's server runs, on PostgreSQL; when it fails, the last of
/// them that was named is to blame.
pub fn on_each_database<F: Future<Output = ()>>(story: impl Fn(On) -> F) {
    run_on(On::Sqlite, &story);
    match std::env::var_os("HUFU_TEST_POSTGRES") {
        Some(_) => run_on(On::Postgres, story),
        None => eprintln!("left out: PostgreSQL (scripts/test starts it)"),
    }
}

/// A long story of what people see and hear, with nothing in it that only one database might do otherwise:
/// whatever it asks of them shorter stories ask of both. On PostgreSQL and Redis, as a bureau has them, where
/// the kit's servers run, and on SQLite otherwise.
pub fn on_one_database<F: Future<Output = ()>>(story: impl Fn(On) -> F) {
    match std::env::var_os("HUFU_TEST_POSTGRES") {
        Some(_) => run_on(On::Postgres, story),
        None => run_on(On::Sqlite, story),
    }
}

fn run_on<F: Future<Output = ()>>(database: On, story: impl Fn(On) -> F) {
    eprintln!("on {database:?}");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(story(database));
}

pub fn demo_realm() -> Realm {
    realm_of(&Path::new(env!("CARGO_MANIFEST_DIR")).join("realms/jiangxi"))
}

/// A file of `tests/data`.
pub fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

/// A copy of a realm of this repository in which texts are replaced: (file, what, by what).
pub fn changed_realm(changes: &[(&str, &str, &str)]) -> Realm {
    realm_named("jiangxi", changes)
}

/// The same under an id of its own.
pub fn realm_named(id: &str, changes: &[(&str, &str, &str)]) -> Realm {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join(id);
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("realms/jiangxi"), &target);
    for (file, what, by) in changes {
        let path = target.join(file);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(what), "{file} has no {what}");
        std::fs::write(path, text.replace(what, by)).unwrap();
    }
    realm_of(&target)
}

pub fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            std::fs::copy(&path, target).map(|_| ()).unwrap();
        }
    }
}

pub fn realm_of(folder: &Path) -> Realm {
    let surroundings = Surroundings { is_demo: true, replace: Vec::new(), environment: &|_| None };
    load(folder, &surroundings).unwrap_or_else(|complaints| {
        for complaint in complaints {
            eprintln!("{complaint}");
        }
        panic!("the demo realm is wrong")
    })
}

/// Redis beside PostgreSQL where the kit's server runs; memory otherwise.
async fn redis_beside(on: On) -> Option<String> {
    let server = std::env::var_os("HUFU_TEST_REDIS")?;
    match on {
        On::Postgres => Some(empty_redis(server.to_str().unwrap()).await),
        On::Sqlite => None,
    }
}

/// Each test has a numbered database of the kit's server, empty, so that counters do not meet; each
/// process has its own thousand of numbers.
async fn empty_redis(server: &str) -> String {
    static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let number = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let url = format!("{server}{}", std::process::id() % 60 * 1000 + number);
    let client = redis::Client::open(url.as_str()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    redis::cmd("FLUSHDB").exec_async(&mut connection).await.unwrap();
    url
}

pub async fn redis(clock: &Clock, server: &str, budget: Budget) -> Ephemeral {
    let url = empty_redis(server).await;
    Ephemeral::on_redis_within(clock.clone(), &url, budget).await.unwrap()
}

/// What a test wants otherwise than usual.
pub struct Setup {
    pub on: On,
    pub clock: Clock,
    /// Of the first the test asks by [`TestApp::post`] and its kin.
    pub realms: Vec<Realm>,
    pub redis: Option<String>,
    /// For what expires by itself.
    pub budget: Budget,
    pub proxies: Proxies,
    /// For hashing, and how many may wait.
    pub lanes: (usize, usize),
    /// Of everybody's password: next to nothing.
    pub cost: HashCost,
    pub timeouts: Timeouts,
    /// Plays the providers that the realm does not name.
    pub has_sandboxes: bool,
}

impl Setup {
    pub fn of(on: On, realms: Vec<Realm>) -> Self {
        Self {
            on,
            clock: Clock::fixed(START),
            realms,
            redis: None,
            budget: Budget::DEFAULT,
            proxies: Proxies::default(),
            lanes: (2, 1000),
            cost: CHEAP,
            timeouts: Timeouts::default(),
            has_sandboxes: true,
        }
    }

    pub fn start(mut self) -> impl Future<Output = TestApp> {
        let realms = std::mem::take(&mut self.realms).into_iter().map(Arc::new).collect();
        self.start_with(realms)
    }

    async fn start_with(self, realms: Vec<Arc<Realm>>) -> TestApp {
        let on = self.on;
        let database = Arc::new(TestDatabase::start(on, &realms, self.cost).await);
        let clock = self.clock;
        let redis = match self.redis {
            Some(url) => Some(url),
            None => redis_beside(on).await,
        };
        let ephemeral = match &redis {
            Some(url) => Ephemeral::on_redis_within(clock.clone(), url, self.budget).await.unwrap(),
            None => Ephemeral::in_memory_within(clock.clone(), self.budget),
        };
        let outbound = Outbound::new(self.has_sandboxes, self.timeouts).unwrap();
        let hashing = Hashing::new("people", self.lanes, Duration::from_secs(20), self.cost);
        let services = services(&clock, &database.url, ephemeral, outbound, hashing).await;
        for realm in &realms {
            keys::load(&services, realm).await.unwrap();
        }
        let ctx = context(&services, &realms[0]);
        let app = App::behind(services, realms, Arc::clone(&VIEWS), self.proxies);
        TestApp { router: router(app.clone()), app, ctx, clock, database, redis }
    }
}

async fn services(
    clock: &Clock,
    url: &DatabaseUrl,
    ephemeral: Ephemeral,
    outbound: Outbound,
    hashing: Hashing,
) -> Arc<Services> {
    let store = Store::open(url, MasterKey::new([9; 32]), clock.clone()).await.unwrap();
    let console_hashing = Hashing::new("console", (1, 50), Duration::from_secs(20), CHEAP);
    Arc::new(Services {
        clock: clock.clone(),
        random: Random::System,
        secrets: Secrets::derive(store.ring()),
        store,
        ephemeral,
        outbound,
        hashing,
        console_hashing,
        keys: KeyRing::default(),
        lists: HeldLists::default(),
    })
}

fn context(services: &Arc<Services>, realm: &Arc<Realm>) -> Ctx {
    Ctx {
        services: Arc::clone(services),
        realm: Arc::clone(realm),
        ip: "127.0.0.1".parse().unwrap(),
        device: "test".to_owned(),
        is_known: false,
    }
}

/// Schema, keys and people, as every test finds them.
async fn fill(url: &DatabaseUrl, realms: &[Arc<Realm>], cost: HashCost) {
    let clock = Clock::fixed(START);
    let ephemeral = Ephemeral::in_memory(clock.clone());
    let hashing = Hashing::new("people", (2, 1000), Duration::from_secs(20), cost);
    let services = services(
        &clock,
        url,
        ephemeral,
        Outbound::new(true, Timeouts::default()).unwrap(),
        hashing,
    )
    .await;
    for realm in realms {
        keys::load(&services, realm).await.unwrap();
        // A realm that a test has made up has the people of the first.
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("realms");
        let own = root.join(&realm.id).join("fixtures.toml");
        let file = if own.exists() { own } else { root.join("jiangxi/fixtures.toml") };
        let text = std::fs::read_to_string(file).unwrap();
        let (_, people) = Source::read::<Fixtures>("fixtures.toml", &text).unwrap();
        fixtures::load(&context(&services, realm), &people).await.unwrap();
    }
}

impl TestApp {
    pub async fn start(on: On) -> Self {
        Setup::of(on, Vec::new()).start_with(vec![Arc::clone(&DEMO_REALM)]).await
    }

    /// Another node on the same database, with a memory of its own.
    pub async fn second_node(&self) -> Self {
        let node = self.second_node_without_keys().await;
        keys::load(&node.ctx.services, &node.ctx.realm).await.unwrap();
        node
    }

    /// The same before it has read its keys.
    pub async fn second_node_without_keys(&self) -> Self {
        self.node_of(Arc::clone(&self.ctx.realm)).await
    }

    /// Another node with other files of the same realm.
    pub async fn second_node_of(&self, realm: Realm) -> Self {
        let node = self.node_of(Arc::new(realm)).await;
        keys::load(&node.ctx.services, &node.ctx.realm).await.unwrap();
        node
    }

    async fn node_of(&self, realm: Arc<Realm>) -> Self {
        let ephemeral = Ephemeral::in_memory(self.clock.clone());
        let hashing = Hashing::new("people", (2, 1000), Duration::from_secs(20), CHEAP);
        let outbound = Outbound::new(true, Timeouts::default()).unwrap();
        let services =
            services(&self.clock, &self.database.url, ephemeral, outbound, hashing).await;
        let services_of_node = Arc::clone(&services);
        let ctx = Ctx { services: services_of_node, realm: Arc::clone(&realm), ..self.ctx.clone() };
        let app = App::new(services, vec![realm], Arc::clone(&VIEWS));
        let (clock, database) = (self.clock.clone(), Arc::clone(&self.database));
        Self { router: router(app.clone()), app, ctx, clock, database, redis: None }
    }

    /// Everything that is due goes to its receivers; how many were tried.
    pub async fn deliver(&self) -> usize {
        let mut tried = 0;
        for to in deliver::receivers(&self.ctx).await.unwrap() {
            loop {
                let portion = deliver::run(&self.ctx, &to).await.unwrap();
                tried += portion;
                if u64::try_from(portion).unwrap() < deliver::PORTION {
                    break;
                }
            }
        }
        tried
    }

    /// What was given up.
    pub async fn dead(&self) -> Vec<Delivery> {
        let unsettled = self.ctx.rows().deliveries().unsettled().await.unwrap();
        let letters = unsettled.into_iter().map(|queued| queued.delivery);
        letters.filter(|letter| matches!(letter.state, DeliveryState::Dead { .. })).collect()
    }

    /// A statement of the test's own, past the store: a table that is away, a row nobody wrote.
    pub async fn sql(&self, statement: &str) {
        let url = match &self.database.url {
            DatabaseUrl::Sqlite(path) => format!("sqlite://{}", path.display()),
            DatabaseUrl::Postgres(url) => url.clone(),
        };
        let connection = sea_orm::Database::connect(url).await.unwrap();
        connection.execute_unprepared(statement).await.unwrap();
        connection.close().await.unwrap();
    }

    /// What led to a state, oldest first: the event and the side that did it.
    pub async fn events(&self, of: &Authorisation) -> Vec<String> {
        let url = match &self.database.url {
            DatabaseUrl::Sqlite(path) => format!("sqlite://{}?mode=ro", path.display()),
            DatabaseUrl::Postgres(url) => url.clone(),
        };
        let database = sea_orm::Database::connect(url).await.unwrap();
        let sql = "SELECT event || ' ' || side AS said FROM authorisation_event \
                   WHERE authorisation_id = $1 ORDER BY at, id";
        let values = [of.id.0.into()];
        let statement =
            sea_orm::Statement::from_sql_and_values(database.get_database_backend(), sql, values);
        let rows = database.query_all_raw(statement).await.unwrap();
        rows.iter().map(|row| row.try_get("", "said").unwrap()).collect()
    }

    /// Every event of the realm's audit, oldest first.
    pub async fn audit(&self) -> Vec<Value> {
        let url = match &self.database.url {
            DatabaseUrl::Sqlite(path) => format!("sqlite://{}?mode=ro", path.display()),
            DatabaseUrl::Postgres(url) => url.clone(),
        };
        let database = sea_orm::Database::connect(url).await.unwrap();
        let sql = "SELECT event FROM audit WHERE realm = 'jiangxi' ORDER BY sequence";
        let statement = sea_orm::Statement::from_string(database.get_database_backend(), sql);
        let rows = database.query_all_raw(statement).await.unwrap();
        let event = |row: &sea_orm::QueryResult| row.try_get::<String>("", "event").unwrap();
        rows.iter().map(|row| serde_json::from_str(&event(row)).unwrap()).collect()
    }

    pub fn browser(&self) -> Browser {
        Browser::new(self.router.clone())
    }

    /// A browser somewhere else.
    pub fn browser_at(&self, address: &str) -> Browser {
        let mut browser = self.browser();
        browser.from = address.parse().unwrap();
        browser
    }

    /// PostgreSQL throws everybody out and forgets the test's database.
    pub async fn drop_database(&self) {
        self.database.forget().await;
    }

    /// The newest code sent to a phone.
    pub fn sms(&self, phone: &str) -> String {
        let messages = self.ctx.services.outbound.inbox.messages();
        let to = if phone.starts_with('+') { phone.to_owned() } else { format!("+86{phone}") };
        messages.into_iter().find(|message| message.to == to).expect("no code was sent").code
    }

    pub async fn post(
        &self,
        path: &str,
        basic: Option<(&str, &str)>,
        form: &[(&str, &str)],
    ) -> (StatusCode, Value) {
        let mut request = Request::post(format!("/realms/jiangxi{path}"))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        if let Some((id, secret)) = basic {
            let value = BASE64_STANDARD.encode(format!("{id}:{secret}"));
            request = request.header(header::AUTHORIZATION, format!("Basic {value}"));
        }
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        self.json(request.body(Body::from(body)).unwrap()).await
    }

    pub async fn json(&self, request: Request<Body>) -> (StatusCode, Value) {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let bytes = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
        (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }

    pub async fn userinfo(&self, access_token: &str) -> (StatusCode, Value) {
        let request = Request::get("/realms/jiangxi/userinfo")
            .header(header::AUTHORIZATION, format!("Bearer {access_token}"));
        self.json(request.body(Body::empty()).unwrap()).await
    }

    /// Redeems a code of [`FILING`].
    pub async fn redeem(&self, code: &str) -> (StatusCode, Value) {
        self.post(
            "/token",
            Some((FILING.id, FILING.secret)),
            &[
                ("grant_type", "authorization_code"),
                ("code", code),
                ("redirect_uri", FILING.redirect_uri),
                ("code_verifier", VERIFIER),
            ],
        )
        .await
    }

    pub async fn refresh(&self, token: &str) -> (StatusCode, Value) {
        let form = [("grant_type", "refresh_token"), ("refresh_token", token)];
        self.post("/token", Some((FILING.id, FILING.secret)), &form).await
    }

    pub async fn introspect(&self, token: &str) -> Value {
        let secret = Some((FILING.id, FILING.secret));
        self.post("/introspect", secret, &[("token", token)]).await.1
    }
}

#[derive(Debug)]
pub struct Application {
    pub id: &'static str,
    pub secret: &'static str,
    pub redirect_uri: &'static str,
}

pub const FILING: Application = Application {
    id: "tax-filing",
    secret: "demo-secret-of-tax-filing",
    redirect_uri: "https://filing.jiangxi.example/callback",
};

pub const TAX_APP: Application = Application {
    id: "tax-app",
    secret: "",
    redirect_uri: "https://app.jiangxi.example/tax/callback",
};

pub const INVOICE: Application = Application {
    id: "invoice",
    secret: "demo-secret-of-invoice",
    redirect_uri: "https://invoice.jiangxi.example/callback",
};

pub const VERIFIER: &str = "a-verifier-of-the-tests-that-is-long-enough-0123456789";

/// An authorization request with `more` in place of or beside the usual parameters.
pub fn authorize_url(client: &Application, more: &[(&str, &str)]) -> String {
    let challenge = BASE64_URL_SAFE_NO_PAD.encode(sha256(VERIFIER.as_bytes()));
    let mut params = std::collections::BTreeMap::from([
        ("client_id", client.id),
        ("redirect_uri", client.redirect_uri),
        ("response_type", "code"),
        ("scope", "openid profile tax_identity"),
        ("state", "st-1"),
        ("nonce", "n-1"),
        ("code_challenge", challenge.as_str()),
        ("code_challenge_method", "S256"),
    ]);
    params.extend(more.iter().copied());
    params.retain(|_, value| !value.is_empty());
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(params).finish();
    format!("/realms/jiangxi/authorize?{query}")
}

/// The claims of a JWT, unverified.
pub fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}
