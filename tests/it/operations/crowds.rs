//! Connections that want too much: too many, too slow, too long, over http and TLS, HTTP/1 and 2. Those
//! who ask as usual go on.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::{Duration, Instant};

use hufu::domain::place::Place;
use hufu::web::client_ip::Proxies;
use hufu::web::connection::{Gate, MOST};
use hufu::web::crowd::{Crowd, Most};
use hufu::web::server::{listen, serve_within};
use hufu::web::stopping::Stopping;
use hufu::web::tls::TlsFiles;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinHandle;

use crate::kit::demo::{free_ports, wait_for};
use crate::kit::{On, TestApp};

struct Served {
    app: TestApp,
    address: SocketAddr,
    task: JoinHandle<std::io::Result<()>>,
}

impl Drop for Served {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn served(gate: Gate, tls: bool) -> Served {
    let app = TestApp::start(On::Sqlite).await;
    let address = SocketAddr::from(([127, 0, 0, 1], free_ports()));
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let files = tls.then(|| TlsFiles {
        certificate: data.join("localhost.cert.pem"),
        key: data.join("localhost.key.pem"),
    });
    let listener = listen(address).unwrap();
    let router = app.router.clone();
    let task = tokio::spawn(async move {
        serve_within(listener, router, files, gate, &Stopping::default()).await
    });
    wait_for(address.port()).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    Served { app, address, task }
}

async fn connect(from: &str, to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::new(from.parse::<IpAddr>().unwrap(), 0)).unwrap();
    socket.connect(to).await.unwrap()
}

const ASK: &[u8] = b"GET /realms/jiangxi/jwks HTTP/1.1\r\nHost: hufu\r\n\r\n";

/// Whether the connection answers; it stays open.
async fn asks(stream: &mut TcpStream) -> bool {
    if stream.write_all(ASK).await.is_err() {
        return false;
    }
    let mut answer = vec![0; 16_384];
    let read = tokio::time::timeout(Duration::from_secs(5), stream.read(&mut answer)).await;
    matches!(read, Ok(Ok(n)) if answer[..n].starts_with(b"HTTP/1.1 200"))
}

/// Issue 13, 3: connections have a limit in all and one for each place; a listed proxy speaks for many;
/// who is inside goes on, and who leaves makes room.
#[tokio::test(flavor = "multi_thread")]
async fn connections_have_a_limit_in_all_and_for_each_place() {
    let proxies = Proxies { trusted: vec!["127.0.0.9".parse().unwrap()], ..Proxies::default() };
    let served = served(Gate::new(Most { in_all: 12, of_place: 5 }, proxies), false).await;
    let mut honest = connect("127.0.0.2", served.address).await;
    assert!(asks(&mut honest).await);
    let mut greedy = Vec::new();
    for n in 0..8 {
        let mut stream = connect("127.0.0.3", served.address).await;
        assert_eq!(asks(&mut stream).await, n < 5, "{n}");
        greedy.push(stream);
    }
    let mut proxied = Vec::new();
    for n in 0..6 {
        let mut stream = connect("127.0.0.9", served.address).await;
        assert!(asks(&mut stream).await, "{n}");
        proxied.push(stream);
    }
    assert!(!asks(&mut connect("127.0.0.4", served.address).await).await, "no room for anybody");
    assert!(!asks(&mut connect("127.0.0.9", served.address).await).await);
    assert!(asks(&mut honest).await, "who is inside goes on");
    drop(greedy);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(asks(&mut connect("127.0.0.4", served.address).await).await, "there is room again");
}

/// A crowd counts its places exactly, however many come and go at once.
#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_is_empty_when_everybody_has_left() {
    let crowd = Crowd::new("test", Most { in_all: 50, of_place: 20 });
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..200_u32 {
        let crowd = std::sync::Arc::clone(&crowd);
        tasks.spawn(async move {
            let place = (n % 7 != 0).then(|| Place::of([203, 0, 113, (n % 3) as u8].into()));
            let mut most = 0;
            for _ in 0..50 {
                let seat = crowd.enter(place);
                tokio::task::yield_now().await;
                most = most.max(crowd.n_inside());
                drop(seat);
            }
            most
        });
    }
    let most = tasks.join_all().await.into_iter().max().unwrap();
    assert!((1..=50).contains(&most), "{most}");
    assert_eq!(crowd.n_inside(), 0);
    let place = Some(Place::of([203, 0, 113, 1].into()));
    let inside: Vec<_> = (0..30).filter_map(|_| crowd.enter(place)).collect();
    assert_eq!(inside.len(), 20);
}

/// A /64 of IPv6 has half of what an IPv4 address has, and all that lie in one /56 have as much as that
/// together: whoever has hundreds of them takes no more.
#[test]
fn a_crowd_counts_networks_within_networks() {
    let crowd = Crowd::new("test", Most { in_all: 100, of_place: 20 });
    let mut inside = Vec::new();
    for (from, finds_room) in [
        ("2001:db8::1", 10),
        ("2001:db8::ffff:1", 0),
        ("2001:db8:0:1::1", 10),
        ("2001:db8:0:2::1", 0),
        ("2001:db8:0:ff::1", 0),
        ("2001:db8:0:100::1", 10),
        ("2001:db8:1::1", 10),
        ("203.0.113.1", 20),
        ("::ffff:203.0.113.1", 0),
        ("203.0.113.2", 20),
    ] {
        let place = Some(Place::of(from.parse().unwrap()));
        let seats: Vec<_> = (0..30).filter_map(|_| crowd.enter(place)).collect();
        assert_eq!(seats.len(), finds_room, "{from}");
        assert!(crowd.is_crowded(place), "{from}");
        inside.extend(seats);
    }
    drop(inside);
    assert_eq!(crowd.n_inside(), 0);
    let place = Some(Place::of("2001:db8:0:2::1".parse().unwrap()));
    assert!(!crowd.is_crowded(place) && crowd.enter(place).is_some());
}

/// HTTP/2 with this much room in the window of each stream (RFC 9113 §6.5.2), and `n` requests.
fn asks_of_two(window: u32, path: &str, n: u32) -> Vec<u8> {
    let mut all = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\x06\x04\0\0\0\0\0\0\x04".to_vec();
    all.extend(window.to_be_bytes());
    for stream in (0..n).map(|n| 2 * n + 1) {
        all.extend(request_of_two(stream, path, &[]));
    }
    all
}

/// One stream: GET, http, path, authority, and these fields as they are (RFC 7541, appendix A).
fn request_of_two(stream: u32, path: &str, fields: &[u8]) -> Vec<u8> {
    let length = u8::try_from(path.len()).unwrap();
    let block = [b"\x82\x86\x04", &[length][..], path.as_bytes(), b"\x01\x04hufu", fields].concat();
    let length = u32::try_from(block.len()).unwrap().to_be_bytes();
    [&length[1..], b"\x01\x05", &stream.to_be_bytes(), &block].concat()
}

const PING: &[u8] = b"\0\0\x08\x06\0\0\0\0\0abcdefgh";
/// `:status` as the server writes it, which Huffman makes shorter.
const STATUS_431: &[u8] = &[0x48, 0x83, 0x69, 0x90, 0xff];
const STYLES: &str = "/realms/jiangxi/assets/hufu.css";

async fn read_for(stream: &mut TcpStream, time: Duration) -> Vec<u8> {
    let mut all = Vec::new();
    let reading = async { while stream.read_buf(&mut all).await.is_ok_and(|n| n > 0) {} };
    let _ = tokio::time::timeout(time, reading).await;
    all
}

/// Issue 13, 3: an answer has its seat until it is taken, whatever of it the client's window leaves
/// waiting; whoever leaves many is cut off early, and others are answered meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn answers_have_a_limit_until_they_are_taken() {
    tokio::join!(leaves(0), leaves(1), leaves(5000), leaves(13_000));
}

async fn leaves(window: u32) {
    let most = Most { in_all: 60, of_place: 20 };
    let served = served(Gate::new(most, Proxies::default()), false).await;
    let mut leaves = connect("127.0.0.3", served.address).await;
    leaves.write_all(&asks_of_two(window, STYLES, 30)).await.unwrap();
    tokio::time::sleep(Duration::from_millis(700)).await;
    assert!(!asks(&mut connect("127.0.0.3", served.address).await).await, "{window}");
    assert!(asks(&mut connect("127.0.0.4", served.address).await).await, "{window}");
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(9) && leaves.write_all(PING).await.is_ok() {
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    assert!(began.elapsed() < Duration::from_secs(9), "{window}");
    assert!(asks(&mut connect("127.0.0.3", served.address).await).await, "{window}");
}

/// With room enough all of it arrives, and the seats are free again.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_takes_their_answers_gets_them_whole() {
    let most = Most { in_all: 60, of_place: 20 };
    let served = served(Gate::new(most, Proxies::default()), false).await;
    let styles = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/hufu.css")).unwrap();
    let mut takes = connect("127.0.0.3", served.address).await;
    // Two fit what a client takes of all streams together, unless it says otherwise.
    takes.write_all(&asks_of_two(1 << 20, STYLES, 2)).await.unwrap();
    let read = read_for(&mut takes, Duration::from_secs(1)).await;
    let end = &styles[styles.len() - 256..];
    assert_eq!(read.windows(256).filter(|part| *part == end).count(), 2);
    for _ in 0..30 {
        let ask = format!("GET {STYLES} HTTP/1.1\r\nHost: hufu\r\nConnection: close\r\n\r\n");
        let mut stream = connect("127.0.0.3", served.address).await;
        stream.write_all(ask.as_bytes()).await.unwrap();
        let read = read_for(&mut stream, Duration::from_secs(5)).await;
        assert!(read.ends_with(&styles));
        let head = String::from_utf8_lossy(&read[..read.len() - styles.len()]).into_owned();
        assert!(head.contains(&format!("content-length: {}\r\n", styles.len())), "{head}");
    }
}

/// Two bytes name a field that was sent before: hundreds of them are refused as with HTTP/1.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_has_a_hundred_fields_at_most() {
    let served = served(Gate::default(), false).await;
    for (n, is_refused) in [(90, false), (101, true), (800, true)] {
        let mut stream = connect("127.0.0.3", served.address).await;
        // `x: y`, of which the second and all others are one byte.
        let fields = [b"\x40\x01x\x01y".to_vec(), vec![0xbe; n - 1]].concat();
        let mut all = asks_of_two(1 << 20, STYLES, 0);
        all.extend(request_of_two(1, "/realms/jiangxi/jwks", &fields));
        stream.write_all(&all).await.unwrap();
        let read = read_for(&mut stream, Duration::from_millis(500)).await;
        let found = read.windows(STATUS_431.len()).any(|part| part == STATUS_431);
        assert_eq!(found, is_refused, "{n}");
    }
}

/// What a client does until it is cut off.
#[derive(Clone, Copy, Debug)]
enum Doing {
    /// Asks with HTTP/2, has this much room for each answer, and pings.
    Leave(u32),
    Nothing,
    /// Sends this and waits.
    Once(&'static [u8]),
    /// Sends this, then one byte a second.
    Drip(&'static [u8]),
    /// Asks for as much as it can and takes nothing.
    Gorge,
}

const HALF: &[u8] = b"GET /realms/jiangxi/jwks HTTP/1.1\r\nHost: hufu\r\nX-Long: ";
const BODY: &[u8] =
    b"POST /realms/jiangxi/token HTTP/1.1\r\nHost: hufu\r\nContent-Length: 6000\r\n\
    Content-Type: application/x-www-form-urlencoded\r\n\r\ngrant_type=";
const CHUNKS: &[u8] = b"POST /realms/jiangxi/token HTTP/1.1\r\nHost: hufu\r\n\
    Transfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n";
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
/// The beginning of a request with HTTP/2 whose headers never end.
const HALF_OF_TWO: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0\
    \0\0\x03\x01\0\0\0\0\x01\x82\x86\x84";
const HELLO: &[u8] = b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03";

/// How long until the server has closed.
async fn until_closed(address: SocketAddr, doing: Doing) -> Duration {
    let began = Instant::now();
    let mut stream = connect("127.0.0.5", address).await;
    let (first, drips) = match doing {
        Doing::Nothing => (&b""[..], false),
        Doing::Once(bytes) => (bytes, false),
        Doing::Drip(bytes) => (bytes, true),
        Doing::Gorge => {
            gorge(&mut stream).await;
            return began.elapsed();
        }
        Doing::Leave(window) => {
            stream.write_all(&asks_of_two(window, STYLES, 5)).await.unwrap();
            while began.elapsed() < Duration::from_secs(40) && stream.write_all(PING).await.is_ok()
            {
                tokio::time::sleep(Duration::from_millis(300)).await;
            }
            return began.elapsed();
        }
    };
    stream.write_all(first).await.unwrap();
    let mut rest = [0; 4096];
    loop {
        match tokio::time::timeout(Duration::from_secs(1), stream.read(&mut rest)).await {
            Ok(Ok(0) | Err(_)) => return began.elapsed(),
            Ok(Ok(_)) => {}
            Err(_) if drips && stream.write_all(b"x").await.is_err() => return began.elapsed(),
            Err(_) => {}
        }
        if began.elapsed() > Duration::from_secs(40) {
            return began.elapsed();
        }
    }
}

async fn gorge(stream: &mut TcpStream) {
    let began = Instant::now();
    while began.elapsed() < Duration::from_mins(1) {
        let asked = tokio::time::timeout(Duration::from_secs(1), stream.write_all(ASK)).await;
        if matches!(asked, Ok(Err(_))) {
            return;
        }
    }
}

/// Issue 13, 3: whoever has not asked after ten seconds, sends a body for longer than that or takes
/// nothing of the answer is cut off; an idle connection is kept for those who ask again, as proxies do.
#[tokio::test(flavor = "multi_thread")]
async fn who_is_too_slow_is_cut_off() {
    let gate = || Gate::new(MOST, Proxies::default());
    let (plain, tls) = (served(gate(), false).await, served(gate(), true).await);
    let mut kept = connect("127.0.0.2", plain.address).await;
    assert!(asks(&mut kept).await);
    let mut all = tokio::task::JoinSet::new();
    for (address, doing, most) in [
        (plain.address, Doing::Nothing, 14),
        (plain.address, Doing::Once(HALF), 14),
        (plain.address, Doing::Drip(HALF), 14),
        (plain.address, Doing::Once(PREFACE), 14),
        (plain.address, Doing::Drip(&PREFACE[..20]), 14),
        (plain.address, Doing::Once(HALF_OF_TWO), 14),
        (plain.address, Doing::Once(BODY), 14),
        (plain.address, Doing::Drip(BODY), 14),
        (plain.address, Doing::Once(CHUNKS), 14),
        (plain.address, Doing::Gorge, 32),
        (plain.address, Doing::Leave(0), 26),
        (plain.address, Doing::Leave(5000), 26),
        (tls.address, Doing::Nothing, 14),
        (tls.address, Doing::Once(HELLO), 14),
        (tls.address, Doing::Drip(HELLO), 14),
    ] {
        all.spawn(async move {
            let took = until_closed(address, doing).await;
            (took < Duration::from_secs(most), format!("{doing:.40?}: {took:?}"))
        });
    }
    let outcomes = all.join_all().await;
    let wrong: Vec<_> = outcomes.iter().filter(|(is_right, _)| !is_right).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(asks(&mut kept).await, "half a minute is no reason to close");
}

/// Issue 13, 3: bodies that are late have a limit of their own, and one that is too long is refused
/// before it is read.
#[tokio::test(flavor = "multi_thread")]
async fn late_and_long_bodies_are_refused() {
    let served = served(Gate::default(), false).await;
    let status = async |request: &[u8]| {
        let mut stream = connect("127.0.0.2", served.address).await;
        stream.write_all(request).await.unwrap();
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).await.unwrap();
        String::from_utf8(answer[9..].to_vec()).unwrap()
    };
    let long = |length: usize, sent: usize| {
        let head = format!(
            "POST /realms/jiangxi/token HTTP/1.1\r\nHost: hufu\r\nContent-Length: {length}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\n\r\n"
        );
        [head.into_bytes(), vec![b'x'; sent]].concat()
    };
    for (length, sent, expected) in
        [(60_000, 60_000, "401"), (65_537, 0, "413"), (1 << 40, 100, "413"), (10, 10, "401")]
    {
        assert_eq!(status(&long(length, sent)).await, expected, "{length} {sent}");
    }
    let late = &served.app.app.crowds().late;
    let mut seats = Vec::new();
    while let Some(seat) = late.enter(None) {
        seats.push(seat);
    }
    let began = Instant::now();
    assert_eq!(status(&long(100, 10)).await, "503");
    assert!(began.elapsed() < Duration::from_secs(3));
    assert_eq!(status(&long(10, 10)).await, "401", "a body that is there is not late");
    drop(seats);
    assert_eq!(status(&long(100, 10)).await, "408");
}

/// Issue 13, 3: streams of events have a limit; a page whose stream is refused asks by itself.
#[tokio::test(flavor = "multi_thread")]
async fn streams_of_events_have_a_limit() {
    let app = TestApp::start(On::Sqlite).await;
    let mut browser = app.browser();
    let page = browser.get(&crate::kit::authorize_url(&crate::kit::FILING, &[])).await;
    let (_, fields) = page.filled(&[("app", "tax_app")]);
    let query = format!("t={}&q={}&v={}", fields["t"], fields["q"], fields["v"]);
    let streams = &app.app.crowds().streams;
    let mut seats = Vec::new();
    while let Some(seat) = streams.enter(Some(app.ctx.place())) {
        seats.push(seat);
    }
    let events = format!("/realms/jiangxi/login/scan/events?{query}");
    let refused = browser.once("GET", &events, None).await;
    assert_eq!(refused.status.as_u16(), 503);
    assert!(refused.header("retry-after").is_some());
    let state = browser.get(&format!("/realms/jiangxi/login/scan/state?{query}")).await;
    assert_eq!(state.status.as_u16(), 200);
    drop(seats);
    assert_eq!(streams.n_inside(), 0);
}
