//! Nodes that end TLS themselves, behind `HAProxy` that passes it through.

use std::path::Path;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, sleep};

use super::fronts::Front;
use super::has_all;
use super::stack::Ground;

fn pem(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

fn put(name: &str, folder: &Path) {
    // As who renews them does: the new file takes the old one's place.
    for kind in ["key.pem", "cert.pem"] {
        let new = folder.join(format!("{kind}.new"));
        std::fs::copy(pem(&format!("{name}.{kind}")), &new).unwrap();
        std::fs::rename(new, folder.join(kind)).unwrap();
    }
}

const OLD: &str = "localhost.cert.pem";
const RENEWED: &str = "renewed.cert.pem";

/// Who trusts these certificates alone.
fn client(certificates: &[&str]) -> reqwest::Client {
    let mut builder = reqwest::Client::builder().no_proxy();
    for name in certificates {
        let known = std::fs::read(pem(name)).unwrap();
        builder = builder.add_root_certificate(reqwest::Certificate::from_pem(&known).unwrap());
    }
    builder.build().unwrap()
}

async fn answers(http: &reqwest::Client, port: u16) -> bool {
    let url = format!("https://localhost:{port}/realms/jiangxi/jwks");
    Box::pin(http.get(url).send()).await.is_ok_and(|answer| answer.status() == 200)
}

/// Issue 13, shows: new connections get the renewed certificate of each node, old ones go on, and at
/// no moment is neither of the two served.
#[tokio::test(flavor = "multi_thread")]
async fn a_renewed_certificate_is_served_through_haproxy_and_old_connections_go_on() {
    if !has_all() {
        return;
    }
    let ground = Ground::lay(true).await;
    let at = ground.folder.path();
    put("localhost", at);
    let files =
        format!("tls_certificate = '{0}/cert.pem'\ntls_key = '{0}/key.pem'\n", at.display());
    let nodes = [ground.node("one", &files), ground.node("two", &files)];
    tokio::join!(nodes[0].start(), nodes[1].start());
    let front = Front::haproxy_tcp(at, &nodes).await;
    let old = client(&[OLD]);
    assert!(answers(&old, front.port).await);
    let mut kept = Kept::open(front.port);
    kept.ask().await;

    put("renewed", at);
    let renewed = Instant::now();
    let mut n_new = 0;
    while n_new < 6 {
        // Whichever node is asked, and whichever of the two it serves yet.
        let either = client(&[OLD, RENEWED]);
        assert!(answers(&either, front.port).await, "nothing after {:?}", renewed.elapsed());
        let is_new = answers(&client(&[RENEWED]), front.port).await;
        n_new = if is_new { n_new + 1 } else { 0 };
        assert!(renewed.elapsed() < Duration::from_secs(15), "the old one is still served");
        kept.ask().await;
        sleep(Duration::from_millis(200)).await;
    }
    kept.ask().await;
}

/// A connection that stays open.
struct Kept {
    process: tokio::process::Child,
}

impl Kept {
    fn open(port: u16) -> Self {
        let process = tokio::process::Command::new("openssl")
            .args(["s_client", "-quiet", "-no_ign_eof", "-connect", &format!("localhost:{port}")])
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        Self { process }
    }

    async fn ask(&mut self) {
        let request = b"GET /realms/jiangxi/.well-known/openid-configuration HTTP/1.1\r\nHost: localhost\r\n\r\n";
        self.process.stdin.as_mut().unwrap().write_all(request).await.unwrap();
        let mut seen = Vec::new();
        let mut part = vec![0; 16384];
        while !seen.ends_with(b"}") {
            let more = self.process.stdout.as_mut().unwrap().read(&mut part);
            let n = tokio::time::timeout(Duration::from_secs(5), more).await.unwrap().unwrap();
            assert!(n > 0, "the old connection was closed: {}", String::from_utf8_lossy(&seen));
            seen.extend_from_slice(&part[..n]);
        }
        assert!(seen.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&seen));
    }
}
