//! A server that runs: its certificate is renewed, a realm goes, it tells how it is; and the demo's
//! ports.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use hufu::cli::reload::reload;
use hufu::cli::start::{Wanted, start};
use hufu::flows::notify::deliver::lease;
use hufu::outbound::client::{Outbound, Timeouts};

use super::{serve, served_realm};
use crate::kit::demo::free_ports;
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

/// Issue 13, 4: a realm whose folder was taken away is no longer served; one with mistakes is.
#[tokio::test(flavor = "multi_thread")]
async fn a_realm_that_was_taken_away_is_no_longer_served() {
    let folder = tempfile::tempdir().unwrap();
    let realms = folder.path().join("realms");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("realms");
    crate::kit::copy(&root, &realms);
    let wanted = Wanted {
        data: folder.path().to_owned(),
        database: hufu::store::connect::DatabaseUrl::Sqlite(folder.path().join("hufu.db")),
        redis_url: None,
        budget: hufu::ephemeral::Budget::DEFAULT,
        realms: realms.clone(),
        master_key: None,
        proxies: hufu::web::client_ip::Proxies::default(),
        is_demo: true,
        replace: Vec::new(),
    };
    let app = start(&wanted).await.unwrap().app;
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
    let mut told = String::new();
    for _ in 0..20 {
        told = http.get(&url).send().await.unwrap().text().await.unwrap();
        if told.contains("hufu_key_age_seconds") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    for name in [
        "hufu_requests_total",
        "hufu_deliveries_waiting",
        "hufu_key_age_seconds",
        "hufu_database_connections",
    ] {
        assert!(told.contains(&format!("# HELP {name} ")), "{name}\n{told}");
    }
    let names = told.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    for line in names {
        let name = line.split(['{', ' ']).next().unwrap();
        assert!(told.contains(&format!("# HELP {name} ")), "{name} has no help");
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
