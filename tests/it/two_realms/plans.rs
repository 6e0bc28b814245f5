//! Every statement that the walk sends finds its rows by an index: a look-up that reads a whole table
//! is fast with the demo's people and stops the server with a province's.

use std::collections::BTreeSet;
use std::fmt::{self, Write};
use std::sync::{Arc, Mutex};

use hufu::store::deliveries::{Channel, Receiver};
use tracing::field::{Field, Visit};
use tracing::instrument::WithSubscriber;
use tracing::{Dispatch, Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

use crate::kit::{On, TestApp, on_each_database};

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

/// A lane looks each second for what is due: of each turn it reads a range that ends now, in the order in which it
/// goes, whatever waits for later.
#[test]
fn what_is_due_is_read_as_a_range_of_each_turn() {
    on_each_database(|on| async move {
        if !matches!(on, On::Sqlite) {
            return;
        }
        let (app, statements) = (TestApp::start(on).await, Statements::default());
        let listening = statements.listen();
        let texts = Receiver { client_id: String::new(), channel: Channel::Sms };
        let look = async { app.ctx.rows().deliveries().due(&texts, app.ctx.now(), 64).await };
        look.with_subscriber(listening.ours.clone()).await.unwrap();
        let sent = statements.0.lock().unwrap().clone();
        let asked = sent.iter().find(|sql| sql.contains("\"delivery\"")).expect("a statement");
        let plan = app.plan(asked).await;
        let range = "channel=? AND turn=? AND next_try_at<?)";
        assert!(plan.len() == 1 && plan[0].ends_with(range), "{plan:?}: {asked}");
    });
}
