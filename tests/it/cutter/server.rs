//! The demo as a process of its own, on a realm without the limits that one address would meet.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sea_orm::ConnectionTrait;
use tokio::net::TcpStream;

use super::honest::{Messages, Provider};
use super::variable;
use crate::kit::demo::{Running, free_ports};
use crate::kit::{FILING, On, copy};

/// More than there are honest clients, with one for those who cut.
const PEOPLE: usize = 9;

pub struct Server {
    pub port: u16,
    folder: tempfile::TempDir,
    /// Of PostgreSQL and Redis.
    addresses: Vec<String>,
    /// Bytes of memory that the process may ask for, as the kernel counts them.
    memory: Option<usize>,
    process: Mutex<Option<Running>>,
}

impl Server {
    pub async fn start(on: On) -> Self {
        Self::start_on(on, None).await
    }

    /// With no more memory than this, and with the realm's own limits of guesses.
    pub async fn start_within(on: On, memory: usize) -> Self {
        Self::start_on(on, Some(memory)).await
    }

    async fn start_on(on: On, memory: Option<usize>) -> Self {
        let folder = tempfile::Builder::new().prefix("cutter").tempdir().unwrap();
        let realms = Path::new(env!("CARGO_MANIFEST_DIR")).join("realms");
        copy(&realms.join("jiangxi"), &folder.path().join("realms/jiangxi"));
        let realm = folder.path().join("realms/jiangxi");
        match memory {
            None => open_up(&realm),
            Some(_) => open_up_but_for_guesses(&realm),
        }
        add_people(&realm);
        let addresses = match on {
            On::Sqlite => Vec::new(),
            On::Postgres => addresses(folder.path()).await,
        };
        let process = Mutex::new(None);
        let server = Self { port: free_ports(), folder, addresses, memory, process };
        server.restart_with(None).await;
        server
    }

    /// Kills what runs and starts it again on the same data.
    pub async fn restart_with(&self, request_time_out: Option<Duration>) {
        let running = self.process.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(mut running) = running {
            running.kill();
        }
        let built = std::env::var_os("HUFU_CUTTER_BINARY");
        let built = built.unwrap_or(env!("CARGO_BIN_EXE_hufu").into());
        // A file that may grow no more is an error then, not the end.
        let mut command = Command::new("sh");
        let limit = self.memory.map(|bytes| format!("prlimit --data={bytes} "));
        let run = format!("trap '' XFSZ; exec {}\"$0\" \"$@\"", limit.unwrap_or_default());
        command.args(["-c", &run]).arg(built);
        command.args(["demo", "--port", &self.port.to_string(), "--data"]);
        command.arg(self.folder.path().join("data"));
        command.arg("--realms").arg(self.folder.path().join("realms"));
        command.args(&self.addresses);
        if let Some(time_out) = request_time_out {
            command.args(["--request-time-out", &time_out.as_millis().to_string()]);
        }
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.log()).unwrap();
        let child = command.stdout(Stdio::null()).stderr(log).spawn().unwrap();
        *self.process.lock().unwrap_or_else(PoisonError::into_inner) = Some(Running::of(child));
        for _ in 0..1200 {
            if TcpStream::connect(("127.0.0.1", self.port)).await.is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("it did not start: {}", std::fs::read_to_string(self.log()).unwrap());
    }

    /// A command on its data.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let built = std::env::var_os("HUFU_CUTTER_BINARY");
        let mut command = Command::new(built.unwrap_or(env!("CARGO_BIN_EXE_hufu").into()));
        command.args(arguments).arg("--data").arg(self.folder.path().join("data"));
        if let [option, url, ..] = self.addresses.as_slice() {
            command.args([option, url]);
        }
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// No file of the process takes more than its first page, or all do again.
    pub fn fill_disk(&self, is_full: bool) {
        let process = self.process.lock().unwrap_or_else(PoisonError::into_inner);
        let limit = if is_full { "4096" } else { "unlimited" };
        let pid = process.as_ref().unwrap().id().to_string();
        let limit = format!("--fsize={limit}:unlimited");
        let done = Command::new("prlimit").args(["--pid", &pid, &limit]).status().unwrap();
        assert!(done.success());
    }

    pub fn provider(&self) -> Arc<Provider> {
        Arc::new(Provider {
            base: self.at(0),
            redirect_uri: format!("{}/callback", self.at(2)),
            client_secret: FILING.secret.to_owned(),
            messages: Messages::Desk(self.at(1)),
        })
    }

    /// Bytes of memory that are the process's own now; `None` when it has ended.
    pub fn resident(&self) -> Option<usize> {
        let process = self.process.lock().unwrap_or_else(PoisonError::into_inner);
        let pid = process.as_ref()?.id();
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        let kibibytes: usize = line.split_whitespace().next()?.parse().ok()?;
        Some(kibibytes * 1024)
    }

    pub fn at(&self, offset: u16) -> String {
        format!("http://localhost:{}", self.port + offset)
    }
}

async fn addresses(folder: &Path) -> Vec<String> {
    let server = variable("HUFU_TEST_POSTGRES").unwrap();
    let name = folder.file_name().unwrap().to_str().unwrap().to_lowercase();
    let admin = sea_orm::Database::connect(&server).await.unwrap();
    admin.execute_unprepared(&format!("CREATE DATABASE {name}")).await.unwrap();
    admin.close().await.unwrap();
    let own = format!("{}/{name}", server.rsplit_once('/').unwrap().0);
    let mut addresses = vec!["--database-url".to_owned(), own];
    if let Some(redis) = variable("HUFU_TEST_REDIS") {
        // Far from those that the other tests count up from nought.
        let number = 2000 + rand::random_range(0..2000);
        addresses.extend(["--redis-url".to_owned(), format!("{redis}{number}")]);
    }
    addresses
}

fn replace(file: &Path, what: &str, by: &str) {
    let text = std::fs::read_to_string(file).unwrap();
    assert!(text.contains(what), "{} has no {what}", file.display());
    std::fs::write(file, text.replace(what, by)).unwrap();
}

/// Many sign-ins from one address, and codes and tokens that outlive the longest run.
pub fn open_up(realm: &Path) {
    open_up_but_for_guesses(realm);
    let failures = "max_failures = 100\nmax_failures_elsewhere = 1000\n\
                    max_failures_per_address = 1000000\nmax_failures_per_enterprise = 1000000";
    replace(&realm.join("realm.toml"), "max_failures = 5", failures);
}

fn open_up_but_for_guesses(realm: &Path) {
    let limits = "pause = 1\nper_phone_and_hour = 1000000\nper_phone_and_day = 1000000\n\
                  per_address_and_hour = 1000000\nper_minute = 1000000";
    replace(&realm.join("factors.toml"), "per_minute = 6000", limits);
    // Every refresh token works once, so that whoever uses one up can tell.
    let client = realm.join("clients/tax-filing.toml");
    replace(&client, "client_id", "rotate_refresh_tokens = true\nclient_id");
    let file = realm.join("realm.toml");
    replace(&file, "refresh_token = 43200", "refresh_token = 43200\nrefresh_grace = 0");
    replace(&file, "code = 60\naccess_token = 300", "code = 600\naccess_token = 28800");
}

/// `honest0` and so on.
pub fn add_people(realm: &Path) {
    let people: String = (0..PEOPLE).map(person).collect();
    let file = realm.join("fixtures.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(file, text + &people).unwrap();
}

/// Two identities in one enterprise.
fn person(n: usize) -> String {
    let document = resident_number(n);
    let identity = |kind: &str, permission: &str| {
        format!(
            "[[authorisation]]\nenterprise = \"{}\"\nperson = \"{document}\"\n\
             identity_type = \"{kind}\"\npermissions = [\"{permission}\"]\n\
             valid_from = \"2025-01-01\"\nstate = \"active\"\n",
            crate::kit::EXAMPLE
        )
    };
    let person = format!(
        "[[person]]\nname = \"测试\"\ndocument = \"{document}\"\nphone = \"1380{n:07}\"\n\
         username = \"honest{n}\"\npassword = \"{}\"\naccepted_agreements = true\n\
         note = \"of the cutter\"\n",
        crate::kit::PASSWORD
    );
    [person, identity("tax_clerk", "TAX_FILING"), identity("invoicing_clerk", "INVOICE")].concat()
}

fn resident_number(n: usize) -> String {
    const WEIGHTS: [usize; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let body = format!("36010219900101{n:03}");
    let digits = body.bytes().map(|digit| usize::from(digit - b'0'));
    let sum: usize = digits.zip(WEIGHTS).map(|(digit, weight)| digit * weight).sum();
    let check = char::from(b"10X98765432"[sum % 11]);
    format!("{body}{check}")
}
