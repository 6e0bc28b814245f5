//! `hufu demo`: provider, desk and two tax applications in one process, on loopback alone.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use rust_embed::RustEmbed;
use tokio::net::TcpSocket;

use crate::base::suite::Suite;
use crate::cli::reload::watch;
use crate::cli::result::{CliResult, Failure, say};
use crate::cli::software_keys;
use crate::cli::start::{Started, Wanted, start};
use crate::domain::help::Helper;
use crate::domain::officer::{Roles, Standing};
use crate::domain::refusal::Refusal;
use crate::ephemeral::Budget;
use crate::flows::feed::fixtures;
use crate::flows::{Ctx, Stop, officer};
use crate::jobs;
use crate::realm::fixtures::Fixtures;
use crate::realm::source::Source;
use crate::store::connect::DatabaseUrl;
use crate::telemetry;
use crate::web::client_ip::Proxies;
use crate::web::desk::{self, Desk};
use crate::web::layers;
use crate::web::router::{console_within, router_within};
use crate::web::server::{serve, work_off};
use crate::web::stopping::Signals;

#[path = "../../examples/tax_app/app.rs"]
pub mod tax_app;

#[path = "../../examples/phone_app/app.rs"]
pub mod phone_app;

/// The realms of the demo travel in the binary.
#[derive(RustEmbed)]
#[folder = "realms"]
struct DemoRealms;

#[derive(Args)]
pub struct DemoArguments {
    /// The first of seven ports in a row: provider, desk, tax filing, invoices, telephones, social
    /// insurance, officers.
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// Survives a restart.
    #[arg(long, default_value = ".hufu/demo")]
    data: PathBuf,
    /// Begin with an empty data directory.
    #[arg(long)]
    fresh: bool,
    /// Realm files of your own, with a realm named `jiangxi` for the two applications.
    #[arg(long)]
    realms: Option<PathBuf>,
    /// `postgres://…` instead of SQLite in the data directory.
    #[arg(long)]
    database_url: Option<String>,
    /// `redis://…` instead of memory.
    #[arg(long)]
    redis_url: Option<String>,
    /// How long a client waits for its answer, in milliseconds.
    #[arg(long)]
    request_time_out: Option<u64>,
}

impl DemoArguments {
    fn time_out(&self) -> Duration {
        self.request_time_out.map_or(layers::TIME_OUT, Duration::from_millis)
    }
}

pub async fn run(arguments: DemoArguments) -> CliResult {
    telemetry::start(false, "warn,hufu=info");
    // Before anything is thrown away: somebody else may have one of the ports. Nobody gets in yet.
    let ports = Ports::of(arguments.port)?;
    if arguments.fresh && arguments.data.exists() {
        std::fs::remove_dir_all(&arguments.data)?;
    }
    std::fs::create_dir_all(&arguments.data)?;
    let realms = match &arguments.realms {
        Some(own) => own.clone(),
        None => unpack(&arguments.data.join("realms"))?,
    };
    let at = |offset: u16| format!("http://localhost:{}", arguments.port + offset);
    let wanted = wanted(&arguments, realms, &at);
    software_keys::lay_out(&arguments.data.join("key-agent"), &at(0))?;
    let started = start(&wanted).await?;
    let people = inhabit(&started, &wanted.realms).await?;
    started.app.services().outbound.sandbox.set_base(at(1));
    let clock = started.app.services().clock.clone();
    let now: phone_app::Now = Arc::new(move || clock.now().0);
    let telephone = telephone(&people, format!("{}/realms/jiangxi", at(0)), now.clone())?
        .merge(tax_phone(&at, now)?);
    let desk = Desk {
        sandbox: started.app.services().outbound.sandbox.clone(),
        relations: Arc::default(),
        names: started.app.services().outbound.registry_of_names.clone(),
        inbox: started.app.services().outbound.inbox.clone(),
        clock: started.app.services().clock.clone(),
        people: Arc::new(people),
        sign_in: at(2),
        links: Arc::new(links(&at)),
    };
    let (filing, invoice, insurance) = applications(&at);
    let filing = tax_app::router(filing)?;
    let (invoice, insurance) = (tax_app::router(invoice)?, tax_app::router(insurance)?);
    let [provider, desk_at, filing_at, invoice_at, phones, insurance_at, officers_at] =
        ports.open()?;
    say_where_to_look(&at, &arguments.data)?;
    say_how_officers_enter(&started, &at).await?;
    let stopping = started.app.stopping().clone();
    tokio::spawn(stopping.clone().at_a_signal(Signals::listen()?, Duration::ZERO));
    let house = tokio::spawn(jobs::run(started.app.clone()));
    tokio::spawn(watch(started.app.clone(), wanted));
    tokio::try_join!(
        serve(provider, router_within(started.app.clone(), arguments.time_out()), None, &stopping),
        serve(desk_at, desk::router(desk), None, &stopping),
        serve(filing_at, filing, None, &stopping),
        serve(invoice_at, invoice, None, &stopping),
        serve(phones, telephone, None, &stopping),
        serve(insurance_at, insurance, None, &stopping),
        serve(officers_at, console_within(&started.app, arguments.time_out()), None, &stopping),
    )?;
    work_off(&started.app, house).await;
    Ok(())
}

/// What the demo runs on; its realms' addresses are those of its ports.
fn wanted(arguments: &DemoArguments, realms: PathBuf, at: &impl Fn(u16) -> String) -> Wanted {
    Wanted {
        database: match &arguments.database_url {
            Some(url) => DatabaseUrl::Postgres(url.clone()),
            None => DatabaseUrl::Sqlite(arguments.data.join("hufu.db")),
        },
        data: arguments.data.clone(),
        redis_url: arguments.redis_url.clone(),
        budget: Budget::DEFAULT,
        realms,
        master_key: None,
        key_program: None,
        at_rest: Suite::International,
        proxies: Proxies::default(),
        outbound_ca: None,
        is_demo: true,
        replace: vec![
            ("https://sso.jiangxi.example".to_owned(), at(0)),
            ("https://sso.national.example".to_owned(), at(0)),
            ("https://portal.jiangxi.example".to_owned(), at(1)),
            ("https://portal.national.example".to_owned(), at(1)),
            ("https://app.jiangxi.example".to_owned(), at(4)),
            ("https://officer.jiangxi.example".to_owned(), at(6)),
            ("https://officer.national.example".to_owned(), at(6)),
            ("https://insurance.jiangxi.example".to_owned(), at(5)),
            ("https://filing.jiangxi.example".to_owned(), at(2)),
            ("https://invoice.jiangxi.example".to_owned(), at(3)),
        ],
    }
}

/// The people and enterprises of each realm's `fixtures.toml`, which are there from now on.
async fn inhabit(started: &Started, realms: &Path) -> Result<Vec<(String, Fixtures)>, Failure> {
    let mut people = Vec::new();
    for realm in &started.realms {
        let file = realms.join(&realm.id).join("fixtures.toml");
        let text = std::fs::read_to_string(&file)?;
        let (_, fixtures) = Source::read::<Fixtures>(&file.display().to_string(), &text)
            .map_err(|complaints| complaints.iter().map(ToString::to_string).collect::<String>())?;
        fixtures::load(&Ctx::own(started.app.services(), realm), &fixtures).await?;
        people.push((realm.id.clone(), fixtures));
    }
    Ok(people)
}

/// Where the desk leads to.
fn links(at: &impl Fn(u16) -> String) -> Vec<(String, String)> {
    vec![
        ("纳税申报 · Tax filing".to_owned(), at(2)),
        ("发票服务 · Invoice service".to_owned(), at(3)),
        ("社保费缴纳 · Social insurance".to_owned(), at(5)),
        ("江西税务 APP（模拟） · Tax app".to_owned(), format!("{}/tax", at(4))),
        ("个人所得税 APP（模拟） · Income Tax app".to_owned(), at(4)),
        ("账户中心 · Account centre".to_owned(), format!("{}/realms/jiangxi/account", at(0))),
        ("税务人员工作台 · Officers".to_owned(), format!("{}/realms/jiangxi/console", at(6))),
        ("登录 · Sign in".to_owned(), format!("{}/realms/jiangxi/login", at(0))),
    ]
}

/// The seven ports of the demo, all of them taken.
struct Ports([TcpSocket; 7]);

impl Ports {
    /// Taken, and open to nobody. The error names the port that somebody else has.
    fn of(first: u16) -> Result<Self, Failure> {
        let at = |offset: u16| {
            let port = first.checked_add(offset).ok_or("seven ports in a row are needed")?;
            let address = SocketAddr::from(([127, 0, 0, 1], port));
            taken(address).map_err(|error| {
                let what = format!("{address}: {error}");
                Failure::from(format!("{what}; --port names the first of seven that are free"))
            })
        };
        Ok(Self([at(0)?, at(1)?, at(2)?, at(3)?, at(4)?, at(5)?, at(6)?]))
    }

    fn open(self) -> std::io::Result<[TcpListener; 7]> {
        let [one, two, three, four, five, six, seven] =
            self.0.map(|socket| socket.listen(1024)?.into_std());
        Ok([one?, two?, three?, four?, five?, six?, seven?])
    }
}

fn taken(address: SocketAddr) -> std::io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

/// Two tax applications and one of social insurance; `at` gives the address of a port of the demo.
fn applications(
    at: &impl Fn(u16) -> String,
) -> (tax_app::Settings, tax_app::Settings, tax_app::Settings) {
    let filing = tax_app::Settings {
        issuer: format!("{}/realms/jiangxi", at(0)),
        client_id: "tax-filing".to_owned(),
        client_secret: "demo-secret-of-tax-filing".to_owned(),
        secret_in_body: false,
        own_url: at(2),
        title: "纳税申报 · Tax filing".to_owned(),
        invoices: Some(format!("{}/api/invoices", at(3))),
        links: vec![
            ("演示台 · Demo desk".to_owned(), at(1)),
            ("账户中心 · Account centre".to_owned(), format!("{}/realms/jiangxi/account", at(0))),
        ],
        authority: None,
    };
    let invoice = tax_app::Settings {
        client_id: "invoice".to_owned(),
        client_secret: "demo-secret-of-invoice".to_owned(),
        secret_in_body: true,
        own_url: at(3),
        title: "发票服务 · Invoice service".to_owned(),
        invoices: None,
        ..filing.clone()
    };
    let insurance = tax_app::Settings {
        client_id: "social-insurance".to_owned(),
        client_secret: "demo-secret-of-social-insurance".to_owned(),
        own_url: at(5),
        title: "社保费缴纳 · Social insurance".to_owned(),
        invoices: None,
        ..filing.clone()
    };
    (filing, invoice, insurance)
}

fn say_where_to_look(at: &impl Fn(u16) -> String, data: &Path) -> std::io::Result<()> {
    let discovery = "/.well-known/openid-configuration";
    say(format_args!("desk (people, SMS)   {}", at(1)))?;
    say(format_args!("tax filing           {}", at(2)))?;
    say(format_args!("invoice service      {}", at(3)))?;
    say(format_args!("telephones           {} and {}/tax", at(4), at(4)))?;
    say(format_args!("social insurance     {}", at(5)))?;
    say(format_args!("discovery            {}/realms/jiangxi{discovery}", at(0)))?;
    say(format_args!("second realm         {}/realms/demo-national{discovery}", at(0)))?;
    say(format_args!(
        "certificates         key-agent --config {}/key-agent/key-agent.toml   (PIN 123456)",
        data.display()
    ))?;
    say("clients              realms/*/clients/*.toml under the data directory")?;
    say(format_args!("data                 {}", data.display()))
}

/// One of each role, so that the three administrative ones and four eyes can be tried.
const OFFICERS: [(&str, &str, &str); 5] = [
    ("hall", "周大厅", "hall reviewer"),
    ("review", "吴审核", "reviewer"),
    ("security", "郑安全", "security"),
    ("audit", "王审计", "audit"),
    ("system", "冯系统", "system"),
];

/// Whoever has not entered yet gets a link, new at each start; the others have their passkeys.
async fn say_how_officers_enter(started: &Started, at: &impl Fn(u16) -> String) -> CliResult {
    say(format_args!("officers' console    {}/realms/jiangxi/console", at(6)))?;
    let Some(realm) = started.realms.iter().find(|realm| realm.id == "jiangxi") else {
        return Ok(());
    };
    let ctx = Ctx::own(started.app.services(), realm);
    if !officer::has_console(&ctx) {
        return Ok(());
    }
    let refused = |refusal: Refusal| Failure::from(Stop::from(refusal));
    let helper = Helper::new("demo", "the demo begins").map_err(refused)?;
    for (login, name, roles) in OFFICERS {
        let known = officer::list(&ctx).await?.into_iter().find(|one| one.login.as_str() == login);
        let link = match known {
            None => {
                let roles = Roles::parse(roles).map_err(refused)?;
                officer::invite(&ctx, &helper, (login, name), roles).await?
            }
            Some(one) if one.standing() == Standing::Invited => {
                officer::invite_again(&ctx, &helper, one.id).await?
            }
            Some(_) => continue,
        };
        say(format_args!("  enter as {login:<8}  {link}"))?;
    }
    Ok(())
}

/// The bureau's own application, on as many telephones as there are browsers.
fn tax_phone(
    at: &impl Fn(u16) -> String,
    now: phone_app::Now,
) -> Result<axum::Router, Box<dyn std::error::Error + Send + Sync>> {
    let issuer = format!("{}/realms/jiangxi", at(0));
    let redirect_uri = format!("{}/tax/callback", at(4));
    let app = phone_app::tax::TaxApp::new(issuer, "tax-app".to_owned(), redirect_uri, now)?;
    Ok(phone_app::tax::router(app, format!("{}/api/newest-code", at(1))))
}

/// The Income Tax app of everybody in the first realm.
fn telephone(
    people: &[(String, Fixtures)],
    issuer: String,
    now: phone_app::Now,
) -> Result<axum::Router, Box<dyn std::error::Error + Send + Sync>> {
    let known = people.iter().filter(|(realm, _)| realm == "jiangxi");
    let known = known.flat_map(|(_, fixtures)| &fixtures.person);
    let signed_in = known.map(|one| phone_app::SignedIn {
        name: one.name.clone(),
        document_number: one.document.clone(),
        phone_ip: None,
    });
    let key = include_str!("../../examples/phone_app/iit.private.json").to_owned();
    let operator = phone_app::Operator::new(issuer, "iit-app".to_owned(), key, now)?;
    Ok(phone_app::router(operator, signed_in.collect()))
}

/// Written anew at each start: the demo shows the realm files that the binary holds.
fn unpack(folder: &std::path::Path) -> std::io::Result<PathBuf> {
    for name in DemoRealms::iter() {
        let Some(file) = DemoRealms::get(&name) else { continue };
        let path = folder.join(name.as_ref());
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(path, file.data)?;
    }
    Ok(folder.to_owned())
}
