//! `hufu doctor`: each thing that `hufu serve` would refuse or be unsafe with is named, and nothing is
//! made.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use hufu::base::clock::Timestamp;
use hufu::cli::doctor::check_clock;
use hufu::store::connect::DatabaseUrl;

use super::{gateway, hufu, serve, served_realm};
use crate::kit::demo::{Running, free_ports, wait_for};
use crate::kit::{On, TestDatabase, copy};

const SETTINGS: &str = "data = 'data'\nrealms = 'realms'\n";

/// Exit code and words.
fn doctor(folder: &Path, settings: &str, more: &[&str]) -> (Option<i32>, String) {
    std::fs::write(folder.join("hufu.toml"), settings).unwrap();
    let said = hufu(folder, &[&["--config", "hufu.toml", "doctor"], more].concat());
    (said.status.code(), String::from_utf8(said.stdout).unwrap())
}

/// Every file with its length.
fn files(folder: &Path) -> BTreeMap<PathBuf, u64> {
    let (mut found, mut folders) = (BTreeMap::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            // The files beside a database that somebody reads come and go.
            let is_beside = path.to_str().unwrap().contains(".db-");
            if path.is_dir() {
                folders.push(path);
            } else if !is_beside && !path.ends_with("hufu.toml") {
                // A database takes in what lay beside it when its last reader goes.
                let is_database = path.extension().is_some_and(|ending| ending == "db");
                let length = std::fs::metadata(&path).unwrap().len();
                let length = if is_database { 0 } else { length };
                found.insert(path, length);
            }
        }
    }
    found
}

/// Issue 13, 5: settings by settings, before a first start.
#[test]
fn settings_that_would_be_unsafe_or_refused_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    served_realm(at, "https://sms.example/send");
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let pem = |name: &str| data.join(name).display().to_string();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap();
    let free = free_ports();
    let port = format!("operations_listen = '127.0.0.1:{free}'\n");
    let before = files(at);
    for (more, wrong) in [
        (port.clone(), None),
        (format!("{port}listen = '0.0.0.0:{}'\n", free + 1), Some("wrong tls: ")),
        (format!("{port}listen = '[::]:{}'\n", free + 1), Some("wrong tls: ")),
        (format!("{port}listen = '[::ffff:127.0.0.1]:{}'\n", free + 1), None),
        (format!("{port}listen = '0.0.0.0:{}'\ntrusted_proxies = ['10.0.0.1']\n", free + 1), None),
        (format!("{port}console_listen = '0.0.0.0:{}'\n", free + 1), Some("wrong tls: ")),
        (format!("{port}console_listen = '127.0.0.1:{}'\n", free + 1), None),
        (
            format!(
                "{port}console_listen = '0.0.0.0:{}'\ntrusted_proxies = ['10.0.0.1']\n",
                free + 1
            ),
            None,
        ),
        (
            format!(
                "{port}listen = '0.0.0.0:{}'\ntls_certificate = '{}'\ntls_key = '{}'\n",
                free + 1,
                pem("localhost.cert.pem"),
                pem("localhost.key.pem")
            ),
            None,
        ),
        (format!("{port}tls_certificate = '{}'\n", pem("localhost.cert.pem")), Some("wrong tls: ")),
        (format!("{port}tls_certificate = '/no'\ntls_key = '/no'\n"), Some("wrong tls: /no")),
        (
            // A key that is another certificate's.
            format!(
                "{port}tls_certificate = '{}'\ntls_key = '{}'\n",
                pem("localhost.cert.pem"),
                pem("renewed.key.pem")
            ),
            Some("wrong tls: "),
        ),
        ("operations_listen = '0.0.0.0:9090'\n".to_owned(), Some("tells everybody the counters")),
        ("operations_listen = '[::ffff:8.8.8.8]:9090'\n".to_owned(), Some("tells everybody")),
        (format!("listen = '127.0.0.1:{free}'\n{port}"), Some("are both")),
        (format!("{port}listen = '{taken}'\n"), Some("wrong listeners: ")),
        (format!("{port}redis_url = 'redis://127.0.0.1:1/'\n"), Some("wrong redis: ")),
        (format!("{port}redis_url = 'nothing'\n"), Some("wrong redis: ")),
        (format!("{port}master_key = 'short'\n"), Some("wrong master key: ")),
        (format!("{port}database_url = 'postgres://127.0.0.1:1/x'\n"), Some("wrong database: ")),
    ] {
        let (code, told) = doctor(at, &format!("{SETTINGS}{more}"), &[]);
        let lines: Vec<&str> = told.lines().filter(|line| line.starts_with("wrong ")).collect();
        match wrong {
            None => assert!(code == Some(0) && lines.is_empty(), "{more}: {told}"),
            Some(part) => {
                assert_eq!((code, lines.len()), (Some(1), 1), "{more}: {told}");
                assert!(lines[0].contains(part), "{more}: {told}");
            }
        }
    }
    for (more, part) in [
        ("trusted_proxies = ['0.0.0.0/0']\n", "no address and no network"),
        ("trusted_proxies = ['::ffff:0:0/96']\n", "no address and no network"),
        ("forwarded_header = 'via'\n", "forwarded"),
        ("unknown = 1\n", "unknown"),
    ] {
        std::fs::write(at.join("hufu.toml"), format!("{SETTINGS}{more}")).unwrap();
        let said = hufu(at, &["--config", "hufu.toml", "doctor"]);
        let told = String::from_utf8(said.stderr).unwrap();
        assert!(said.status.code() == Some(1) && told.contains(part), "{more}: {told}");
    }
    assert_eq!(files(at), before, "something was made");
}

/// Issue 13, 5: the realms' files: what everybody knows, what is not there.
#[test]
fn realm_files_that_would_be_refused_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let settings = format!("{SETTINGS}operations_listen = '127.0.0.1:{}'\n", free_ports());
    let (code, told) = doctor(at, &settings, &[]);
    assert!(code == Some(1) && told.contains("wrong realms: "), "{told}");
    std::fs::create_dir(at.join("realms")).unwrap();
    let (code, told) = doctor(at, &settings, &[]);
    assert!(code == Some(1) && told.contains("holds no realm"), "{told}");
    // The repository's realm as it is.
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("realms/jiangxi");
    copy(&root, &at.join("realms/jiangxi"));
    let (code, told) = doctor(at, &settings, &[]);
    assert_eq!(code, Some(1));
    for part in ["stands in Hufu's repository", "fixtures are the demo's alone", "never written"] {
        assert!(told.contains(part), "{part}: {told}");
    }
    std::fs::remove_dir_all(at.join("realms/jiangxi")).unwrap();
    served_realm(at, "https://sms.example/send");
    assert_eq!(doctor(at, &settings, &[]).0, Some(0));
}

/// Issue 13, 5: a refresh token that was replaced answers for a shorter time than its owner may need to ask again.
#[test]
fn a_grace_that_is_too_short_is_remarked() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let file = served_realm(at, "https://sms.example/send").join("realm.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let port = format!("{SETTINGS}operations_listen = '127.0.0.1:{}'\n", free_ports());
    for (grace, more, is_remarked) in [
        (10, "", false),
        (9, "", true),
        (1, "", true),
        (0, "", false),
        (5, "request_time_out = 1000\n", false),
        (4, "request_time_out = 1000\n", true),
        (10, "request_time_out = 60000\n", false),
    ] {
        let lifetimes = format!("refresh_token = 43200\nrefresh_grace = {grace}");
        let changed = text.replace("refresh_token = 43200", &lifetimes);
        assert_ne!(changed, text);
        std::fs::write(&file, changed).unwrap();
        let (code, told) = doctor(at, &format!("{port}{more}"), &[]);
        assert_eq!(code, Some(0), "{told}");
        let remark = format!("refresh_grace is {grace}: ");
        assert_eq!(told.contains(&remark), is_remarked, "{grace} {more}: {told}");
    }
}

/// Issue 13, 5: gateways are named, and tried on demand alone.
#[tokio::test(flavor = "multi_thread")]
async fn gateways_are_named_and_tried_on_demand() {
    let folder = tempfile::tempdir().unwrap();
    let (url, got) = gateway().await;
    let realm = served_realm(folder.path(), &url);
    let factors = realm.join("factors.toml");
    let text = std::fs::read_to_string(&factors).unwrap();
    let away = format!("http://127.0.0.1:{}", free_ports());
    std::fs::write(&factors, text.replace("https://face.example", &away)).unwrap();
    let settings = format!("{SETTINGS}operations_listen = '127.0.0.1:{}'\n", free_ports());
    let at = folder.path().to_owned();
    let (named, tried) = tokio::task::spawn_blocking(move || {
        (doctor(&at, &settings, &[]), doctor(&at, &settings, &["--gateways"]))
    })
    .await
    .unwrap();
    assert_eq!(named.0, Some(0), "{}", named.1);
    assert!(named.1.contains(&format!("ok    jiangxi text messages: {url}\n")), "{}", named.1);
    assert!(named.1.contains("ok    jiangxi mail: smtp://127.0.0.1:2525"), "{}", named.1);
    assert_eq!(tried.0, Some(1));
    assert!(
        tried.1.contains(&format!("ok    jiangxi text messages: {url} answers")),
        "{}",
        tried.1
    );
    assert!(tried.1.contains(&format!("wrong jiangxi face check: {away}: ")), "{}", tried.1);
    let mail = "wrong jiangxi mail: smtp://127.0.0.1:2525: ";
    assert!(tried.1.contains(mail), "{}", tried.1);
    assert!(got.lock().unwrap().is_empty(), "something was sent");
}

/// One that greets, and takes no message.
fn mail_server() -> u16 {
    use std::io::{BufRead, BufReader, Write};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            stream.write_all(b"220 test\r\n").unwrap();
            for line in BufReader::new(stream.try_clone().unwrap()).lines() {
                let Ok(line) = line else { break };
                let answer: &[u8] = match line.split(' ').next().unwrap_or_default() {
                    "EHLO" | "NOOP" => b"250 test\r\n",
                    "QUIT" => b"221 bye\r\n",
                    _ => b"500 nothing is to be sent\r\n",
                };
                stream.write_all(answer).unwrap();
            }
        }
    });
    port
}

/// A mail server is knocked at as the gateways are, and nothing is sent.
#[test]
fn a_mail_server_that_answers_is_well() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let realm = served_realm(at, "https://sms.example/send");
    let factors = realm.join("factors.toml");
    let text = std::fs::read_to_string(&factors).unwrap();
    let url = format!("smtp://127.0.0.1:{}", mail_server());
    std::fs::write(&factors, text.replace("smtp://127.0.0.1:2525", &url)).unwrap();
    let settings = format!("{SETTINGS}operations_listen = '127.0.0.1:{}'\n", free_ports());
    let (_, told) = doctor(at, &settings, &["--gateways"]);
    assert!(told.contains(&format!("ok    jiangxi mail: {url} answers")), "{told}");
}

/// A Redis that `serve` would not become ready with, or that forgets on its own.
#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_is_none_for_us_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    served_realm(at, "https://sms.example/send");
    let operations = free_ports();
    for (more, starts) in [
        (vec![], "ok    redis: takes values; maxmemory is not set"),
        (vec!["--maxmemory", "64mb"], "ok    redis: takes values, up to 64 MiB"),
        (
            vec!["--maxmemory", "64mb", "--maxmemory-policy", "allkeys-lru"],
            "wrong redis: maxmemory-policy is allkeys-lru",
        ),
        (vec!["--maxmemory-policy", "volatile-ttl"], "wrong redis: maxmemory-policy is volatile"),
        (vec!["--replicaof", "127.0.0.1", "1"], "wrong redis: "),
        (vec!["--maxmemory", "1"], "wrong redis: "),
        (vec!["--rename-command", "INFO", ""], "ok    redis: takes values; it does not say"),
    ] {
        let port = free_ports();
        let server = std::process::Command::new("redis-server")
            .args(["--port", &port.to_string(), "--save", ""])
            .args(&more)
            .stdout(std::process::Stdio::null())
            .spawn();
        let Ok(server) = server else {
            eprintln!("left out: Redis of its own (scripts/test installs it)");
            return;
        };
        let _server = Running::of(server);
        wait_for(port).await;
        let settings = format!(
            "{SETTINGS}operations_listen = '127.0.0.1:{operations}'\n\
             redis_url = 'redis://127.0.0.1:{port}/'\n"
        );
        let at = at.to_owned();
        let looked = tokio::task::spawn_blocking(move || doctor(&at, &settings, &[]));
        let (code, told) = looked.await.unwrap();
        assert!(told.contains(starts), "{more:?}: {told}");
        assert_eq!(code, Some(i32::from(starts.starts_with("wrong"))), "{more:?}: {told}");
    }
}

/// A database that takes no rows, before the first start and after it.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_takes_no_rows_is_named() {
    if std::env::var_os("HUFU_TEST_POSTGRES").is_none() {
        eprintln!("left out: PostgreSQL (scripts/test starts it)");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    served_realm(folder.path(), "https://sms.example/send");
    for was_served in [false, true] {
        let database = TestDatabase::blank(On::Postgres).await;
        let DatabaseUrl::Postgres(url) = &database.url else { panic!("no PostgreSQL") };
        let more = format!("database_url = '{url}'\n");
        if was_served {
            drop(serve(folder.path(), free_ports(), &more).await);
        }
        let connection = sea_orm::Database::connect(url).await.unwrap();
        let name = url.rsplit('/').next().unwrap().split('?').next().unwrap();
        let set = format!("ALTER DATABASE \"{name}\" SET default_transaction_read_only = on");
        sea_orm::ConnectionTrait::execute_unprepared(&connection, &set).await.unwrap();
        connection.close().await.unwrap();
        let settings =
            format!("{SETTINGS}operations_listen = '127.0.0.1:{}'\n{more}", free_ports());
        let at = folder.path().to_owned();
        let looked = tokio::task::spawn_blocking(move || doctor(&at, &settings, &[]));
        let (code, told) = looked.await.unwrap();
        assert!(code == Some(1) && told.contains("it takes no rows"), "{told}");
    }
}

/// Issue 13, 5: what a server has left: its database, its key, its state.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_has_left_is_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    served_realm(at, "https://sms.example/send");
    let port = free_ports();
    let running = serve(at, port, "").await;
    let settings = std::fs::read_to_string(at.join("hufu.toml")).unwrap();
    let look = |settings: String| {
        let at = at.to_owned();
        tokio::task::spawn_blocking(move || doctor(&at, &settings, &[]))
    };
    // Beside the server itself, once it is ready.
    let (code, told) = look(settings.clone()).await.unwrap();
    assert!(code == Some(0) && told.contains("a server runs on"), "{told}");
    drop(running);
    let before = files(at);
    let (code, told) = look(settings.clone()).await.unwrap();
    assert!(code == Some(0) && told.contains("the master key fits"), "{told}");

    let other = "a".repeat(64);
    let (code, told) = look(format!("{settings}master_key = '{other}'\n")).await.unwrap();
    assert!(code == Some(1) && told.contains("does not fit this database"), "{told}");
    let key = at.join("data/master.key");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let (code, told) = look(settings.clone()).await.unwrap();
    assert!(code == Some(1) && told.contains("is readable for others (mode 644)"), "{told}");
    std::fs::remove_file(&key).unwrap();
    let (code, told) = look(settings.clone()).await.unwrap();
    assert!(code == Some(1) && told.contains("master.key is missing"), "{told}");
    assert!(!key.exists());
    let mut left = before;
    left.remove(&key);
    assert_eq!(files(at), left, "something was made or changed");
}

/// Issue 13, 5: a database that an older version left is said to be behind, and stays as it is; whose key opens it
/// is looked at before it is brought up to date.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_behind_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    served_realm(at, "https://sms.example/send");
    drop(serve(at, free_ports(), "").await);
    let file = at.join("data/hufu.db");
    let url = format!("sqlite://{}", file.display());
    let connection = sea_orm::Database::connect(url).await.unwrap();
    let newest =
        "DELETE FROM seaql_migrations WHERE version = (SELECT MAX(version) FROM seaql_migrations)";
    sea_orm::ConnectionTrait::execute_unprepared(&connection, newest).await.unwrap();
    connection.close().await.unwrap();
    let settings = format!("{SETTINGS}operations_listen = '127.0.0.1:{}'\n", free_ports());
    let look = |settings: String| {
        let at = at.to_owned();
        tokio::task::spawn_blocking(move || doctor(&at, &settings, &[]))
    };
    for _ in 0..2 {
        let (code, told) = look(settings.clone()).await.unwrap();
        let fits = "1 steps are pending, the next start runs them; the master key fits";
        assert!(code == Some(0) && told.contains(fits), "{told}");
    }
    // The next start would refuse these, and is not to be the first to say so.
    let other = format!("{settings}master_key = '{}'\n", "a".repeat(64));
    let (code, told) = look(other).await.unwrap();
    assert!(code == Some(1) && told.contains("does not fit this database"), "{told}");
    std::fs::remove_file(at.join("data/master.key")).unwrap();
    let (code, told) = look(settings).await.unwrap();
    assert!(code == Some(1) && told.contains("master.key is missing"), "{told}");
    assert!(!told.contains("the first start will make"), "{told}");
}

/// Issue 13, 5: two machines that do not agree about the time.
#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_wrong_is_named() {
    let ours = Timestamp(1_000_000);
    for (theirs, part) in [
        (1_000_000, None),
        (1_000_010, None),
        (999_990, None),
        (1_000_011, Some("11 s behind the database's")),
        (999_900, Some("100 s ahead of the database's")),
    ] {
        let told = check_clock(ours, Timestamp(theirs)).err().map(|error| error.to_string());
        match part {
            None => assert_eq!(told, None),
            Some(part) => {
                assert!(told.as_ref().is_some_and(|told| told.contains(part)), "{told:?}");
            }
        }
    }
    if std::env::var_os("HUFU_TEST_POSTGRES").is_none() {
        eprintln!("left out: PostgreSQL (scripts/test starts it)");
        return;
    }
    let database = TestDatabase::blank(On::Postgres).await;
    let DatabaseUrl::Postgres(url) = &database.url else { panic!("no PostgreSQL") };
    let folder = tempfile::tempdir().unwrap();
    served_realm(folder.path(), "https://sms.example/send");
    let more = format!("database_url = '{url}'\n");
    drop(serve(folder.path(), free_ports(), &more).await);
    let settings = format!("{SETTINGS}operations_listen = '127.0.0.1:{}'\n{more}", free_ports());
    let at = folder.path().to_owned();
    let told = tokio::task::spawn_blocking(move || doctor(&at, &settings, &[])).await.unwrap();
    assert!(told.0 == Some(0) && told.1.contains("all have run"), "{}", told.1);
}
