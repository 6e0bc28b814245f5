//! `PgBouncer` between the nodes and PostgreSQL: served where it keeps statements apart, refused with
//! the condition where it does not.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use super::node::Node;
use super::servers::{hand_over, not_as_root};
use super::stack::Ground;
use super::{has_all, program, seed};
use crate::cutter::Trouble;
use crate::cutter::honest::{Client, Messages, Provider, Visitor};
use crate::cutter::ledger::Ledger;
use crate::kit::FILING;
use crate::kit::demo::{Running, free_ports, wait_for};
use crate::operations::SECRET;

/// Major and minor version.
fn version(pgbouncer: &Path) -> (u32, u32) {
    let said = Command::new(pgbouncer).arg("--version").output().unwrap().stdout;
    let said = String::from_utf8(said).unwrap();
    let number = said.split_whitespace().nth(1).unwrap();
    let mut parts = number.split('.').map(|part| part.parse().unwrap());
    (parts.next().unwrap(), parts.next().unwrap())
}

struct Pooler {
    port: u16,
    _process: Running,
}

impl Pooler {
    /// `more`: settings.
    async fn start(ground: &Ground, more: &str) -> Self {
        let port = free_ports();
        let folder = ground.folder.path().join(format!("pgbouncer-{port}"));
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("users"), "\"hufu\" \"\"\n").unwrap();
        let settings = format!(
            "[databases]\npostgres = host=127.0.0.1 user=hufu port={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
             listen_port = {port}\nauth_type = any\nauth_file = {}\nunix_socket_dir =\n\
             max_client_conn = 500\n{more}",
            ground.postgres.port,
            folder.join("users").display()
        );
        std::fs::write(folder.join("ini"), settings).unwrap();
        hand_over(&folder);
        let process = not_as_root(&program("pgbouncer").unwrap())
            .arg(folder.join("ini"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let pooler = Self { port, _process: Running::of(process) };
        wait_for(port).await;
        pooler
    }

    fn node(&self, ground: &Ground, name: &str) -> Node {
        let through = format!("127.0.0.1:{}/", self.port);
        let direct = format!("127.0.0.1:{}/", ground.postgres.port);
        let key = format!("master_key = '{}'\n", seed::seed().master_key.trim());
        let settings = ground.settings().replace(&direct, &through) + &key;
        Node::new(ground.folder.path().join(name), &settings)
    }
}

const OPTIONS: &str = "ignore_startup_parameters = options\n";

/// Two nodes behind it, people at work, and nothing that contradicts.
async fn check_serves(ground: &Ground, pooler: &Pooler, mode: &str) {
    let nodes = ["one", "two"].map(|name| pooler.node(ground, &format!("{mode}-{name}")));
    tokio::join!(nodes[0].start(), nodes[1].start());
    let doctor = nodes[0].command(&["doctor"]).output().unwrap();
    assert!(doctor.status.success(), "{}", String::from_utf8_lossy(&doctor.stdout));
    let ledger = Arc::new(Ledger::new(Trouble::None));
    let mut visitors = Vec::new();
    for (n, node) in nodes.iter().cycle().take(4).enumerate() {
        let provider = Arc::new(Provider {
            base: node.base(),
            redirect_uri: FILING.redirect_uri.to_owned(),
            client_secret: SECRET.to_owned(),
            messages: Messages::Gateway(Arc::clone(&ground.messages)),
        });
        let client = Client::new(provider, Arc::clone(&ledger));
        visitors.push(Visitor::sign_in(&client, n).await.unwrap_or_else(|_| panic!("{ledger}")));
    }
    let until = Instant::now() + Duration::from_secs(4);
    let mut people = JoinSet::new();
    for visitor in visitors {
        people.spawn(visitor.live(Duration::ZERO, move || Instant::now() < until));
    }
    people.join_all().await;
    assert!(ledger.holds() && ledger.n_acknowledged() > 16, "{mode}: {ledger}");
}

/// Issue 13, 4: works, or `doctor` and the docs say the condition.
#[tokio::test(flavor = "multi_thread")]
async fn pgbouncer_works_or_the_doctor_says_the_condition() {
    if !has_all() {
        return;
    }
    let Some(pgbouncer) = program("pgbouncer") else { return };
    let ground = Ground::lay(true).await;
    let session = format!("pool_mode = session\ndefault_pool_size = 120\n{OPTIONS}");
    let session = Pooler::start(&ground, &session).await;
    check_serves(&ground, &session, "session").await;
    drop(session);

    let transaction = format!("pool_mode = transaction\ndefault_pool_size = 8\n{OPTIONS}");
    let known = if version(&pgbouncer) >= (1, 21) {
        let keeps = format!("{transaction}max_prepared_statements = 200\n");
        let pooler = Pooler::start(&ground, &keeps).await;
        check_serves(&ground, &pooler, "transaction").await;
        format!("{transaction}max_prepared_statements = 0\n")
    } else {
        transaction.clone()
    };
    let without_options = transaction.replace(OPTIONS, "");
    for (settings, words) in
        [(known, "max_prepared_statements"), (without_options, "ignore_startup_parameters")]
    {
        let pooler = Pooler::start(&ground, &settings).await;
        let node = pooler.node(&ground, &format!("refused-{}", pooler.port));
        let doctor = node.command(&["doctor"]).output().unwrap();
        let said = String::from_utf8(doctor.stdout).unwrap();
        let line =
            said.lines().find(|line| line.starts_with("wrong database: ")).unwrap_or_default();
        assert!(line.contains(words), "{settings}: {said}");
        let serve = node.command(&["serve"]).output().unwrap();
        assert_eq!(serve.status.code(), Some(1), "{settings}");
        let said = String::from_utf8(serve.stderr).unwrap();
        assert!(said.contains(words), "{said}");
    }
}
