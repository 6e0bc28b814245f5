//! Counters for Prometheus, and logs: text for people, JSON for machines; the level by `RUST_LOG`.

use std::io::IsTerminal;
use std::time::Duration;

use metrics_exporter_prometheus::{
    Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder,
};
use metrics_util::MetricKindMask;
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
        // Colours are for people, not for files.
        .with_ansi(std::io::stderr().is_terminal())
        .log_internal_errors(false);
    let _ = if json { builder.json().try_init() } else { builder.try_init() };
}

/// A gauge that nobody has set for so long is forgotten: of a realm that was taken away, of a key or a
/// version that was replaced. The slowest are set twice a minute.
const FORGOTTEN: Duration = Duration::from_secs(90);

/// Where counters are read; `None` when this process counts elsewhere already.
pub fn counters() -> Option<PrometheusHandle> {
    let recorder = recorder(FORGOTTEN)?;
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder).ok()?;
    Some(handle)
}

/// Counts nothing before it is installed. `forgotten`: of gauges.
pub fn recorder(forgotten: Duration) -> Option<PrometheusRecorder> {
    let recorder = PrometheusBuilder::new()
        .idle_timeout(MetricKindMask::GAUGE, Some(forgotten))
        .set_buckets(&SECONDS)
        .ok()?
        .set_buckets_for_metric(Matcher::Full("hufu_delivery_seconds".to_owned()), &PATIENCE)
        .ok()?
        .build_recorder();
    metrics::with_local_recorder(&recorder, || {
        for (name, help) in COUNTERS {
            metrics::describe_counter!(name, help);
        }
        for (name, help) in GAUGES {
            metrics::describe_gauge!(name, help);
        }
        for (name, help) in HISTOGRAMS {
            metrics::describe_histogram!(name, help);
        }
    });
    Some(recorder)
}

/// Samples of histograms lie in a list until somebody adds them up: here, where nobody reads counters.
/// Runs for the life of the process.
pub async fn add_up(handle: PrometheusHandle) {
    let mut ticks = tokio::time::interval(Duration::from_secs(5));
    loop {
        ticks.tick().await;
        handle.run_upkeep();
    }
}

/// What a person or an application waits.
const SECONDS: [f64; 12] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// What a delivery may wait, with all its tries.
const PATIENCE: [f64; 9] = [1.0, 2.5, 5.0, 15.0, 60.0, 300.0, 1800.0, 7200.0, 43_200.0];

const COUNTERS: [(&str, &str); 12] = [
    ("hufu_requests_total", "Answered requests by class of status."),
    (
        "hufu_sign_ins_total",
        "Attempts to sign in by entrance, way and outcome: ok, or the code of a refusal.",
    ),
    ("hufu_second_factors_total", "Answers to second factors by factor and outcome."),
    ("hufu_locks_total", "Locks that have begun, by what was guessed."),
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
    (
        "hufu_revocation_lists_total",
        "Lists of revoked certificates that were fetched, or could not be, by outcome.",
    ),
    ("hufu_rows_left_aside_total", "Rows that a job could not deal with, by job."),
    ("hufu_rows_swept_total", "Rows that had served their time and were removed."),
    (
        "hufu_realm_reloads_total",
        "Versions of realm files that were applied, refused, or taken away.",
    ),
];

const GAUGES: [(&str, &str); 10] = [
    ("hufu_realm_version", "1 for the version of a realm's files that this node serves."),
    (
        "hufu_inside",
        "Late bodies, requests at work, files and streams of events at this moment, by listener.",
    ),
    ("hufu_short_lived_bytes", "Memory of what expires by itself, by share."),
    ("hufu_deliveries_waiting", "Deliveries that have not arrived and are still tried."),
    ("hufu_deliveries_oldest_seconds", "Age of the oldest delivery that is still tried."),
    ("hufu_key_age_seconds", "For how long the key has signed, by algorithm."),
    ("hufu_password_lane_used", "Passwords that are hashed now."),
    ("hufu_password_lane_waiting", "Passwords that wait for a lane."),
    ("hufu_database_connections", "Open connections to the database, by pool."),
    ("hufu_database_connections_idle", "Of these, the ones that nobody uses."),
];

const HISTOGRAMS: [(&str, &str); 3] = [
    ("hufu_request_seconds", "How long answers took, by route and method."),
    ("hufu_password_wait_seconds", "How long passwords waited for a lane."),
    ("hufu_delivery_seconds", "How long after its cause a delivery arrived, by channel."),
];
