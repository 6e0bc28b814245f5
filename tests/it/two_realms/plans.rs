//! Every statement that the walk sends finds its rows by an index: a look-up that reads a whole table
//! is fast with the demo's people and stops the server with a province's.

use std::collections::BTreeSet;
use std::fmt::{self, Write};
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::{Dispatch, Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

use crate::kit::TestApp;

/// The distinct statements that were sent.
#[derive(Clone, Default)]
pub struct Statements(Arc<Mutex<BTreeSet<String>>>);

/// Listening, until it is dropped.
pub struct Listening {
    pub ours: Dispatch,
    /// While there is one dispatcher alone, whoever meets an event first decides for all whether it
    /// is listened to, and most tests have nobody who listens.
    _second: Dispatch,
}

/// Tables that hold a few rows a realm, or that a job reads whole on purpose.
const SMALL: [&str; 4] = ["signing_key", "realm_version", "event_stream", "audit_head"];

impl Statements {
    pub fn listen(&self) -> Listening {
        let second = Dispatch::new(tracing_subscriber::registry());
        let ours = Dispatch::new(tracing_subscriber::registry().with(self.clone()));
        Listening { ours, _second: second }
    }

    /// Those that read a table from its first row to its last, on SQLite, whose planner takes an
    /// index wherever one helps.
    pub async fn scans(&self, app: &TestApp) -> Vec<String> {
        let statements = self.0.lock().unwrap().clone();
        assert!(statements.len() > 100, "only {} statements", statements.len());
        let mut scans = Vec::new();
        for sql in statements {
            for step in app.plan(&sql).await {
                let table = step.strip_prefix("SCAN ").and_then(|rest| rest.split(' ').next());
                let is_large = |table: &str| !table.starts_with('(') && !SMALL.contains(&table);
                // The rows of an insert are no table.
                if table.is_some_and(is_large) && !step.ends_with("VALUES CLAUSE") {
                    scans.push(format!("{step}: {sql}"));
                }
            }
        }
        scans
    }
}

struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            write!(self.0, "{value:?}").unwrap();
        }
    }
}

impl<S: Subscriber> Layer<S> for Statements {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() == "hufu::sql" {
            let mut text = Text(String::new());
            event.record(&mut text);
            self.0.lock().unwrap().insert(text.0);
        }
    }
}
