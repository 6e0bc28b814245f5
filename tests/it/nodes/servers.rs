//! PostgreSQL and Redis of one test, which it stops and starts as it likes.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use std::os::unix::fs::MetadataExt;

use sea_orm::{ConnectionTrait, Database, DatabaseConnection, QueryResult};
use tokio::sync::Mutex;

use super::{postgres_programs, program};
use crate::kit::demo::{Running, free_ports, wait_for};

const PATIENCE: Duration = Duration::from_secs(20);

/// Programs that refuse to run as root run as the user that Debian's package has made.
pub fn not_as_root(program: &Path) -> Command {
    if std::fs::metadata("/proc/self").unwrap().uid() != 0 {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--init-groups"]).arg(program);
    command
}

/// A folder that the user of PostgreSQL can enter, with everything below it theirs.
pub fn hand_over(folder: &Path) {
    if std::fs::metadata("/proc/self").unwrap().uid() == 0 {
        let done = Command::new("chown").args(["-R", "postgres"]).arg(folder).status().unwrap();
        assert!(done.success());
    }
}

pub struct Postgres {
    data: PathBuf,
    pub port: u16,
    process: Mutex<Option<Running>>,
}

impl Postgres {
    /// An empty cluster.
    pub fn make(data: &Path) {
        std::fs::create_dir_all(data).unwrap();
        hand_over(data);
        let done = not_as_root(&postgres_programs().unwrap().join("initdb"))
            .args(["-U", "hufu", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "-D"])
            .arg(data)
            .stdout(Stdio::null())
            .status()
            .unwrap();
        assert!(done.success());
    }

    /// On a cluster that is there.
    pub async fn start(data: PathBuf) -> Self {
        let postgres = Self { data, port: free_ports(), process: Mutex::new(None) };
        postgres.go_on().await;
        postgres
    }

    pub fn url(&self) -> String {
        format!("postgres://hufu@127.0.0.1:{}/postgres", self.port)
    }

    /// Starts it again where it was stopped.
    pub async fn go_on(&self) {
        let log = self.data.with_extension("log");
        let log = std::fs::OpenOptions::new().create(true).append(true).open(log).unwrap();
        let (port, sockets) = (self.port, self.data.display());
        let child = not_as_root(&postgres_programs().unwrap().join("postgres"))
            .arg("-D")
            .arg(&self.data)
            .args(["-p", &port.to_string(), "-c", "listen_addresses=127.0.0.1"])
            .args(["-c", &format!("unix_socket_directories={sockets}")])
            .args(["-c", "max_connections=200", "-c", "shared_buffers=32MB"])
            // Nobody pulls the plug of this machine in a test; a process that dies loses nothing.
            .args(["-c", "fsync=off", "-c", "full_page_writes=off"])
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        *self.process.lock().await = Some(Running::of(child));
        let until = tokio::time::Instant::now() + PATIENCE;
        while !self.answers().await {
            assert!(tokio::time::Instant::now() < until, "PostgreSQL did not start");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn answers(&self) -> bool {
        let Ok(connection) = Database::connect(self.url()).await else { return false };
        connection.execute_unprepared("SELECT 1").await.is_ok()
    }

    /// `INT`: everybody is thrown out and told so; `QUIT`: as in a crash.
    pub async fn stop(&self, signal: &str) {
        let mut running = self.process.lock().await.take().unwrap();
        running.signal(signal);
        assert!(running.ended(PATIENCE).await.is_some(), "PostgreSQL did not stop");
    }

    pub async fn connection(&self) -> DatabaseConnection {
        Database::connect(self.url()).await.unwrap()
    }

    pub async fn sql(&self, statement: &str) -> u64 {
        let connection = self.connection().await;
        let done = connection.execute_unprepared(statement).await.unwrap();
        connection.close().await.unwrap();
        done.rows_affected()
    }

    pub async fn rows(&self, query: &str) -> Vec<QueryResult> {
        let connection = self.connection().await;
        let query = sea_orm::Statement::from_string(sea_orm::DbBackend::Postgres, query.to_owned());
        let rows = connection.query_all_raw(query).await.unwrap();
        connection.close().await.unwrap();
        rows
    }
}

impl Drop for Postgres {
    /// SIGKILL would leave its shared memory behind.
    #[expect(clippy::disallowed_methods, reason = "another process needs real time")]
    fn drop(&mut self) {
        let Some(running) = self.process.get_mut().take() else { return };
        running.signal("QUIT");
        std::thread::sleep(Duration::from_millis(300));
    }
}

pub struct Redis {
    folder: PathBuf,
    pub port: u16,
    process: Mutex<Option<Running>>,
}

impl Redis {
    pub async fn start(folder: PathBuf) -> Self {
        let redis = Self { folder, port: free_ports(), process: Mutex::new(None) };
        redis.go_on(false).await;
        redis
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    /// `keeps`: what it is told survives its end.
    pub async fn go_on(&self, keeps: bool) {
        let child = Command::new(program("redis-server").unwrap())
            .args(["--port", &self.port.to_string(), "--bind", "127.0.0.1", "--save", ""])
            .args(["--appendonly", if keeps { "yes" } else { "no" }, "--appendfsync", "always"])
            .arg("--dir")
            .arg(&self.folder)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        *self.process.lock().await = Some(Running::of(child));
        wait_for(self.port).await;
    }

    pub async fn stop(&self) {
        let mut running = self.process.lock().await.take().unwrap();
        running.signal("TERM");
        assert!(running.ended(PATIENCE).await.is_some(), "Redis did not stop");
    }
}
