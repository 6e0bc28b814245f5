//! nginx's defaults: buffers of 4 and 8 KiB, and events that it would rather keep.

use std::sync::Arc;
use std::time::Duration;

use axum::http::{StatusCode, header};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;
use tokio::time::{Instant, timeout};

use super::has_all;
use super::stack::Stack;
use crate::cutter::Trouble;
use crate::cutter::honest::{Client, Visitor};
use crate::cutter::ledger::Ledger;
use crate::kit::browser::{Shown, unescape};
use crate::kit::{Browser, EXAMPLE, FILING, PASSWORD, authorize_url};

/// Bytes of `state` and of `nonce` that applications send; the last two are more than is taken.
const LENGTHS: [usize; 8] = [0, 300, 600, 700, 900, 2048, 2049, 3000];
const LONGEST: usize = 2048;

/// A request of this length; `nonce` is no longer than is taken.
fn request(length: usize) -> String {
    let (state, nonce) = ("s".repeat(length), "n".repeat(length.min(LONGEST)));
    authorize_url(&FILING, &[("state", &state), ("nonce", &nonce)])
}

fn all_cookies(browser: &Browser) -> usize {
    browser.cookies.iter().map(|(name, value)| name.len() + value.len() + 3).sum()
}

/// Issue 13, 3 and 4: sixteen sign-ins that nobody ends, with requests of every length: each page
/// arrives through nginx's buffers, and a sign-in goes through to its end.
#[tokio::test(flavor = "multi_thread")]
async fn whatever_a_person_does_fits_the_buffers_of_nginx() {
    if !has_all() {
        return;
    }
    let stack = Stack::start().await;
    for base in [stack.nginx.base(), stack.haproxy.base()] {
        let mut browser = Browser::over_http(&base);
        for n in 0..16 {
            let length = LENGTHS[n % LENGTHS.len()];
            let page = browser.get(&request(length)).await;
            if length > LONGEST {
                assert_eq!(page.answered("error").as_deref(), Some("invalid_request"));
                continue;
            }
            assert_eq!(page.status, StatusCode::OK, "{n}: state of {length}");
            assert!(all_cookies(&browser) < 8000, "{n}: {}", all_cookies(&browser));
            let longest = browser.cookies.values().map(String::len).max().unwrap();
            assert!(longest < 4096, "{n}: a cookie of {longest}");
            // Also where the person types something wrong.
            let refused = type_in(&mut browser, &page, "Wrong2026!").await;
            assert_eq!(refused.code(), Some("E_CREDENTIALS"), "{n}");
        }
        let page = browser.get(&request(0)).await;
        let page = type_in(&mut browser, &page, PASSWORD).await;
        assert_eq!(page.code(), None, "{}", page.text);
        // A session gives a code at once, with all of `state` in the address.
        let client = Client::new(stack.provider_at(base), Arc::new(Ledger::new(Trouble::None)));
        let signed_in = Visitor::sign_in(&client, 6).await.unwrap();
        browser.headers.insert(header::COOKIE, signed_in.cookies().parse().unwrap());
        browser.cookies.clear();
        for length in LENGTHS.into_iter().filter(|length| *length <= LONGEST) {
            let done = browser.get(&request(length)).await;
            assert_eq!(done.answered("state").unwrap_or_default().len(), length);
            assert!(done.answered("code").is_some());
        }
        tokio::time::sleep(Duration::from_millis(1100)).await;
    }
}

async fn type_in(browser: &mut Browser, page: &Shown, password: &str) -> Shown {
    let values = [
        ("enterprise_number", EXAMPLE),
        ("personal_id", "honest5"),
        ("password", password),
        ("slider", "100"),
    ];
    browser.submit(page, &values).await
}

/// A page that shows a code to scan, and its event stream.
struct Watched {
    lines: Lines<BufReader<OwnedReadHalf>>,
    _write: tokio::net::tcp::OwnedWriteHalf,
}

impl Watched {
    /// As a browser does: HTTP/1.1, one connection that stays open.
    async fn open(port: u16, path: &str, cookies: &str) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let (read, mut write) = stream.into_split();
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: sso.example\r\nAccept: text/event-stream\r\n\
             Cookie: {cookies}\r\n\r\n"
        );
        write.write_all(request.as_bytes()).await.unwrap();
        Self { lines: BufReader::new(read).lines(), _write: write }
    }

    /// The next line that begins so; `None`: the stream ended.
    async fn next(&mut self, start: &str, within: Duration) -> Option<String> {
        let found = async {
            loop {
                match self.lines.next_line().await {
                    Ok(Some(line)) if line.starts_with(start) => return Some(line),
                    Ok(Some(_)) => {}
                    _ => return None,
                }
            }
        };
        timeout(within, found).await.unwrap_or_else(|_| panic!("no {start} within {within:?}"))
    }
}

/// Where the page's code tells how it stands.
async fn shown_code(base: &str) -> (String, String) {
    let mut browser = Browser::over_http(base);
    let page = browser.get(&authorize_url(&FILING, &[])).await;
    let path = page.text.split("data-scan=\"").nth(1).expect("no code to scan");
    let path = unescape(path.split('"').next().unwrap());
    let pairs = browser.cookies.iter().map(|(name, value)| format!("{name}={value}"));
    (path, pairs.collect::<Vec<_>>().join("; "))
}

/// Issue 13, 2 and 4: events come through at once, a comment keeps the connection, and a node that
/// stops ends the stream at once, so that the browser opens it again at the other.
#[tokio::test(flavor = "multi_thread")]
async fn events_arrive_at_once_and_move_to_the_other_node_when_theirs_stops() {
    if !has_all() {
        return;
    }
    let stack = Stack::start_with("stop_delay = 1000\n").await;
    let mut watched = Vec::new();
    for front in [&stack.nginx, &stack.haproxy, &stack.nginx, &stack.haproxy] {
        let (path, cookies) = shown_code(&front.base()).await;
        let begun = Instant::now();
        let mut stream = Watched::open(front.port, &path, &cookies).await;
        let first = stream.next("data:", Duration::from_secs(3)).await.unwrap();
        assert!(first.contains("\"new\""), "{first}");
        assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
        watched.push((front, path, cookies, stream));
    }
    for (_, _, _, stream) in &mut watched {
        assert!(stream.next(":", Duration::from_secs(20)).await.is_some());
    }
    for node in &stack.nodes {
        node.signal("TERM").await;
        let took = node.ended().await;
        assert!(took < Duration::from_secs(5), "streams kept it for {took:?}");
        for (front, path, cookies, stream) in &mut watched {
            let ended = timeout(Duration::from_millis(500), stream.lines.next_line()).await;
            if ended.is_ok_and(|line| line.is_ok_and(|line| line.is_some())) {
                continue;
            }
            // Whose node it was not goes on; the others come back, and hear where it stands.
            let mut again = Watched::open(front.port, path, cookies).await;
            let first = again.next("data:", Duration::from_secs(3)).await;
            assert!(first.is_some_and(|first| first.contains("\"new\"")));
            *stream = again;
        }
        node.start().await;
        tokio::time::sleep(Duration::from_millis(2500)).await;
    }
}

/// Issue 13, 4: half of a request is no harm to a stop, and a whole one is answered.
#[tokio::test(flavor = "multi_thread")]
async fn a_stop_answers_what_is_on_its_way() {
    if !has_all() {
        return;
    }
    let stack = Stack::start_with("stop_delay = 700\n").await;
    let port = stack.nodes[0].port;
    let mut silent = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let mut half = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    half.write_all(b"GET /realms/jiangxi/jwks HTTP/1.1\r\nHost: x\r\n").await.unwrap();
    stack.nodes[0].signal("TERM").await;
    tokio::time::sleep(Duration::from_millis(400)).await;
    half.write_all(b"\r\n").await.unwrap();
    silent.write_all(b"GET /realms/jiangxi/jwks HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    for stream in [&mut half, &mut silent] {
        let mut told = String::new();
        timeout(Duration::from_secs(5), stream.read_to_string(&mut told)).await.unwrap().unwrap();
        assert!(told.starts_with("HTTP/1.1 200 OK"), "{told}");
        assert!(told.to_ascii_lowercase().contains(&format!("{}: close", header::CONNECTION)));
    }
    let took = stack.nodes[0].ended().await;
    assert!(took < Duration::from_secs(5), "{took:?}");
    // The second signal does not wait.
    let node = &stack.nodes[1];
    node.signal("TERM").await;
    node.signal("TERM").await;
    node.ended().await;
}
