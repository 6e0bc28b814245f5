//! A server that runs: its certificate is renewed, a realm goes, it tells how it is; and the demo's
//! ports.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use hufu::cli::reload::{reload, watch};
use hufu::cli::start::{Wanted, start};
use hufu::flows::notify::deliver::lease;
use hufu::outbound::client::{Outbound, Timeouts};
use hufu::web::app::App;
use hufu::web::tls::TlsFiles;
use sea_orm::ConnectionTrait;

use super::{serve, served_realm};
use crate::kit::demo::{Running, free_ports, wait_for};
use crate::kit::{TestApp, data, on_each_database};

/// One request to a server that must show this certificate.
async fn shows(certificate: &str, port: u16) -> bool {
    let pem = std::fs::read(data(certificate)).unwrap();
    let http = reqwest::Client::builder()
        .no_proxy()
        .add_root_certificate(reqwest::Certificate::from_pem(&pem).unwrap())
        .build()
        .unwrap();
    http.get(format!("https://localhost:{port}/realms/jiangxi/jwks")).send().await.is_ok()
}

/// Issue 13, 4: a renewed certificate is served without a restart; half of one is not.
#[tokio::test(flavor = "multi_thread")]
async fn a_renewed_certificate_is_served() {
    let folder = tempfile::tempdir().unwrap();
    served_realm(folder.path(), "https://sms.example/send");
    let put = |name: &str, kind: &str| {
        let target = folder.path().join(kind);
        std::fs::copy(data(&format!("{name}.{kind}")), target).unwrap();
    };
    put("localhost", "cert.pem");
    put("localhost", "key.pem");
    let port = free_ports();
    let tls = "tls_certificate = 'cert.pem'\ntls_key = 'key.pem'";
    let _running = serve(folder.path(), port, tls).await;
    assert!(shows("localhost.cert.pem", port).await);
    put("renewed", "cert.pem");
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(shows("localhost.cert.pem", port).await, "a certificate without its key");
    put("renewed", "key.pem");
    for _ in 0..40 {
        tokio::time::sleep(Duration::from_millis(250)).await;
        if shows("renewed.cert.pem", port).await {
            assert!(!shows("localhost.cert.pem", port).await);
            return;
        }
    }
    panic!("the old certificate is still served");
}

/// The realms of this repository, served from a folder.
pub(super) async fn two_realms(folder: &Path) -> (PathBuf, App, Wanted) {
    let realms = folder.join("realms");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("realms");
    crate::kit::copy(&root, &realms);
    let wanted = Wanted {
        data: folder.to_owned(),
        database: hufu::store::connect::DatabaseUrl::Sqlite(folder.join("hufu.db")),
        redis_url: None,
        budget: hufu::ephemeral::Budget::DEFAULT,
        realms: realms.clone(),
        master_key: None,
        key_program: None,
        at_rest: hufu::base::suite::Suite::International,
        proxies: hufu::web::client_ip::Proxies::default(),
        outbound_ca: None,
        is_demo: true,
        replace: Vec::new(),
    };
    let app = start(&wanted).await.unwrap().app;
    (realms, app, wanted)
}

/// Issue 13, 4: a realm whose folder was taken away is no longer served; one with mistakes is.
#[tokio::test(flavor = "multi_thread")]
async fn a_realm_that_was_taken_away_is_no_longer_served() {
    let folder = tempfile::tempdir().unwrap();
    let (realms, app, wanted) = two_realms(folder.path()).await;
    let served = || {
        let mut ids: Vec<String> = app.realms().iter().map(|realm| realm.id.clone()).collect();
        ids.sort();
        ids
    };
    assert_eq!(served(), ["demo-national", "jiangxi"]);
    app.services().check_ready(&app.realms()).await.unwrap();
    std::fs::remove_dir_all(realms.join("demo-national")).unwrap();
    std::fs::write(realms.join("jiangxi/roles.toml"), "x").unwrap();
    reload(&app, &wanted).await.unwrap();
    assert_eq!(served(), ["jiangxi"]);
    std::fs::remove_dir_all(realms.join("jiangxi")).unwrap();
    reload(&app, &wanted).await.unwrap();
    assert!(served().is_empty());
    // Nobody can be signed in here any more.
    assert!(app.services().check_ready(&app.realms()).await.is_err());
}

/// Issue 13, 4: an editor puts another file in the place of one, whoever copies a new version takes the
/// folder away for a moment: a realm goes when two looks do not find it. What is away keeps no other
/// realm from its news, and links are followed.
#[tokio::test(flavor = "multi_thread")]
async fn a_realm_that_is_away_for_a_moment_is_served_on() {
    let folder = tempfile::tempdir().unwrap();
    let (realms, app, wanted) = two_realms(folder.path()).await;
    for (what, aside) in
        [("jiangxi/realm.toml", "jiangxi/realm.toml~"), ("demo-national", "../aside")]
    {
        let (from, to) = (realms.join(what), realms.join(aside));
        std::fs::rename(&from, &to).unwrap();
        let back = tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(300)).await;
            std::fs::rename(to, from).unwrap();
        });
        reload(&app, &wanted).await.unwrap();
        back.await.unwrap();
        assert_eq!(app.realms().len(), 2, "{what}");
    }
    let file = realms.join("jiangxi/realm.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::remove_file(realms.join("demo-national/realm.toml")).unwrap();
    std::fs::write(&file, text.replace("access_token = 300", "access_token = 120")).unwrap();
    assert_eq!(reload(&app, &wanted).await.unwrap(), 1);
    assert_eq!(app.realms().len(), 1);
    assert_eq!(app.realm("jiangxi").unwrap().lifetimes.access_token, 120);
}

/// Where a version cannot be recorded all stays as it was: keys and documents of the new files never stand
/// beside the settings of the old ones, nor the other way round once they are served.
#[tokio::test(flavor = "multi_thread")]
async fn a_realm_is_read_again_as_a_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let (realms, app, wanted) = two_realms(folder.path()).await;
    let keys = &app.services().keys;
    let served = || {
        let realm = app.realm("jiangxi").unwrap();
        let published = keys.of(&realm).unwrap();
        (realm.hash.clone(), published.discovery.clone(), published.jwks_sm2.clone())
    };
    let (before, realm_before) = (served(), app.realm("jiangxi").unwrap());
    let file = realms.join("jiangxi/realm.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let other = text.replace("\"EdDSA\"]", "\"SGD_SM3_SM2\"]");
    assert_ne!(text, other);
    std::fs::write(&file, other).unwrap();
    let connect = format!("sqlite://{}", folder.path().join("hufu.db").display());
    let database = sea_orm::Database::connect(connect).await.unwrap();
    let sql = async |sql: &str| database.execute_unprepared(sql).await.map(drop).unwrap();
    sql("ALTER TABLE realm_version RENAME TO realm_version_elsewhere").await;
    reload(&app, &wanted).await.unwrap_err();
    assert_eq!(served(), before);
    sql("ALTER TABLE realm_version_elsewhere RENAME TO realm_version").await;
    assert_eq!(reload(&app, &wanted).await.unwrap(), 1);
    let after = served();
    assert!(after.0 != before.0 && after.1 != before.1 && after.2 != before.2);
    // A round of the jobs that began before.
    hufu::flows::keys::learn(app.services(), &realm_before).await.unwrap();
    assert_eq!(served(), after);
    hufu::flows::keys::learn(app.services(), &app.realm("jiangxi").unwrap()).await.unwrap();
    assert_eq!(served(), after);
}

fn knows(app: &hufu::web::app::App) -> bool {
    app.realm("jiangxi").is_some_and(|realm| realm.clients.contains_key("social-insurance"))
}

/// Whether each of so many looks, a tenth of a second apart, finds it.
async fn finds(app: &hufu::web::app::App, n: usize) -> bool {
    for _ in 0..n {
        tokio::time::sleep(Duration::from_millis(100)).await;
        if !knows(app) {
            return false;
        }
    }
    true
}

/// Issue 13, 4: the same of any file: nothing is read while somebody saves, and everything afterwards.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_away_for_a_moment_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (realms, app, wanted) = two_realms(folder.path()).await;
    tokio::spawn(watch(app.clone(), wanted));
    let file = realms.join("jiangxi/clients/social-insurance.toml");
    let aside = folder.path().join("aside");
    // One of the looks, which are two seconds apart, finds it away.
    std::fs::rename(&file, &aside).unwrap();
    // A busy machine looks later than it wants to.
    assert!(finds(&app, 10).await, "what somebody saves was taken for what is wanted");
    std::fs::rename(&aside, &file).unwrap();
    assert!(finds(&app, 40).await);
    std::fs::remove_file(&file).unwrap();
    assert!(!finds(&app, 100).await, "it is still served");
    assert!(!knows(&app));
}

/// Issue 13, 4: what was renewed after it was read and before anybody watched is served, too.
#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_changes_before_it_is_watched_is_seen() {
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str| {
        for kind in ["cert.pem", "key.pem"] {
            let target = folder.path().join(kind);
            std::fs::copy(data(&format!("{name}.{kind}")), target).unwrap();
        }
    };
    put("localhost");
    let files = TlsFiles {
        certificate: folder.path().join("cert.pem"),
        key: folder.path().join("key.pem"),
    };
    let (config, seen) = files.load().unwrap();
    put("renewed");
    tokio::spawn(files.watch(config.clone(), seen));
    let port = free_ports();
    let router = axum::Router::new().fallback(|| async {});
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], port));
    let server = axum_server::bind_openssl(address, config);
    tokio::spawn(server.serve(router.into_make_service()));
    for _ in 0..40 {
        tokio::time::sleep(Duration::from_millis(250)).await;
        if shows("renewed.cert.pem", port).await {
            return;
        }
    }
    panic!("the old certificate is still served");
}

/// Issue 13, 5: the demo serves changed realm files like a server, and tells its log whom it refused.
#[tokio::test(flavor = "multi_thread")]
async fn the_demo_reads_its_realms_again_and_logs_refusals() {
    let folder = tempfile::tempdir().unwrap();
    let (data, log) = (folder.path().join("data"), folder.path().join("log"));
    let port = free_ports();
    let child = Command::new(env!("CARGO_BIN_EXE_hufu"))
        .args(["demo", "--port", &port.to_string(), "--data"])
        .arg(&data)
        .env_remove("RUST_LOG")
        .stdout(Stdio::null())
        .stderr(std::fs::File::create(&log).unwrap())
        .spawn()
        .unwrap();
    let _demo = Running::of(child);
    wait_for(port).await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let base = format!("http://127.0.0.1:{port}/realms/jiangxi");
    http.get(format!("{base}/authorize?client_id=nobody-here")).send().await.unwrap();
    let refused = std::fs::read_to_string(&log).unwrap();
    assert!(refused.contains("client_id=\"nobody-here\"}: hufu"), "{refused}");
    let file = data.join("realms/jiangxi/clients/social-insurance.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(
        &file,
        text.replace("client_id = \"social-insurance\"", "client_id = \"renamed\""),
    )
    .unwrap();
    for _ in 0..40 {
        let url = format!("{base}/authorize?client_id=renamed");
        let told = http.get(url).send().await.unwrap().text().await.unwrap();
        if told.contains("redirect_uri is missing") {
            return;
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    panic!("the demo still has the old files");
}

/// Issue 13, 4: ready means that somebody can be signed in, not that something answers.
#[test]
fn ready_means_that_this_node_can_sign_somebody_in() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let ready = || app.ctx.services.check_ready(std::slice::from_ref(&app.ctx.realm));
        ready().await.unwrap();
        let without_keys = app.second_node_without_keys().await;
        let realm = std::slice::from_ref(&app.ctx.realm);
        assert!(without_keys.ctx.services.check_ready(realm).await.is_err());
        // A standby, or a disk that is read-only: it answers, and takes nothing.
        app.sql("ALTER TABLE used_up RENAME TO away").await;
        assert!(ready().await.is_err());
        app.sql("ALTER TABLE away RENAME TO used_up").await;
        ready().await.unwrap();
    });
}

/// Issue 13, 4: a second node never sends a text message that the first is still sending.
#[test]
fn the_lease_of_a_text_message_is_longer_than_its_gateways_take_together() {
    for page in [1, 3, 30, 300] {
        let page = Duration::from_secs(page);
        let timeouts = Timeouts { page, ..Timeouts::default() };
        let longest = Outbound::new(true, timeouts).unwrap().longest_wait();
        assert!(longest >= page);
        let lease = u64::try_from(lease(longest)).unwrap();
        assert!(lease > longest.as_secs() + 5, "{page:?} {lease}");
    }
}

/// Issue 13, 4: what is counted says what it is.
#[tokio::test(flavor = "multi_thread")]
async fn every_metric_has_its_help() {
    let folder = tempfile::tempdir().unwrap();
    served_realm(folder.path(), "https://sms.example/send");
    let port = free_ports();
    let _running = serve(folder.path(), port, "").await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    http.get(format!("http://127.0.0.1:{port}/realms/jiangxi/jwks")).send().await.unwrap();
    let url = format!("http://127.0.0.1:{}/metrics", port + 1);
    let names = [
        "hufu_requests_total",
        "hufu_deliveries_waiting",
        "hufu_key_age_seconds",
        "hufu_database_connections",
    ];
    let has_help = |told: &str, name: &str| told.contains(&format!("# HELP {name} "));
    let mut told = String::new();
    // They are measured one after the other.
    for _ in 0..80 {
        told = http.get(&url).send().await.unwrap().text().await.unwrap();
        if names.iter().all(|name| has_help(&told, name)) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    for name in names {
        assert!(has_help(&told, name), "{name}\n{told}");
    }
    let names = told.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    for line in names {
        let name = line.split(['{', ' ']).next().unwrap();
        // A histogram is three series.
        let parts = ["_bucket", "_sum", "_count"];
        let name = parts.iter().find_map(|part| name.strip_suffix(part)).unwrap_or(name);
        assert!(has_help(&told, name), "{name} has no help");
    }
}

/// Issue 13, 5: the demo shows links only when it listens, names the port that is taken, and throws
/// nothing away for nothing.
#[test]
fn the_demo_names_the_port_that_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let kept = folder.path().join("data/kept");
    std::fs::create_dir_all(kept.parent().unwrap()).unwrap();
    std::fs::write(&kept, "").unwrap();
    let port = free_ports();
    let _taken = std::net::TcpListener::bind(("127.0.0.1", port + 3)).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_hufu"))
        .current_dir(folder.path())
        .args(["demo", "--fresh", "--data", "data", "--port", &port.to_string()])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.contains(&format!("127.0.0.1:{}: ", port + 3)), "{error}");
    assert!(output.stdout.is_empty() && kept.exists());
}
