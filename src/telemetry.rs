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
    let handle = PrometheusBuilder::new().install_recorder().ok()?;
    for (name, help) in COUNTERS {
        metrics::describe_counter!(name, help);
    }
    for (name, help) in GAUGES {
        metrics::describe_gauge!(name, help);
    }
    Some(handle)
}

const COUNTERS: [(&str, &str); 8] = [
    ("hufu_requests_total", "Answered requests by class of status."),
    (
        "hufu_sign_ins_total",
        "Attempts to sign in by way and outcome: ok, or the code of a refusal.",
    ),
    ("hufu_text_messages_total", "Text messages by gateway and outcome."),
    (
        "hufu_deliveries_total",
        "Tries to deliver to applications and people, by receiver and outcome.",
    ),
    ("hufu_password_queue_full_total", "Sign-ins sent away because every password lane was taken."),
    (
        "hufu_refused_for_room_total",
        "What was turned away because a limit was met, of all or of one place.",
    ),
    ("hufu_rows_swept_total", "Rows that had served their time and were removed."),
    (
        "hufu_realm_reloads_total",
        "Versions of realm files that were applied, refused, or taken away.",
    ),
];

const GAUGES: [(&str, &str); 8] = [
    ("hufu_realm_version", "1 for the version of a realm's files that this node serves."),
    ("hufu_inside", "Late bodies, requests at work and streams of events at this moment."),
    ("hufu_short_lived_bytes", "Memory of what expires by itself, by share."),
    ("hufu_deliveries_waiting", "Deliveries that have not arrived and are still tried."),
    ("hufu_deliveries_oldest_seconds", "Age of the oldest delivery that is still tried."),
    ("hufu_key_age_seconds", "Age of the key that signs, by algorithm."),
    ("hufu_database_connections", "Open connections to the database, by pool."),
    ("hufu_database_connections_idle", "Of these, the ones that nobody uses."),
];
