//! The configuration file. An administrator installs it: it says which pages may ask, so it is no
//! file of the person whose token it is about. A key that nobody knows is an error.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::protocol::PORTS;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The pages that may ask, as browsers write an origin.
    pub origins: Vec<String>,
    /// Another list than the pages' is for tests alone.
    #[serde(default = "ports")]
    pub ports: Vec<u16>,
    #[serde(default)]
    pub pin: PinConfig,
    #[serde(default)]
    pub pkcs11: Libraries,
    #[serde(default)]
    pub skf: Libraries,
    /// Keys in files, for tests and demonstrations.
    #[serde(default)]
    pub soft: Vec<SoftKey>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PinConfig {
    pub mode: PinMode,
    /// Where `pinentry` is; otherwise it is looked for in `PATH`.
    pub program: Option<PathBuf>,
    pub language: Language,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PinMode {
    /// A window of this computer asks, the page never sees the PIN.
    #[default]
    Native,
    /// The page asks, as in the guide.
    Page,
}

impl PinMode {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Page => "page",
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum Language {
    #[default]
    #[serde(rename = "zh-CN")]
    Chinese,
    #[serde(rename = "en")]
    English,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Libraries {
    pub libraries: Vec<PathBuf>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SoftKey {
    /// PEM, the leaf first, its issuers after it.
    pub certificate: PathBuf,
    /// PKCS#12, or PEM `ENCRYPTED PRIVATE KEY`; the PIN opens it.
    pub key: PathBuf,
}

fn ports() -> Vec<u16> {
    PORTS.to_vec()
}

#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("{path}: {why}")]
    Unreadable { path: String, why: std::io::Error },
    #[error("{path}: {why}")]
    Invalid { path: String, why: String },
}

impl Config {
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let shown = path.display().to_string();
        let unreadable = |why| ConfigError::Unreadable { path: shown.clone(), why };
        let text = std::fs::read_to_string(path).map_err(unreadable)?;
        belongs_to_its_owner(path).map_err(unreadable)?;
        Self::parse(&text).map_err(|why| ConfigError::Invalid { path: shown, why })
    }

    pub fn parse(text: &str) -> Result<Self, String> {
        let config: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        if config.origins.is_empty() {
            return Err("origins: name at least one page that may ask".to_owned());
        }
        for origin in &config.origins {
            check_origin(origin).map_err(|why| format!("origins: \"{origin}\" {why}"))?;
        }
        if config.ports.is_empty() {
            return Err("ports: name at least one".to_owned());
        }
        if cfg!(not(unix)) && !config.soft.is_empty() {
            return Err("soft: keys in files are for demonstrations on Linux".to_owned());
        }
        Ok(config)
    }
}

/// Exactly what a browser sends: scheme and host in small letters, a port that is not the scheme's
/// own, nothing behind it.
fn check_origin(origin: &str) -> Result<(), &'static str> {
    if origin == "*" || origin == "null" {
        return Err("would let every page ask");
    }
    let (host, own_port) = match origin.split_once("://") {
        Some(("https", rest)) => (rest, ":443"),
        Some(("http", rest)) if is_this_computer(rest) => (rest, ":80"),
        Some(("http", _)) => return Err("must be https: only pages of this computer may be http"),
        _ => return Err("is not an origin such as https://etax.example.gov.cn"),
    };
    if host.ends_with(own_port) {
        return Err("names the port that browsers leave out");
    }
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-:[]".contains(c);
    if host.is_empty() || !host.chars().all(is_plain) {
        return Err("must be a host in small letters with at most a port: no path, no star");
    }
    Ok(())
}

fn is_this_computer(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.chars().all(|c| c.is_ascii_digit()) => name,
        _ => host,
    };
    ["127.0.0.1", "[::1]", "localhost"].contains(&name) || name.ends_with(".localhost")
}

/// Whoever else can write the file decides who may ask.
#[cfg(unix)]
fn belongs_to_its_owner(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    if std::fs::metadata(path)?.permissions().mode() & 0o022 != 0 {
        let why = "others than its owner may write it: chmod go-w";
        return Err(std::io::Error::other(why));
    }
    Ok(())
}

/// Beside the program it is the administrators' by the folder's own access list.
#[cfg(not(unix))]
fn belongs_to_its_owner(_path: &Path) -> std::io::Result<()> {
    Ok(())
}

/// Where the package puts it. On Windows beside the program, which administrators alone may write:
/// in `%ProgramData%` everybody may make a folder that is not there yet.
pub fn default_path() -> PathBuf {
    match std::env::current_exe() {
        Ok(program) if cfg!(windows) => program.with_file_name("key-agent.toml"),
        _ => PathBuf::from("/etc/key-agent/key-agent.toml"),
    }
}

impl PinConfig {
    /// The window's program. Whether a text-only one can ask anything, it says itself.
    pub fn find_program(&self) -> Option<PathBuf> {
        if let Some(program) = &self.program {
            return program.is_file().then(|| program.clone());
        }
        let name = if cfg!(windows) { "pinentry.exe" } else { "pinentry" };
        let path = std::env::var_os("PATH")?;
        std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
    }
}
