//! All of it together: nodes, what they stand on, both proxies, and honest people who go through
//! the one or the other.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::task::JoinSet;

use super::fronts::Front;
use super::node::Node;
use super::seed::{folder, seed};
use super::servers::{Postgres, Redis};
use crate::cutter::Trouble;
use crate::cutter::honest::{Client, Messages, Provider, Visitor};
use crate::cutter::ledger::Ledger;
use crate::cutter::server::open_up;
use crate::kit::FILING;
use crate::operations::{SECRET, gateway, served_realm};

/// People who go on meanwhile, half of them through each proxy.
const HONEST: usize = 4;
/// What they were told is all asked again at the end: no more of it than tells something.
const PAUSE: Duration = Duration::from_millis(100);

pub struct Stack {
    pub nodes: Vec<Node>,
    pub haproxy: Front,
    pub nginx: Front,
    pub postgres: Postgres,
    pub redis: Redis,
    messages: Arc<Mutex<Vec<String>>>,
    pub folder: tempfile::TempDir,
}

/// Realm files, PostgreSQL and Redis in a folder, and no node yet.
pub struct Ground {
    pub postgres: Postgres,
    pub redis: Redis,
    pub messages: Arc<Mutex<Vec<String>>>,
    pub folder: tempfile::TempDir,
}

impl Ground {
    /// With people, or as it was before the first start.
    pub async fn lay(has_people: bool) -> Self {
        let folder = folder();
        let at = folder.path();
        let (url, messages) = gateway().await;
        open_up(&served_realm(at, &url));
        let data = at.join("pg");
        match has_people {
            true => assert_eq!(seed().plant(at), data),
            false => Postgres::make(&data),
        }
        std::fs::create_dir(at.join("redis")).unwrap();
        let (postgres, redis) = tokio::join!(Postgres::start(data), Redis::start(at.join("redis")));
        Self { postgres, redis, messages, folder }
    }

    /// Settings of a node but for its master key and where it listens.
    pub fn settings(&self) -> String {
        format!(
            "data = 'data'\nrealms = '{}'\ndatabase_url = '{}'\nredis_url = '{}'\n\
             trusted_proxies = ['127.0.0.1']\nlog = 'text'\n",
            self.folder.path().join("realms").display(),
            self.postgres.url(),
            self.redis.url(),
        )
    }

    pub fn node(&self, name: &str, more: &str) -> Node {
        let key = format!("master_key = '{}'\n", seed().master_key.trim());
        Node::new(self.folder.path().join(name), &(self.settings() + &key + more))
    }
}

impl Stack {
    pub async fn start() -> Self {
        Self::start_with("").await
    }

    /// `more`: settings of every node.
    pub async fn start_with(more: &str) -> Self {
        let ground = Ground::lay(true).await;
        let nodes = vec![ground.node("one", more), ground.node("two", more)];
        tokio::join!(nodes[0].start(), nodes[1].start());
        let at: &Path = ground.folder.path();
        let haproxy = Front::haproxy(at, &nodes).await;
        let nginx = Front::nginx(at, &nodes).await;
        let Ground { postgres, redis, messages, folder } = ground;
        Self { nodes, haproxy, nginx, postgres, redis, messages, folder }
    }

    /// Through whom people come, one after the other.
    pub fn provider(&self, n: usize) -> Arc<Provider> {
        let front = if n.is_multiple_of(2) { &self.haproxy } else { &self.nginx };
        self.provider_at(front.base())
    }

    pub fn provider_at(&self, base: String) -> Arc<Provider> {
        Arc::new(Provider {
            base,
            redirect_uri: FILING.redirect_uri.to_owned(),
            client_secret: SECRET.to_owned(),
            messages: Messages::Gateway(Arc::clone(&self.messages)),
        })
    }

    /// Somebody new signs in through each proxy.
    pub async fn check_sign_in(&self) {
        for n in 0..2 {
            let ledger = Arc::new(Ledger::new(Trouble::None));
            let client = Client::new(self.provider(n), Arc::clone(&ledger));
            // The pause between two text messages to one phone.
            tokio::time::sleep(Duration::from_millis(1100)).await;
            let done = Visitor::sign_in(&client, HONEST + n).await;
            assert!(done.is_ok() && ledger.holds(), "{ledger}\n{}", self.logs());
        }
    }

    pub async fn traffic(&self, trouble: Trouble) -> Traffic {
        let ledger = Arc::new(Ledger::new(trouble));
        let is_wanted = Arc::new(AtomicBool::new(true));
        let mut people = JoinSet::new();
        for n in 0..HONEST {
            let client = Client::new(self.provider(n), Arc::clone(&ledger));
            let visitor = Visitor::sign_in(&client, n).await;
            let visitor = visitor.unwrap_or_else(|_| panic!("{ledger}\n{}", self.logs()));
            let is_wanted = Arc::clone(&is_wanted);
            people.spawn(visitor.live(PAUSE, move || is_wanted.load(Ordering::Relaxed)));
        }
        Traffic { ledger, is_wanted, people }
    }

    /// Lets people come to their end, and asks what they were told once more.
    pub async fn settle(&self, mut traffic: Traffic) {
        traffic.is_wanted.store(false, Ordering::Relaxed);
        while let Some(done) = traffic.people.join_next().await {
            done.unwrap();
        }
        let ledger = traffic.ledger;
        let client = Client::new(self.provider(0), Arc::clone(&ledger));
        ledger.ask_again(&client).await;
        eprintln!("{:?}: {ledger}", ledger.trouble());
        assert!(ledger.holds(), "{:?}: {ledger}\n{}", ledger.trouble(), self.logs());
        assert!(ledger.n_acknowledged() > 40, "nobody did much: {ledger}");
        self.check_sign_in().await;
        for node in &self.nodes {
            let log = node.log();
            let wrong =
                log.lines().find(|line| line.contains("ERROR") || line.contains("panicked"));
            assert!(wrong.is_none(), "{}", wrong.unwrap_or_default());
        }
    }

    pub fn logs(&self) -> String {
        let logs = self.nodes.iter().map(Node::log);
        logs.map(|log| log.lines().rev().take(15).collect::<Vec<_>>().join("\n")).collect()
    }
}

/// Honest people at work.
pub struct Traffic {
    pub ledger: Arc<Ledger>,
    is_wanted: Arc<AtomicBool>,
    people: JoinSet<()>,
}
