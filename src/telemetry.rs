//! Counters for Prometheus, and logs: text for people, JSON for machines; the level by `RUST_LOG`.

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;

/// `json`: one object a line. Called once; a second call changes nothing.
pub fn start(json: bool, default_level: &str) {
    let filter =
        EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default_level));
    // A log that cannot be written, on a full disk, is lost; told of on the same stream, it would end
    // whoever wrote it.
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .log_internal_errors(false);
    let _ = if json { builder.json().try_init() } else { builder.try_init() };
}

/// Where counters are read; `None` when this process counts elsewhere already.
pub fn counters() -> Option<PrometheusHandle> {
    PrometheusBuilder::new().install_recorder().ok()
}
