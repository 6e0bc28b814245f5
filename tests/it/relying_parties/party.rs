//! The two sides: an application as a process of its own, and the provider that it is registered with.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use hufu::base::clock::Clock;
use hufu::flows::keys::{Rotation, load, rotate};
use hufu::jose::Algorithm;
use hufu::web::tls::TlsFiles;
use serde_json::Value;

use crate::kit::demo::{Running, free_ports};
use crate::kit::{On, Setup, TestApp, copy, data, realm_of};

/// An application and where its parts are found.
#[derive(Clone, Copy)]
pub struct Library {
    /// Its folder.
    pub name: &'static str,
    pub login: &'static str,
    /// Absent: somebody else does it.
    pub refresh: Option<&'static str>,
    pub logout: Act,
    /// Seconds for which it does not ask for keys again, whatever it meets.
    pub keeps_keys: i64,
    /// What it guards with access tokens, as the API of its `resource.toml`.
    pub api: Option<&'static str>,
}

#[derive(Clone, Copy)]
pub struct Act {
    pub method: &'static str,
    pub path: &'static str,
}

impl Library {
    fn source(&self) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/relying_parties").join(self.name)
    }

    /// Where `scripts/relying_parties` has built it; `None`, and said, where it has not, or something
    /// else than what stands here now, or none are wanted.
    pub fn built(&self) -> Option<PathBuf> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/relying_parties");
        let target = root.join(self.name);
        let wanted = std::env::var_os("HUFU_TEST_LIBRARIES").unwrap_or_default();
        let is_built = target.join(".built").exists() && is_the_same(&self.source(), &target);
        if wanted != "none" && is_built {
            return Some(target);
        }
        assert!(wanted != "all", "{} is not built: scripts/relying_parties", self.name);
        eprintln!("left out: {} (scripts/relying_parties builds it)", self.name);
        None
    }
}

/// Every file of `source` stands in `target` as it is.
fn is_the_same(source: &Path, target: &Path) -> bool {
    std::fs::read_dir(source).unwrap().all(|entry| {
        let path = entry.unwrap().path();
        let other = target.join(path.file_name().unwrap());
        match path.is_dir() {
            true => is_the_same(&path, &other),
            false => std::fs::read(&path).ok() == std::fs::read(other).ok(),
        }
    })
}

/// What a client file says where the application and the provider are.
const APP: &str = "https://app.example";
const PROVIDER: &str = "https://sso.jiangxi.example";

pub const CLIENT_SECRET: &str = "demo-secret-of-an-application-here";

/// The provider over real HTTPS and by the real clock, with its jobs, in the test's own process.
pub struct Provider {
    pub app: TestApp,
    pub issuer: String,
}

impl Provider {
    /// With `library` registered at `own_url`.
    pub async fn start(library: Library, own_url: &str) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("https://localhost:{}", listener.local_addr().unwrap().port());
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("jiangxi");
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("realms/jiangxi"), &target);
        let client = std::fs::read_to_string(library.source().join("client.toml")).unwrap();
        let file = format!("clients/{}.toml", library.name);
        std::fs::write(target.join(file), client.replace(APP, own_url)).unwrap();
        if library.api.is_some() {
            let file = target.join(format!("resources/{}.toml", library.name));
            std::fs::copy(library.source().join("resource.toml"), file).unwrap();
        }
        let realm = std::fs::read_to_string(target.join("realm.toml")).unwrap();
        std::fs::write(target.join("realm.toml"), realm.replace(PROVIDER, &address)).unwrap();
        let on = match std::env::var_os("HUFU_TEST_POSTGRES") {
            Some(_) => On::Postgres,
            None => On::Sqlite,
        };
        let mut setup = Setup::of(on, vec![realm_of(&target)]);
        setup.clock = Clock::system();
        let app = setup.start().await;
        let tls =
            TlsFiles { certificate: data("localhost.cert.pem"), key: data("localhost.key.pem") };
        let (router, stopping) = (app.router.clone(), app.app.stopping().clone());
        tokio::spawn(async move {
            hufu::web::server::serve(listener, router, Some(tls), &stopping).await
        });
        tokio::spawn(hufu::jobs::run(app.app.clone()));
        Self { app, issuer: format!("{address}/realms/jiangxi") }
    }

    /// A new key that signs ID tokens when `announcement` seconds have passed; its name.
    pub async fn rotate(&self, announcement: i64) -> String {
        let services = &self.app.ctx.services;
        let rotation = Rotation { algorithm: Algorithm::RS256, announcement, overlap: 86_400 };
        let realm = &self.app.ctx.realm;
        let key = rotate(&services.store, &realm.id, rotation, services.clock.now()).await;
        load(services, realm).await.unwrap();
        key.unwrap().kid
    }

    /// The key that signs ID tokens now.
    pub async fn signing(&self) -> String {
        let (services, realm) = (&self.app.ctx.services, Arc::clone(&self.app.ctx.realm));
        load(services, &realm).await.unwrap();
        services.keys.of(&realm).unwrap().keys.current(Algorithm::RS256).unwrap().kid.clone()
    }
}

/// An application that runs, at `url`.
pub struct Party {
    pub url: String,
    /// What it answers at `/`.
    pub says: Value,
    /// What it writes, for whoever asks why it failed.
    log: PathBuf,
    _process: Running,
}

impl Drop for Party {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", std::fs::read_to_string(&self.log).unwrap_or_default());
        }
    }
}

/// An address for an application.
pub fn own_url() -> String {
    format!("http://127.0.0.1:{}", free_ports())
}

impl Party {
    /// `more`: what its environment says besides the usual four.
    pub async fn start(
        library: Library,
        built: &Path,
        (url, issuer): (&str, &str),
        more: &[(&str, &str)],
    ) -> Self {
        let log = built.join("run.log");
        let file = File::create(&log).unwrap();
        let child = Command::new("./run")
            .current_dir(built)
            .env("ISSUER", issuer)
            .env("CLIENT_ID", library.name)
            .env("CLIENT_SECRET", CLIENT_SECRET)
            .env("OWN_URL", url)
            .env("AUTHORITY", data("localhost.cert.pem"))
            .envs(more.iter().copied())
            .stdout(file.try_clone().unwrap())
            .stderr(file)
            .spawn()
            .unwrap();
        let process = Running::of(child);
        let mut party = Self { url: url.to_owned(), says: Value::Null, log, _process: process };
        party.says = party.first_answer().await;
        party
    }

    /// A Java virtual machine on a busy machine takes its time.
    async fn first_answer(&self) -> Value {
        let http = super::walk::http();
        for _ in 0..600 {
            if let Ok(answer) = http.get(&self.url).send().await {
                return answer.json().await.unwrap_or_default();
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("{} does not answer", self.url);
    }
}
