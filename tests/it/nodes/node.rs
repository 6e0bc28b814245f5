//! One `hufu serve`, told to stop as service managers do.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::cutter::variable;
use crate::kit::demo::{Running, free_ports};
use crate::operations::SECRET;

/// Longer than a start takes on a machine that is busy with other tests.
const PATIENCE: Duration = Duration::from_mins(1);

pub struct Node {
    /// Where people are served; its health is told at the next.
    pub port: u16,
    folder: PathBuf,
    process: Mutex<Option<Running>>,
}

impl Node {
    /// `folder`: its own; `settings`: all but where it listens.
    pub fn new(folder: PathBuf, settings: &str) -> Self {
        std::fs::create_dir_all(&folder).unwrap();
        let port = free_ports();
        let listen =
            format!("listen = '127.0.0.1:{port}'\noperations_listen = '127.0.0.1:{}'\n", port + 1);
        std::fs::write(folder.join("hufu.toml"), listen + settings).unwrap();
        Self { port, folder, process: Mutex::new(None) }
    }

    pub fn base(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// A command with this node's settings.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let built = variable("HUFU_NODES_BINARY");
        let mut command = Command::new(built.unwrap_or(env!("CARGO_BIN_EXE_hufu").to_owned()));
        command.current_dir(&self.folder).args(["--config", "hufu.toml"]).args(arguments);
        command.env("SECRET_FROM_OUTSIDE", SECRET);
        command
    }

    /// Returns at once.
    pub async fn launch(&self) {
        let log = std::fs::OpenOptions::new();
        let log = log.clone().create(true).append(true).open(self.folder.join("log")).unwrap();
        let child = self.command(&["serve"]).stdout(Stdio::null()).stderr(log).spawn().unwrap();
        *self.process.lock().await = Some(Running::of(child));
    }

    pub async fn start(&self) {
        self.launch().await;
        self.ready().await;
    }

    pub async fn ready(&self) {
        let until = Instant::now() + PATIENCE;
        while !self.is_ready().await {
            let has_ended = {
                let mut process = self.process.lock().await;
                process.as_mut().unwrap().ended(Duration::ZERO).await
            };
            assert!(has_ended.is_none() && Instant::now() < until, "{}", self.log());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    pub async fn is_ready(&self) -> bool {
        self.health().await == Some(204)
    }

    /// What the second listener says; `None`: nothing.
    pub async fn health(&self) -> Option<u16> {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let url = format!("http://127.0.0.1:{}/health/ready", self.port + 1);
        let asked = http.get(url).timeout(Duration::from_secs(5)).send().await;
        asked.ok().map(|answer| answer.status().as_u16())
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    pub async fn signal(&self, name: &str) {
        self.process.lock().await.as_ref().unwrap().signal(name);
    }

    /// Waits for its end, which must be a good one.
    pub async fn ended(&self) -> Duration {
        let begun = Instant::now();
        let mut running = self.process.lock().await.take().unwrap();
        let status = running.ended(PATIENCE).await.expect("it did not stop");
        assert!(status.success(), "{status}: {}", self.log());
        begun.elapsed()
    }

    /// As in a crash.
    pub async fn kill(&self) {
        self.process.lock().await.take().unwrap().kill();
    }
}
