//! Hostile requests of every kind that needs no credentials, from many addresses, against the real server
//! within 512 MiB: honest people sign in meanwhile, and its memory stays what it was.
//!
//! `HUFU_HOSTILE_MEBIBYTES`: how much is sent on each database; `HUFU_HOSTILE_KIND`: only what has this in its
//! name, to see what a kind costs; `HUFU_CUTTER_DATABASE` and `HUFU_CUTTER_BINARY` as for the cutter.

mod attacks;
mod line;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::cutter::honest::{Client, Visitor};
use crate::cutter::ledger::Ledger;
use crate::cutter::server::Server;
use crate::cutter::{Trouble, variable};
use crate::kit::{On, on_each_database};
use attacks::ATTACKS;

const MEMORY: usize = 512 << 20;
const HONEST: usize = 4;
/// At the same time, each with a kind of its own.
const ATTACKERS: usize = 24;
/// However much is left to be sent.
const LONGEST: Duration = Duration::from_mins(20);

/// What has been done so far.
pub struct Tally {
    wanted: usize,
    sent: AtomicUsize,
    is_over: AtomicBool,
}

impl Tally {
    pub fn sent(&self, bytes: usize) {
        let all = self.sent.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if all >= self.wanted {
            self.is_over.store(true, Ordering::Relaxed);
        }
    }

    pub fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }
}

/// Issue 13, shows: it answers honest sign-ins meanwhile, and its memory is flat.
#[test]
fn hostile_requests_cost_neither_memory_nor_honest_sign_ins() {
    on_each_database(hostile);
}

async fn hostile(on: On) {
    if variable("HUFU_CUTTER_DATABASE").is_some_and(|name| name != format!("{on:?}")) {
        return;
    }
    let wanted = variable("HUFU_HOSTILE_MEBIBYTES").map_or(24, |text| text.parse().unwrap());
    let server = Arc::new(Server::start_within(on, MEMORY).await);
    let wanted = wanted << 20;
    let tally =
        Arc::new(Tally { wanted, sent: AtomicUsize::new(0), is_over: AtomicBool::new(false) });
    let before = server.resident().unwrap();
    let began = Instant::now();
    let mut honest = JoinSet::new();
    for n in 0..HONEST {
        honest.spawn(sign_in_again_and_again(Arc::clone(&server), n, Arc::clone(&tally)));
    }
    let mut attackers = JoinSet::new();
    for n in 0..ATTACKERS {
        let (server, tally) = (Arc::clone(&server), Arc::clone(&tally));
        attackers.spawn(async move { attack(n, server.port, &tally).await });
    }
    let samples = sample(&server, &tally, began).await;
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for (kind, n) in attackers.join_all().await.into_iter().flatten() {
        *kinds.entry(kind).or_default() += n;
    }
    let told = honest.join_all().await;
    let (done, failed) = told.iter().fold((0, 0), |(a, b), one| (a + one.done, b + one.failed));
    let longest = told.iter().map(|one| one.longest).max().unwrap();
    let mib = |bytes: usize| bytes >> 20;
    let most = samples.iter().copied().max().unwrap();
    eprintln!(
        "{on:?}: {} MiB in {:?}; memory {} MiB before, {} at most, samples {:?}; honest sign-ins \
         {done}, sent away {failed}, longest {longest:?}; {kinds:?}",
        mib(tally.sent.load(Ordering::Relaxed)),
        began.elapsed(),
        mib(before),
        mib(most),
        samples.iter().map(|bytes| mib(*bytes)).collect::<Vec<_>>(),
    );
    assert!(most < MEMORY, "{}", mib(most));
    assert!(done >= HONEST, "{done} honest sign-ins, {failed} sent away");
    // A short storm, beside the other tests, may be over before anybody has come twice.
    let is_long = variable("HUFU_HOSTILE_MEBIBYTES").is_some();
    assert!(!is_long || done >= failed, "{done} honest sign-ins, {failed} sent away");
    // The second half takes no more than the first but what noise there is.
    let (first, second) = samples.split_at(samples.len() / 2);
    let most_of = |samples: &[usize]| samples.iter().copied().max().unwrap_or(before);
    assert!(
        most_of(second) < most_of(first) + (96 << 20),
        "{} then {}",
        mib(most_of(first)),
        mib(most_of(second))
    );
    // The storm is over.
    let client = Client::new(server.provider(), Arc::new(Ledger::new(Trouble::None)));
    tokio::time::sleep(Duration::from_millis(1100)).await;
    assert!(Visitor::sign_in(&client, 0).await.is_ok());
}

/// Its memory, until the attackers are done.
async fn sample(server: &Server, tally: &Tally, began: Instant) -> Vec<usize> {
    let mut samples = Vec::new();
    while !tally.is_over() {
        tokio::time::sleep(Duration::from_secs(1)).await;
        samples.push(server.resident().expect("the server has ended"));
        if began.elapsed() > LONGEST {
            tally.is_over.store(true, Ordering::Relaxed);
        }
    }
    // A long story is told in thirty figures: the most of each part of it.
    let part = samples.len().div_ceil(30).max(1);
    samples.chunks(part).map(|part| part.iter().copied().max().unwrap()).collect()
}

/// One kind after the other, each attacker beginning with another.
async fn attack(n: usize, port: u16, tally: &Tally) -> Vec<(&'static str, usize)> {
    let mut done = Vec::new();
    let part = variable("HUFU_HOSTILE_KIND").unwrap_or_default();
    let attacks: Vec<_> = ATTACKS.iter().filter(|(kind, _)| kind.contains(&part)).collect();
    for round in 0.. {
        let (kind, attack) = attacks[(n + round) % attacks.len()];
        let from = line::Attacker { port, n, round };
        for turn in 0..8 {
            if tally.is_over() {
                return done;
            }
            let sent = tokio::time::timeout(Duration::from_secs(15), attack(from.at(turn))).await;
            // Whoever is not answered has still sent something.
            let sent = sent.unwrap_or(1000);
            tally.sent(sent.max(100));
            done.push((*kind, 1));
        }
    }
    done
}

struct Honest {
    done: usize,
    failed: usize,
    longest: Duration,
}

async fn sign_in_again_and_again(server: Arc<Server>, n: usize, tally: Arc<Tally>) -> Honest {
    let client = Client::new(server.provider(), Arc::new(Ledger::new(Trouble::Killed)));
    let mut told = Honest { done: 0, failed: 0, longest: Duration::ZERO };
    loop {
        let began = Instant::now();
        if Visitor::sign_in(&client, n).await.is_ok() {
            told.done += 1;
            told.longest = told.longest.max(began.elapsed());
        } else {
            told.failed += 1;
        }
        if tally.is_over() && told.done > 0 {
            return told;
        }
        // The realm's pause between two messages to one phone.
        tokio::time::sleep(Duration::from_millis(1100)).await;
    }
}
