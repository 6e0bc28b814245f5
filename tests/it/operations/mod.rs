//! Running it: TLS, a killed server, Redis away, proxies, what the log never holds, `hufu realm`
//! and `hufu doctor`.

mod answers;
mod at_rest;
mod authorities;
mod commands;
mod crowds;
mod databases;
mod doctor;
mod files;
mod left_aside;
mod log;
mod metrics;
mod proxies;
mod running;
mod secrets;
mod settings;
mod sweeping;
mod traces;
mod versions;

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use hufu::jose::Algorithm;
use hufu::jose::keys::{SigningKey, generate};
use tower::ServiceExt;

use crate::kit::demo::{Running, free_ports, start_anew, wait_for};
use crate::kit::{EXAMPLE, FILING, On, PASSWORD, Setup, TestApp, authorize_url, copy, demo_realm};

/// Every secret of a realm that is served.
pub const SECRET: &str = "of-the-tests-and-long-enough-for-them";

fn hufu(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_hufu"))
        .current_dir(folder)
        .args(arguments)
        .env("SECRET_FROM_OUTSIDE", SECRET)
        .output()
        .unwrap()
}

/// The realm as production has it: secrets by reference, a gateway, no fixtures.
pub fn served_realm(folder: &Path, gateway: &str) -> std::path::PathBuf {
    let realm = folder.join("realms/jiangxi");
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("realms/jiangxi"), &realm);
    std::fs::remove_file(realm.join("fixtures.toml")).unwrap();
    std::fs::remove_file(realm.join("certificates.toml")).unwrap();
    let doors = std::fs::read_to_string(realm.join("entrances.toml")).unwrap();
    let (before, rest) = doors.split_once("# An enterprise's certificate").unwrap();
    let (_, after) = rest.split_once("steps = [\"certificate\", \"choose_handler\"]\n").unwrap();
    std::fs::write(realm.join("entrances.toml"), before.to_owned() + after).unwrap();
    let change = |file: &str, from: &str, to: &str| {
        let path = realm.join(file);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{file} has no {from}");
        std::fs::write(&path, text.replace(from, to)).unwrap();
    };
    for client in ["tax-filing", "invoice", "social-insurance", "registry", "data-exchange"] {
        let literal = format!("literal = \"demo-secret-of-{client}\"");
        change(&format!("clients/{client}.toml"), &literal, "env = \"SECRET_FROM_OUTSIDE\"");
    }
    for client in ["iit-app", "data-exchange"] {
        let path = realm.join(format!("clients/{client}.toml"));
        let text = std::fs::read_to_string(&path).unwrap();
        let (before, rest) = text.split_once("jwks = '''").unwrap();
        let (_, after) = rest.split_once("'''").unwrap();
        std::fs::write(&path, format!("{before}jwks = '''{}'''{after}", own_jwks())).unwrap();
    }
    let more = format!(
        "lifetime = 300\n\n[[sms.gateways]]\nkind = \"webhook\"\nurl = \"{gateway}\"\n\
         secret = {{ env = \"SECRET_FROM_OUTSIDE\" }}"
    );
    change("factors.toml", "lifetime = 300", &more);
    let factors = std::fs::read_to_string(realm.join("factors.toml")).unwrap();
    let face =
        "\n[face]\nurl = \"https://face.example\"\nsecret = { env = \"SECRET_FROM_OUTSIDE\" }\n";
    let email = "\n[email]\nurl = \"smtp://127.0.0.1:2525\"\nfrom = \"no-reply@tax.example\"\n";
    std::fs::write(realm.join("factors.toml"), factors + face + email).unwrap();
    realm
}

/// Of a key that nobody has published.
fn own_jwks() -> serde_json::Value {
    let (private, _) = generate(Algorithm::ES256).unwrap();
    let key = SigningKey::new(Algorithm::ES256, &private, true).unwrap();
    serde_json::json!({"keys": [key.public()]})
}

async fn serve(folder: &Path, port: u16, more: &str) -> Running {
    let settings = format!(
        "data = 'data'\nrealms = 'realms'\nlisten = '127.0.0.1:{port}'\n\
         operations_listen = '127.0.0.1:{}'\n{more}",
        port + 1
    );
    std::fs::write(folder.join("hufu.toml"), settings).unwrap();
    let child = Command::new(env!("CARGO_BIN_EXE_hufu"))
        .current_dir(folder)
        .args(["--config", "hufu.toml", "serve"])
        .env("SECRET_FROM_OUTSIDE", SECRET)
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let running = Running::of(child);
    wait_for(port).await;
    running
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_is_served_from_files_and_the_second_listener_tells_its_health() {
    let folder = tempfile::tempdir().unwrap();
    served_realm(folder.path(), "https://sms.example/send");
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let tls = format!(
        "tls_certificate = '{0}/localhost.cert.pem'\ntls_key = '{0}/localhost.key.pem'",
        data.display()
    );
    let port = free_ports();
    let _running = serve(folder.path(), port, &tls).await;
    let certificate = std::fs::read(data.join("localhost.cert.pem")).unwrap();
    let http = reqwest::Client::builder()
        .no_proxy()
        .add_root_certificate(reqwest::Certificate::from_pem(&certificate).unwrap())
        .build()
        .unwrap();
    let url = format!("https://localhost:{port}/realms/jiangxi/.well-known/openid-configuration");
    let answer = http.get(url).send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 200);
    assert!(answer.headers().contains_key("strict-transport-security"));
    let ops = format!("http://127.0.0.1:{}", port + 1);
    assert_eq!(http.get(format!("{ops}/health/ready")).send().await.unwrap().status(), 204);
    let metrics = http.get(format!("{ops}/metrics")).send().await.unwrap().text().await.unwrap();
    assert!(metrics.contains("hufu_realm_version{realm=\"jiangxi\""), "{metrics}");
    let healthy = hufu(folder.path(), &["healthcheck", &ops]);
    assert!(healthy.status.success(), "{healthy:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_looks_plans_and_applies() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let realm = served_realm(at, "https://sms.example/send");
    let settings = ["--config", "hufu.toml"];
    std::fs::write(at.join("hufu.toml"), "data = 'data'\nrealms = 'realms'\n").unwrap();
    let run = |arguments: &[&str]| hufu(at, &[&settings, arguments].concat());
    let text = |output: &Output| String::from_utf8(output.stdout.clone()).unwrap();

    let doctor = run(&["doctor"]);
    assert!(doctor.status.success(), "{doctor:?}");
    assert!(text(&doctor).contains("ok    realms/jiangxi"), "{}", text(&doctor));

    // The first start records what it serves.
    let port = free_ports();
    drop(serve(at, port, "").await);
    std::fs::write(at.join("hufu.toml"), "data = 'data'\nrealms = 'realms'\n").unwrap();
    let same = run(&["realm", "plan", "realms/jiangxi"]);
    assert!(text(&same).ends_with("jiangxi: 0 changes\n"), "{same:?}");

    let draft = at.join("draft/jiangxi");
    copy(&realm, &draft);
    let client = draft.join("clients/desktop.toml");
    std::fs::rename(&client, draft.join("clients/notebook.toml")).unwrap();
    let file = draft.join("realm.toml");
    let before = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, before.replace("session = 28800", "session   =3600")).unwrap();
    let planned = text(&run(&["realm", "plan", "draft/jiangxi"]));
    assert!(planned.contains("~ realm.toml: lifetimes.session = 28800 -> 3600"), "{planned}");
    assert!(planned.contains("- clients/desktop.toml: client_id = \"desktop\""), "{planned}");
    assert!(planned.contains("+ clients/notebook.toml: client_id = \"desktop\""), "{planned}");
    assert!(!planned.contains(SECRET), "a secret is in the plan");

    let check = run(&["realm", "fmt", "--check", "draft/jiangxi"]);
    assert!(!check.status.success(), "{check:?}");
    assert!(run(&["realm", "fmt", "draft/jiangxi"]).status.success());
    assert!(run(&["realm", "fmt", "--check", "draft/jiangxi"]).status.success());
    assert!(std::fs::read_to_string(&file).unwrap().contains("\nsession = 3600\n"));

    // Beside the file that would stay it is a realm that nobody checked: two files of one client.
    let applied = run(&["realm", "apply", "draft/jiangxi"]);
    let told = String::from_utf8(applied.stderr.clone()).unwrap();
    assert!(!applied.status.success() && told.contains("has this client_id"), "{applied:?}");
    assert!(told.contains("--prune") && !realm.join("clients/notebook.toml").exists(), "{told}");
    assert!(run(&["realm", "apply", "--prune", "draft/jiangxi"]).status.success());
    assert!(!realm.join("clients/desktop.toml").exists());
    std::fs::write(realm.join("notes.md"), "of somebody").unwrap();
    let applied = run(&["realm", "apply", "draft/jiangxi"]);
    assert!(applied.status.success() && text(&applied).contains("--prune"), "{applied:?}");
    assert!(std::fs::read_to_string(realm.join("realm.toml")).unwrap().contains("session = 3600"));

    // Mistakes never get there.
    std::fs::write(&file, before.replace("session = 28800", "sesion = 1")).unwrap();
    assert!(!run(&["realm", "apply", "draft/jiangxi"]).status.success());
    assert!(!std::fs::read_to_string(realm.join("realm.toml")).unwrap().contains("sesion"));
    std::fs::write(realm.join("roles.toml"), "x").unwrap();
    let doctor = run(&["doctor"]);
    assert!(!doctor.status.success());
    assert!(text(&doctor).contains("wrong realms/jiangxi"), "{}", text(&doctor));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_session_survives_redis_being_away() {
    if std::env::var_os("HUFU_TEST_REDIS").is_none() {
        eprintln!("left out: Redis (scripts/test starts it)");
        return;
    }
    let port = free_ports();
    let folder = tempfile::tempdir().unwrap();
    let server = Command::new("redis-server")
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--dir"])
        .arg(folder.path())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut server = Running::of(server);
    wait_for(port).await;
    let redis = Some(format!("redis://127.0.0.1:{port}/"));
    let app = Setup { redis, ..Setup::of(On::Sqlite, vec![demo_realm()]) }.start().await;
    let mut browser = crate::protocol::authorize::signed_in(&app).await;
    server.kill();
    // Whoever is signed in notices nothing.
    let done = browser.get(&authorize_url(&FILING, &[])).await;
    assert_eq!(app.redeem(&done.answered("code").unwrap()).await.0.as_u16(), 200);
    // Whoever is not gets a page that says so.
    let refused = app.browser().get("/realms/jiangxi/login").await;
    assert_eq!(refused.status.as_u16(), 503);
    assert!(refused.header("retry-after").is_some());
}

/// A gateway that keeps what it was given.
pub async fn gateway() -> (String, std::sync::Arc<std::sync::Mutex<Vec<String>>>) {
    let got = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let kept = std::sync::Arc::clone(&got);
    let take = move |body: String| async move { kept.lock().unwrap().push(body) };
    let router = axum::Router::new().route("/send", axum::routing::post(take));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/send", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (url, got)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_serve_keeps_sessions_and_tokens_and_everybody_arrives() {
    let folder = tempfile::tempdir().unwrap();
    let (url, sent) = gateway().await;
    served_realm(folder.path(), &url);
    // The demo puts its people into the database that is then served.
    drop(start_anew(free_ports(), &folder.path().join("data")).await);
    let port = free_ports();
    let mut server = serve(folder.path(), port, "").await;
    let base = format!("http://127.0.0.1:{port}");
    let code = || {
        let body: serde_json::Value =
            serde_json::from_str(sent.lock().unwrap().last().unwrap()).unwrap();
        body["params"]["code"].as_str().unwrap().to_owned()
    };
    let mut li = crate::kit::Browser::over_http(&base);
    let page = li.get(&authorize_url(&FILING, &[])).await;
    let page = li.type_credentials(&page, (EXAMPLE, "13900139000", PASSWORD)).await;
    let page = li.submit(&page, &[("act", "send")]).await;
    let done = li.submit(&page, &[("act", "verify"), ("code", &code())]).await;
    let redeem = |form: Vec<(&'static str, String)>| {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = http
            .post(format!("{base}/realms/jiangxi/token"))
            .basic_auth(FILING.id, Some(SECRET))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body);
        async move {
            let text = request.send().await.unwrap().text().await.unwrap();
            serde_json::from_str::<serde_json::Value>(&text).unwrap()
        }
    };
    let tokens = redeem(vec![
        ("grant_type", "authorization_code".to_owned()),
        ("code", done.answered("code").unwrap()),
        ("redirect_uri", FILING.redirect_uri.to_owned()),
        ("code_verifier", crate::kit::VERIFIER.to_owned()),
    ])
    .await;
    let mut wang = crate::kit::Browser::over_http(&base);
    let page = wang.get(&authorize_url(&FILING, &[])).await;
    let half = wang.type_credentials(&page, (EXAMPLE, "13800138000", PASSWORD)).await;

    server.kill();
    let _server = serve(folder.path(), port, "").await;
    let refreshed = redeem(vec![
        ("grant_type", "refresh_token".to_owned()),
        ("refresh_token", tokens["refresh_token"].as_str().unwrap().to_owned()),
    ])
    .await;
    assert!(refreshed["access_token"].is_string(), "{refreshed}");
    assert!(li.get(&authorize_url(&FILING, &[])).await.answered("code").is_some());
    // In mid sign-in: what was proved is lost, the way to the application is not.
    let page = wang.submit(&half, &[("act", "send")]).await;
    assert!(page.url.contains("/login/credentials?"), "{}", page.url);
    let page = wang.type_credentials(&page, (EXAMPLE, "13800138000", PASSWORD)).await;
    tokio::time::sleep(Duration::from_millis(10)).await;
    let page = wang.submit(&page, &[("act", "send")]).await;
    let chooser = wang.submit(&page, &[("act", "verify"), ("code", &code())]).await;
    let id = chooser.text.split("name=\"identity\" value=\"").nth(1).unwrap();
    let done = wang.submit(&chooser, &[("identity", id.split('"').next().unwrap())]).await;
    assert_eq!(done.answered("state").as_deref(), Some("st-1"));
    assert!(done.answered("code").is_some());
}

/// What has ended is swept; what stands is not.
#[test]
fn expired_rows_go_and_live_ones_stay() {
    crate::kit::on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut old = crate::protocol::authorize::signed_in(&app).await;
        let done = old.get(&authorize_url(&FILING, &[])).await;
        app.redeem(&done.answered("code").unwrap()).await;
        app.clock.advance(3 * 86_400);
        let mut live = crate::protocol::authorize::signed_in(&app).await;
        let done = live.get(&authorize_url(&FILING, &[])).await;
        let (_, tokens) = app.redeem(&done.answered("code").unwrap()).await;
        let services = &app.ctx.services;
        let mut swept = 0;
        for _ in 0..3 {
            swept += hufu::jobs::sweep(services).await.unwrap();
        }
        // Session, its application, its grants and their refresh token.
        assert!(swept >= 4, "{swept}");
        assert_eq!(hufu::jobs::sweep(services).await.unwrap(), 0);
        assert_eq!(app.introspect(tokens["access_token"].as_str().unwrap()).await["active"], true);
        assert!(live.get(&authorize_url(&FILING, &[])).await.answered("code").is_some());
    });
}

/// File, then environment, then flags; each stronger than the one before.
#[tokio::test(flavor = "multi_thread")]
async fn flags_are_stronger_than_the_environment_and_it_than_the_file() {
    let folder = tempfile::tempdir().unwrap();
    served_realm(folder.path(), "https://sms.example/send");
    let (file, variable, flag) = (free_ports(), free_ports(), free_ports());
    let settings = format!(
        "data = 'data'\nrealms = 'nowhere'\nlisten = '127.0.0.1:{file}'\n\
         operations_listen = '127.0.0.1:{}'\n",
        file + 1
    );
    std::fs::write(folder.path().join("hufu.toml"), settings).unwrap();
    let secret = folder.path().join("realms-at");
    std::fs::write(&secret, "realms\n").unwrap();
    let log = folder.path().join("log");
    let child = Command::new(env!("CARGO_BIN_EXE_hufu"))
        .current_dir(folder.path())
        .args(["--config", "hufu.toml", "serve", "--log", "json"])
        .args(["--listen", &format!("127.0.0.1:{flag}")])
        .env("SECRET_FROM_OUTSIDE", SECRET)
        .env("HUFU__LISTEN", format!("127.0.0.1:{variable}"))
        .env("HUFU__REALMS_FILE", &secret)
        .env("RUST_LOG", "hufu=debug")
        .stderr(std::fs::File::create(&log).unwrap())
        .spawn()
        .unwrap();
    let _running = Running::of(child);
    wait_for(flag).await;
    assert!(tokio::net::TcpStream::connect(("127.0.0.1", variable)).await.is_err());
    assert!(tokio::net::TcpStream::connect(("127.0.0.1", file)).await.is_err());
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("http://127.0.0.1:{flag}/realms/jiangxi/authorize?client_id=nobody");
    let answer = http.get(url).send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 400);
    let number = answer.headers()["x-request-id"].to_str().unwrap().to_owned();
    let log = std::fs::read_to_string(&log).unwrap();
    let refused = log.lines().find(|line| line.contains("Refused a request")).unwrap();
    let refused: serde_json::Value = serde_json::from_str(refused).unwrap();
    assert_eq!(refused["span"]["number"].to_string(), number, "{refused}");
}

/// The document names paths that are there, and a person without credentials gets what it says.
#[tokio::test]
async fn the_openapi_document_tells_of_what_is_served() {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_hufu"))
        .args(["openapi", crate::kit::ISSUER])
        .output()
        .unwrap();
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["servers"][0]["url"], crate::kit::ISSUER);
    let app = TestApp::start(On::Sqlite).await;
    let paths = document["paths"].as_object().unwrap();
    assert!(paths.len() >= 2);
    for (path, methods) in paths {
        for (method, told) in methods.as_object().unwrap() {
            let request = axum::http::Request::builder()
                .method(method.to_uppercase().as_str())
                .uri(format!("/realms/jiangxi{path}"))
                .header("content-type", "application/x-www-form-urlencoded")
                .body(axum::body::Body::empty())
                .unwrap();
            let status = app.router.clone().oneshot(request).await.unwrap().status();
            let known = &told["responses"][status.as_str()];
            assert!(known.is_object() || status == 400, "{method} {path}: {status}");
        }
    }
}

/// `hufu import`: good lines are kept, wrong ones stand in a report and on the screen by line, and
/// the same file again changes nothing.
#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_imports_a_table_and_reads_what_was_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    served_realm(at, "https://sms.example/send");
    std::fs::write(at.join("hufu.toml"), "data = 'data'\nrealms = 'realms'\n").unwrap();
    let table = "source_key,version,name,document,phone\n\
                 p1,1,王小明,360102199003071236,13800138000\n\
                 p2,1,李芳,360121198802290027,\n\
                 p3,1,张伟,360402198511014512,13800138000\n";
    std::fs::write(at.join("people.csv"), table).unwrap();
    drop(serve(at, free_ports(), "").await);
    let import = ["--config", "hufu.toml", "import", "jiangxi", "people.csv", "--kind", "person"];
    // One number of two people, of whom nobody knows who used it last: it is nobody's, and that is said.
    let nobodys = "people.csv:4: phone: bound to nobody";
    for (counts, remarks) in
        [("2 applied, 0 unchanged, 1 failed", true), ("0 applied, 2 unchanged, 1 failed", false)]
    {
        let output = hufu(at, &import);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let (out, err) = (
            String::from_utf8(output.stdout.clone()).unwrap(),
            String::from_utf8(output.stderr).unwrap(),
        );
        assert!(out.contains(counts), "{out}");
        assert!(err.contains("people.csv:3: document:"), "{err}");
        assert_eq!(err.contains(nobodys), remarks, "{err}");
        let report = std::fs::read_to_string(at.join("people.csv.report.jsonl")).unwrap();
        let lines: Vec<serde_json::Value> =
            report.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!((lines.len(), &lines[0]["line"]), (1 + usize::from(remarks), &3.into()));
        assert_eq!(lines[0]["is_taken"], false, "{report}");
    }
    let unknown = hufu(at, &["--config", "hufu.toml", "import", "nowhere", "people.csv"]);
    assert!(!unknown.status.success());
    let dead = hufu(at, &["--config", "hufu.toml", "deliveries", "jiangxi"]);
    // Whoever has lost the number is told, by the running server: by text message and by e-mail.
    let told = String::from_utf8(dead.stdout).unwrap();
    assert!(told.ends_with("2 wait, 0 could not be delivered\n"), "{told}");
    let unknown = hufu(at, &["--config", "hufu.toml", "deliveries", "nowhere"]);
    assert!(!unknown.status.success());
}
