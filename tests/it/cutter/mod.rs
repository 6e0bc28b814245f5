//! Nothing acknowledged is lost: honest clients of the real server beside clients that cut their
//! connection at any byte and any millisecond. What was answered with success is asked again
//! afterwards, when the server has been killed and started once more.
//!
//! `HUFU_CUTTER_SECONDS`: how long each story cuts on each database; `HUFU_CUTTER_DATABASE`: on
//! `Sqlite` or `Postgres` alone; `HUFU_CUTTER_BINARY`: another build of the server;
//! `HUFU_CUTTER_TIME_OUT`: milliseconds, for a server that is faster.

mod cut;
pub mod honest;
pub mod ledger;
pub mod server;

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::kit::{On, on_each_database};
use honest::{Client, Visitor};
use ledger::{Failed, Ledger};
use server::Server;

const HONEST: usize = 6;
const CUTTERS: usize = 10;

/// What happens to the server meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    None,
    /// SIGKILL, again and again.
    Killed,
    /// Many answers are late.
    TimedOut,
    /// The disk takes nothing more for a while (SQLite alone).
    DiskFull,
    /// A node behind proxies stops and another goes on.
    Rolling,
    /// What all nodes stand on is away for a while.
    Away,
    /// The same, and short-lived values are gone with it.
    Forgotten,
    /// Everything at rest is sealed anew by another root, by processes that are killed.
    Rotated,
}

impl Trouble {
    /// Sign-ins on their way may have to begin again.
    pub fn forgets(self) -> bool {
        matches!(self, Self::Killed | Self::Forgotten)
    }

    pub fn explains(self, failed: Failed) -> bool {
        match self {
            Self::None | Self::Rolling | Self::Rotated => false,
            Self::Killed | Self::TimedOut | Self::DiskFull => true,
            Self::Away | Self::Forgotten => failed.status == 503 && failed.says_when,
        }
    }
}

#[test]
fn who_hangs_up_harms_nobody() {
    on_each_database(|on| cutting(on, Trouble::None));
}

#[test]
fn a_server_killed_in_the_middle_loses_nothing() {
    on_each_database(|on| cutting(on, Trouble::Killed));
}

#[test]
fn an_answer_that_comes_too_late_undoes_nothing() {
    on_each_database(|on| cutting(on, Trouble::TimedOut));
}

#[test]
fn a_full_disk_takes_back_nothing() {
    on_each_database(|on| async move {
        if matches!(on, On::Sqlite) {
            cutting(on, Trouble::DiskFull).await;
        }
    });
}

/// Issue 15: keys at rest follow one another under load, and nobody notices; whoever seals anew is killed
/// again and again.
#[test]
fn keys_at_rest_are_exchanged_under_load() {
    on_each_database(|on| cutting(on, Trouble::Rotated));
}

fn length() -> Duration {
    let seconds = variable("HUFU_CUTTER_SECONDS");
    Duration::from_secs_f64(seconds.map_or(2.0, |text| text.parse().unwrap()))
}

pub fn variable(name: &str) -> Option<String> {
    std::env::var_os(name)?.into_string().ok()
}

async fn cutting(on: On, trouble: Trouble) {
    if variable("HUFU_CUTTER_DATABASE").is_some_and(|name| name != format!("{on:?}")) {
        return;
    }
    let server = Arc::new(Server::start(on).await);
    let ledger = Arc::new(Ledger::new(trouble));
    let mut visitors = Vec::new();
    for n in 0..HONEST {
        let client = Client::new(server.provider(), Arc::clone(&ledger));
        let visitor = Visitor::sign_in(&client, n).await;
        visitors.push(visitor.expect("the first sign-in, before anybody cuts"));
    }
    let spoiler = Client::new(server.provider(), Arc::new(Ledger::new(trouble)));
    let spoiler = Visitor::sign_in(&spoiler, HONEST).await.expect("the cutters' own person");
    if trouble == Trouble::TimedOut {
        let milliseconds = variable("HUFU_CUTTER_TIME_OUT").map(|text| text.parse().unwrap());
        server.restart_with(Some(Duration::from_millis(milliseconds.unwrap_or(100)))).await;
    }
    // An announced root waits until every node knows it.
    let longer = if trouble == Trouble::Rotated { Duration::from_secs(14) } else { Duration::ZERO };
    // All that is acknowledged is asked again at the end: where nobody asks for a length, no more than tells.
    let is_long = longer.is_zero() || variable("HUFU_CUTTER_SECONDS").is_some();
    let pause = Duration::from_millis(if is_long { 0 } else { 100 });
    let until = Instant::now() + length() + longer;
    let mut tasks = JoinSet::new();
    for visitor in visitors {
        tasks.spawn(visitor.live(pause, move || Instant::now() < until));
    }
    for _ in 0..CUTTERS {
        tasks.spawn(cut::cut(Arc::clone(&server), spoiler.cookies(), until));
    }
    tasks.spawn(make_trouble(Arc::clone(&server), trouble, until));
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    if trouble != Trouble::DiskFull {
        server.restart_with(None).await;
    }
    let client = Client::new(server.provider(), Arc::clone(&ledger));
    ledger.ask_again(&client).await;
    let told = ledger.to_string();
    eprintln!("{on:?}, {trouble:?}, {:?}: {told}", length());
    // Whatever there was, it is over.
    let again = Client::new(server.provider(), Arc::new(Ledger::new(Trouble::None)));
    assert!(Visitor::sign_in(&again, 0).await.is_ok());
    assert!(ledger.holds(), "{on:?}, {trouble:?}: {told}");
}

async fn make_trouble(server: Arc<Server>, trouble: Trouble, until: Instant) {
    if trouble == Trouble::Rotated {
        return rotate(&server, until).await;
    }
    while Instant::now() < until {
        tokio::time::sleep(length() / 4).await;
        match trouble {
            Trouble::Killed => server.restart_with(None).await,
            Trouble::DiskFull => {
                server.fill_disk(true);
                tokio::time::sleep(length() / 8).await;
                server.fill_disk(false);
            }
            _ => {}
        }
    }
}

async fn rotate(server: &Server, until: Instant) {
    let reason = ["--reason", "a test", "--by", "somebody"];
    let act = [&["secrets", "rotate", "--after", "10"][..], &reason].concat();
    let announced = server.command(&act).output().unwrap();
    assert!(announced.status.success(), "{}", String::from_utf8_lossy(&announced.stderr));
    tokio::time::sleep(Duration::from_secs(11)).await;
    let mut n = 0;
    while Instant::now() < until {
        let mut child = server.command(&["secrets", "reseal"]).spawn().unwrap();
        n += 1;
        tokio::time::sleep(Duration::from_millis(40 * n)).await;
        // SIGKILL, wherever it is.
        let _ = child.kill();
        child.wait().unwrap();
    }
    let whole = server.command(&["secrets", "reseal"]).output().unwrap();
    assert!(whole.status.success(), "{}", String::from_utf8_lossy(&whole.stderr));
    let status = server.command(&["secrets", "status"]).output().unwrap();
    let told = String::from_utf8(status.stdout).unwrap();
    assert!(told.lines().nth(1).is_some_and(|line| line.contains("current")), "{told}");
}
