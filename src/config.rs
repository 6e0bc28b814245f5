//! Settings of the process: file, then environment (`HUFU_…__…`, `_FILE` twins for secrets), then
//! flags. Read once; the only place that looks at the environment.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use crate::base::network::Network;
use crate::base::suite::Suite;
use crate::ephemeral::Budget;
use crate::store::connect::DatabaseUrl;
use crate::web::client_ip::{ForwardedHeader, Proxies};
use crate::web::connection::{self, Gate};
use crate::web::crowd::Most;
use crate::web::layers;

/// The settings file, `hufu.toml`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    pub listen: Option<SocketAddr>,
    /// Health, for machines of the bureau alone.
    pub operations_listen: Option<SocketAddr>,
    /// The officers' console; absent: it is not served.
    pub console_listen: Option<SocketAddr>,
    pub data: Option<PathBuf>,
    pub realms: Option<PathBuf>,
    /// `postgres://…`; absent: SQLite in the data directory.
    pub database_url: Option<String>,
    /// `redis://…`, for several nodes; absent: memory.
    pub redis_url: Option<String>,
    /// 32 bytes in hexadecimal; absent: made in the data directory at first start.
    pub master_key: Option<String>,
    /// A program that wraps and unwraps in place of a master key here, for a cipher machine
    /// (`docs/keys-at-rest.md`).
    pub key_program: Option<PathBuf>,
    /// How values are sealed at rest: `international` (AES-256-GCM, HMAC-SHA-256), or `national`
    /// (SM4-GCM, HMAC-SM3). Another word than before: everything is sealed anew while it serves.
    pub at_rest: Suite,
    /// Addresses and networks, `10.1.0.0/16`, that alone are believed about whose request it is.
    pub trusted_proxies: Vec<Network>,
    /// Where they write it: `x-forwarded-for` or `forwarded` (RFC 7239). The other is never looked at.
    pub forwarded_header: ForwardedHeader,
    /// Certificate chain and key as PEM files; absent: behind a proxy that ends TLS.
    pub tls_certificate: Option<PathBuf>,
    pub tls_key: Option<PathBuf>,
    /// Authorities, as a PEM file, that are believed beside the system's by whom we call: gateways,
    /// mail servers, applications that are told.
    pub outbound_ca: Option<PathBuf>,
    /// How long a client waits for its answer, in milliseconds; absent: 20 seconds. Scripts that ask for tokens
    /// six seconds at most (`layers::time_out_of_scripts`).
    pub request_time_out: Option<u64>,
    /// How long a node that was told to stop says so and still serves, in milliseconds; absent: 5 seconds.
    pub stop_delay: Option<u64>,
    /// How many connections may be open at once; absent: 4096. From one address, or one network of
    /// IPv6; absent: a quarter. Listed proxies are counted in all alone.
    pub connections: Option<usize>,
    pub connections_per_address: Option<usize>,
    /// MiB for what expires by itself; absent: 128.
    pub short_lived_mebibytes: Option<usize>,
    /// `json` or `text`.
    pub log: Option<String>,
}

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct SettingsError(String);

impl Settings {
    /// `file` when it exists, and what the environment says over it.
    pub fn read(
        file: Option<&Path>,
        environment: BTreeMap<String, String>,
    ) -> Result<Self, SettingsError> {
        let mut table: toml::Table = match file {
            None => toml::Table::new(),
            Some(file) => {
                let wrong = |error: String| SettingsError(format!("{}: {error}", file.display()));
                let text =
                    std::fs::read_to_string(file).map_err(|error| wrong(error.to_string()))?;
                text.parse().map_err(|error: toml::de::Error| wrong(placed(&text, &error)))?
            }
        };
        // Whoever leaves the quotes away would read the value in the complaint.
        for secret in ["master_key", "database_url", "redis_url"] {
            if table.get(secret).is_some_and(|value| !value.is_str()) {
                return Err(SettingsError(format!("{secret}: a text in quotes is needed")));
            }
        }
        for (name, value) in environment {
            let key = name.trim_start_matches("HUFU__").to_ascii_lowercase();
            let (key, value) = match key.strip_suffix("_file") {
                Some(key) => {
                    let text = std::fs::read_to_string(&value)
                        .map_err(|error| SettingsError(format!("{name}={value}: {error}")))?;
                    (key.to_owned(), text.trim_end().to_owned())
                }
                None => (key, value),
            };
            let value = match key.as_str() {
                "trusted_proxies" => {
                    let list = value.split(',').map(|ip| toml::Value::String(ip.trim().to_owned()));
                    toml::Value::Array(list.collect())
                }
                "request_time_out"
                | "stop_delay"
                | "connections"
                | "connections_per_address"
                | "short_lived_mebibytes" => match value.parse() {
                    Ok(number) => toml::Value::Integer(number),
                    Err(_) => toml::Value::String(value),
                },
                _ => toml::Value::String(value),
            };
            table.insert(key, value);
        }
        table.try_into().map_err(|error: toml::de::Error| SettingsError(error.to_string()))
    }

    pub fn data(&self) -> PathBuf {
        self.data.clone().unwrap_or_else(|| PathBuf::from("hufu-data"))
    }

    pub fn time_out(&self) -> Duration {
        self.request_time_out.map_or(layers::TIME_OUT, Duration::from_millis)
    }

    /// Of the listener of the realms.
    pub fn gate(&self) -> Gate {
        let in_all = self.connections.unwrap_or(connection::MOST.in_all);
        let of_place = self.connections_per_address.unwrap_or(in_all / 4);
        let most = connection::within_open_files(Most { in_all, of_place: of_place.max(1) });
        Gate::new(most, self.proxies())
    }

    pub fn proxies(&self) -> Proxies {
        Proxies { trusted: self.trusted_proxies.clone(), header: self.forwarded_header }
    }

    /// For what expires by itself.
    pub fn budget(&self) -> Budget {
        self.short_lived_mebibytes.map_or(Budget::DEFAULT, |n| Budget(n.saturating_mul(1 << 20)))
    }

    pub fn database(&self) -> DatabaseUrl {
        match &self.database_url {
            Some(url) => DatabaseUrl::Postgres(url.clone()),
            None => DatabaseUrl::Sqlite(self.data().join("hufu.db")),
        }
    }
}

/// Where and why, without the line itself: a master key or a password may stand in it.
fn placed(text: &str, error: &toml::de::Error) -> String {
    let Some(span) = error.span() else { return error.message().to_owned() };
    let before = text.get(..span.start).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    format!("line {line}, column {column}: {}", error.message())
}

/// What the environment says of our settings. Other variables are not ours to read: they need not be text.
pub fn environment() -> Result<BTreeMap<String, String>, SettingsError> {
    let mut ours = BTreeMap::new();
    for (name, value) in std::env::vars_os() {
        let shown = name.to_string_lossy();
        if !shown.starts_with("HUFU__") {
            continue;
        }
        let (Some(name), Some(value)) = (name.to_str(), value.to_str()) else {
            return Err(SettingsError(format!("{shown} in the environment is no UTF-8")));
        };
        ours.insert(name.to_owned(), value.to_owned());
    }
    Ok(ours)
}

/// One variable, for `{ env = … }` in realm files, where it is text.
pub fn variable(name: &str) -> Option<String> {
    std::env::var_os(name)?.into_string().ok()
}
