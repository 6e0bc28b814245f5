//! The real program: `hufu demo` as a process of its own, and a real Chromium that uses it.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::time::Duration;

use fantoccini::{Client, ClientBuilder, Locator};
use serde_json::json;
use tokio::sync::OnceCell;

/// Ends its process when dropped.
pub struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Running {
    pub fn of(child: Child) -> Self {
        Self(child)
    }

    pub fn id(&self) -> u32 {
        self.0.id()
    }

    /// By its name: `TERM`.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.id().to_string()]).status();
        assert!(sent.unwrap().success(), "{name}");
    }

    /// How it ended by itself, if it does within this time.
    pub async fn ended(&mut self, within: Duration) -> Option<ExitStatus> {
        let until = tokio::time::Instant::now() + within;
        loop {
            if let Some(status) = self.0.try_wait().unwrap() {
                return Some(status);
            }
            if tokio::time::Instant::now() > until {
                return None;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// SIGKILL: no farewell.
    pub fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// The first of seven free ports in a row, below those that connections are given: what is stopped
/// there can be started again. No other test of this run is given one of them before they are taken.
pub fn free_ports() -> u16 {
    static NEXT: LazyLock<AtomicU16> = LazyLock::new(|| AtomicU16::new(rand::random()));
    for _ in 0..200 {
        let port = 20_000 + NEXT.fetch_add(1, Ordering::Relaxed) % 1_700 * 7;
        let free = |offset: u16| std::net::TcpListener::bind(("127.0.0.1", port + offset)).is_ok();
        if (0..7).all(free) {
            return port;
        }
    }
    panic!("no seven free ports in a row");
}

/// Files of the data folder of a demo that has begun: schema, keys and people, which are the same whatever
/// its ports are.
async fn begun() -> &'static [(OsString, Vec<u8>)] {
    static BEGUN: OnceCell<Vec<(OsString, Vec<u8>)>> = OnceCell::const_new();
    let made = BEGUN.get_or_init(|| async {
        let folder = tempfile::tempdir().unwrap();
        let mut demo = start_anew(free_ports(), folder.path()).await;
        demo.signal("TERM");
        assert!(demo.ended(Duration::from_secs(20)).await.is_some(), "it does not stop");
        let paths = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path());
        let files = paths.filter(|path| path.is_file());
        files
            .map(|path| (path.file_name().unwrap().to_owned(), std::fs::read(&path).unwrap()))
            .collect()
    });
    made.await
}

/// The demo, with what is in the folder or what every demo begins with.
pub async fn start(port: u16, data: &Path) -> Running {
    if !data.join("hufu.db").exists() {
        std::fs::create_dir_all(data).unwrap();
        for (name, bytes) in begun().await {
            let mut options = std::fs::OpenOptions::new();
            let file = options.write(true).create_new(true).mode(0o600).open(data.join(name));
            file.unwrap().write_all(bytes).unwrap();
        }
    }
    start_anew(port, data).await
}

/// The demo, which makes all that it finds missing.
pub async fn start_anew(port: u16, data: &Path) -> Running {
    let child = Command::new(env!("CARGO_BIN_EXE_hufu"))
        .args(["demo", "--port", &port.to_string(), "--data"])
        .arg(data)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let running = Running(child);
    wait_for(port).await;
    running
}

pub async fn wait_for(port: u16) {
    for _ in 0..400 {
        if tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("nothing listens at {port}");
}

/// Takes its Chromium with it: that would go on for ever, with every page that it has open.
struct Driver {
    port: u16,
    _running: Running,
}

impl Drop for Driver {
    fn drop(&mut self) {
        let asked = TcpStream::connect(("127.0.0.1", self.port)).and_then(|mut driver| {
            driver.set_read_timeout(Some(Duration::from_secs(5)))?;
            driver.write_all(b"GET /shutdown HTTP/1.1\r\nHost: localhost\r\n\r\n")?;
            driver.read(&mut [0; 64])
        });
        if let Err(error) = asked {
            eprintln!("Chromium goes on: {error}");
        }
    }
}

/// Of Debian's package `chromium-headless-shell`.
const SHELL: &str = "/usr/lib/chromium/chromium-headless-shell";

/// A Chromium window of the given size, and the driver behind it.
pub struct Chromium {
    pub window: Client,
    /// Every page from now on brings axe with it.
    has_axe: AtomicBool,
    _driver: Driver,
}

impl Chromium {
    /// `None` where no driver is at hand: `scripts/test` installs it.
    pub async fn open(width: u32, height: u32) -> Option<Self> {
        Self::open_with(width, height, &[]).await
    }

    /// `more`: arguments of the program.
    pub async fn open_with(width: u32, height: u32, more: &[String]) -> Option<Self> {
        let Some(driver) = std::env::var_os("HUFU_TEST_CHROMEDRIVER") else {
            eprintln!("left out: Chromium (scripts/test installs it)");
            return None;
        };
        let port = free_ports();
        let driver = Command::new(driver)
            .arg(format!("--port={port}"))
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let driver = Driver { port, _running: Running(driver) };
        wait_for(port).await;
        let mut arguments: Vec<String> = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-dev-shm-usage",
            "--lang=zh-CN",
        ]
        .map(str::to_owned)
        .to_vec();
        arguments.push(format!("--window-size={width},{height}"));
        arguments.extend(more.iter().cloned());
        let mut options =
            json!({"prefs": {"intl.accept_languages": "zh-CN,zh"}, "args": arguments});
        // The same engine without a desk around it, where it is at hand: half the work for a page.
        if Path::new(SHELL).exists() {
            options["binary"] = json!(SHELL);
        }
        let mut capabilities = serde_json::Map::new();
        capabilities.insert("goog:chromeOptions".to_owned(), options);
        capabilities.insert("acceptInsecureCerts".to_owned(), json!(true));
        let window = ClientBuilder::new(hyper_util::client::legacy::connect::HttpConnector::new())
            .capabilities(capabilities)
            .connect(&format!("http://127.0.0.1:{port}"))
            .await
            .unwrap();
        Some(Self { window, has_axe: AtomicBool::new(false), _driver: driver })
    }

    /// Clicks what leads to another page, and waits for that page.
    pub async fn click(&self, css: &str) {
        let found = self.window.wait().for_element(Locator::Css(css)).await;
        let found = found.unwrap_or_else(|error| panic!("{css}: {error}"));
        self.window.execute("window.isLeft = true", Vec::new()).await.unwrap();
        found.click().await.unwrap();
        let arrived = "return document.readyState === 'complete' && !window.isLeft";
        for _ in 0..200 {
            // While one page gives way to the next the driver may refuse; that is not an answer.
            if self.window.execute(arrived, Vec::new()).await.is_ok_and(|done| done == json!(true))
            {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{css} led nowhere");
    }

    /// Clicks what stays on the page.
    pub async fn click_here(&self, css: &str) {
        let found = self.window.wait().for_element(Locator::Css(css)).await;
        found.unwrap_or_else(|error| panic!("{css}: {error}")).click().await.unwrap();
    }

    pub async fn type_into(&self, css: &str, text: &str) {
        let found = self.window.wait().for_element(Locator::Css(css)).await;
        found.unwrap_or_else(|error| panic!("{css}: {error}")).send_keys(text).await.unwrap();
    }

    pub async fn text(&self, css: &str) -> String {
        let found = self.window.wait().for_element(Locator::Css(css)).await;
        found.unwrap_or_else(|error| panic!("{css}: {error}")).text().await.unwrap()
    }

    /// The number that stands beside a code once a phone has scanned it.
    pub async fn number(&self) -> String {
        self.text(".scan[data-state=scanned] .number:not([hidden]) strong").await
    }

    /// A command of the `DevTools` protocol.
    pub async fn devtools(&self, cmd: &str, params: serde_json::Value) {
        let command = Devtools(json!({"cmd": cmd, "params": params}).to_string());
        self.window.issue_cmd(command).await.unwrap();
    }

    /// One that not every version knows.
    pub async fn try_devtools(&self, cmd: &str, params: serde_json::Value) {
        let command = Devtools(json!({"cmd": cmd, "params": params}).to_string());
        if let Err(error) = self.window.issue_cmd(command).await {
            eprintln!("{cmd}: {error}");
        }
    }

    /// Looks at the page as it is in each of [`MANNERS`]: nothing scrolls sideways, and axe finds
    /// nothing (WCAG 2.2 AA and its best practices) on a telephone in the light and on a desk in
    /// the dark.
    pub async fn inspect(&self, name: &str) {
        for (manner, width, height, scale, scheme, by_axe) in MANNERS {
            let metrics = json!({"width": width, "height": height, "deviceScaleFactor": scale, "mobile": false});
            self.devtools("Emulation.setDeviceMetricsOverride", metrics).await;
            let media = json!({"features": [
                {"name": "prefers-color-scheme", "value": scheme},
                // A colour on its way from one scheme to the other is neither.
                {"name": "prefers-reduced-motion", "value": "reduce"},
            ]});
            self.devtools("Emulation.setEmulatedMedia", media).await;
            let fits = "return document.documentElement.scrollWidth <= document.documentElement.clientWidth";
            let fits = self.window.execute(fits, Vec::new()).await.unwrap();
            self.picture(&format!("{name}-{manner}")).await;
            assert_eq!(fits, json!(true), "{name} scrolls sideways, {manner}");
            if !by_axe {
                continue;
            }
            self.bring_axe().await;
            let found = self.window.execute_async(RUN_AXE, Vec::new()).await.unwrap();
            assert_eq!(found, json!([]), "{name}, {manner}");
        }
        self.devtools("Emulation.clearDeviceMetricsOverride", json!({})).await;
        self.devtools("Emulation.setEmulatedMedia", json!({"features": []})).await;
    }

    /// Half a megabyte, which is sent once for the page that is open and once for all that follow.
    async fn bring_axe(&self) {
        let axe = include_str!("../../data/axe.min.js");
        let is_there = "window.axe || window.loadAxe?.(); return !!window.axe";
        if self.window.execute(is_there, Vec::new()).await.unwrap() == json!(true) {
            return;
        }
        self.window.execute(axe, Vec::new()).await.unwrap();
        if !self.has_axe.swap(true, Ordering::Relaxed) {
            // Read by whoever calls it.
            let source = format!("window.loadAxe = function () {{ {axe}\n}};");
            let cmd = "Page.addScriptToEvaluateOnNewDocument";
            self.devtools(cmd, json!({"source": source})).await;
        }
    }

    /// Into the folder that `HUFU_SCREENSHOTS` names, for people to look at.
    pub async fn picture(&self, name: &str) {
        let Some(folder) = std::env::var_os("HUFU_SCREENSHOTS") else { return };
        let png = self.window.screenshot().await.unwrap();
        std::fs::write(Path::new(&folder).join(format!("{name}.png")), png).unwrap();
    }
}

/// (name, CSS pixels wide and high, device scale, colour scheme, whether axe looks); the fourth is
/// 1440 at 200 % zoom.
const MANNERS: [(&str, u32, u32, u32, &str, bool); 5] = [
    ("360", 360, 780, 2, "light", true),
    ("768", 768, 1024, 1, "light", false),
    ("1440", 1440, 900, 1, "light", false),
    ("zoom", 720, 450, 2, "light", false),
    ("dark", 1440, 900, 1, "dark", true),
];

const RUN_AXE: &str = "const done = arguments[0]; axe.run(document, {resultTypes: ['violations']}).then(result => \
    done(result.violations.map(one => one.id + ': ' + one.nodes.map(node => node.html).join(' '))))";

/// A command of the Chrome `DevTools` protocol, through the driver.
#[derive(Debug)]
struct Devtools(String);

impl fantoccini::wd::WebDriverCompatibleCommand for Devtools {
    fn endpoint(
        &self,
        base_url: &url::Url,
        session_id: Option<&str>,
    ) -> Result<url::Url, url::ParseError> {
        base_url.join(&format!("session/{}/goog/cdp/execute", session_id.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &url::Url) -> (axum::http::Method, Option<String>) {
        (axum::http::Method::POST, Some(self.0.clone()))
    }
}
