//! Logs: text for people, JSON for machines; the level by `RUST_LOG`.

use tracing_subscriber::EnvFilter;

/// `json`: one object a line. Called once; a second call changes nothing.
pub fn start(json: bool, default_level: &str) {
    let filter =
        EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default_level));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let _ = if json { builder.json().try_init() } else { builder.try_init() };
}
