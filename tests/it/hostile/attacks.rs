//! What strangers can send. Each attack is one turn of one attacker and tells how many bytes it sent.

use std::pin::Pin;
use std::time::Duration;

use super::line::{Line, Turn, header};
use crate::kit::{FILING, authorize_url};

type Attack = fn(Turn) -> Pin<Box<dyn Future<Output = usize> + Send>>;

pub const ATTACKS: [(&str, Attack); 22] = [
    ("requests", |turn| Box::pin(requests(turn))),
    ("long requests", |turn| Box::pin(long_requests(turn))),
    ("unknown parameters", |turn| Box::pin(unknown_parameters(turn))),
    ("heads", |turn| Box::pin(heads(turn))),
    ("pages", |turn| Box::pin(pages(turn))),
    ("guesses", |turn| Box::pin(guesses(turn))),
    ("sliders", |turn| Box::pin(sliders(turn))),
    ("tokens", |turn| Box::pin(tokens(turn))),
    ("bearers", |turn| Box::pin(bearers(turn))),
    ("bodies", |turn| Box::pin(bodies(turn))),
    ("too long bodies", |turn| Box::pin(too_long_bodies(turn))),
    ("half requests", |turn| Box::pin(half_requests(turn))),
    ("late bodies", |turn| Box::pin(late_bodies(turn))),
    ("cookies", |turn| Box::pin(cookies(turn))),
    ("phones", |turn| Box::pin(phones(turn))),
    ("streams", |turn| Box::pin(streams(turn))),
    ("idle", |turn| Box::pin(idle(turn))),
    ("takes nothing", |turn| Box::pin(takes_nothing(turn))),
    ("leaves answers", |turn| Box::pin(leaves_answers(turn))),
    ("fields", |turn| Box::pin(fields(turn))),
    ("resets", |turn| Box::pin(resets(turn))),
    ("settings and pings", |turn| Box::pin(settings_and_pings(turn))),
];

/// For connections that are held open at the same time.
const HELD: usize = 60;
/// How long each holds what it has.
const HOLD: Duration = Duration::from_millis(1500);

fn get(path: &str, headers: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: hufu\r\n{headers}\r\n").into_bytes()
}

fn post(path: &str, headers: &str, body: &str) -> Vec<u8> {
    format!(
        "POST /realms/jiangxi{path} HTTP/1.1\r\nHost: hufu\r\n{headers}Content-Length: {}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// The same request again and again on one connection, for as long as it is answered.
async fn repeat(turn: Turn, n: usize, request: impl Fn(usize) -> Vec<u8>) -> usize {
    let Some(mut line) = Line::open(turn).await else { return 0 };
    for i in 0..n {
        if line.ask(&request(turn.number * 1000 + i)).await.is_none() {
            break;
        }
    }
    line.sent
}

async fn requests(turn: Turn) -> usize {
    repeat(turn, 40, |_| get(&asked(""), "")).await
}

/// As the demo's application asks, which listens elsewhere; the answer is a page or a way to one.
fn asked(hint: &str) -> String {
    authorize_url(&FILING, &[("redirect_uri", ""), ("login_hint", hint)])
}

async fn long_requests(turn: Turn) -> usize {
    repeat(turn, 40, |_| get(&begun(turn, &"x".repeat(4500)), "")).await
}

/// One that begins a sign-in.
fn begun(turn: Turn, hint: &str) -> String {
    let redirect_uri = format!("http://localhost:{}/callback", turn.port + 2);
    authorize_url(&FILING, &[("redirect_uri", &redirect_uri), ("login_hint", hint)])
}

async fn unknown_parameters(turn: Turn) -> usize {
    repeat(turn, 40, |n| get(&format!("{}&x{n}={}", begun(turn, ""), "y".repeat(25_000)), "")).await
}

async fn heads(turn: Turn) -> usize {
    let long = format!("X-Long: {}\r\n", "x".repeat(200_000));
    repeat(turn, 1, |_| get("/realms/jiangxi/login", &long)).await
        + repeat(turn, 1, |_| get(&format!("/{}", "a".repeat(200_000)), "")).await
        + repeat(turn, 1, |_| get("/", &"A: b\r\n".repeat(20_000))).await
}

struct Page {
    line: Line,
    cookie: String,
    text: String,
}

/// The sign-in page of a new sign-in.
async fn page(turn: Turn) -> Option<Page> {
    let mut line = Line::open(turn).await?;
    let begun = line.ask(&get(&begun(turn, ""), "")).await?;
    let cookie = header(&begun.head, "set-cookie")?.split(';').next()?.to_owned();
    let to = header(&begun.head, "location")?.to_owned();
    let shown = line.ask(&get(&to, &format!("Cookie: {cookie}\r\n"))).await?;
    Some(Page { line, cookie, text: shown.body })
}

impl Page {
    fn field(&self, name: &str) -> &str {
        let after = self.text.split(&format!("name=\"{name}\" value=\"")).nth(1);
        after.and_then(|rest| rest.split('"').next()).unwrap_or_default()
    }
}

async fn pages(turn: Turn) -> usize {
    let mut sent = 0;
    for _ in 0..10 {
        let Some(page) = page(turn).await else { return sent };
        sent += page.line.sent;
    }
    sent
}

/// Made-up people, and a password of the longest kind.
async fn guesses(turn: Turn) -> usize {
    let Some(mut page) = page(turn).await else { return 0 };
    let cookie = format!("Cookie: {}\r\n", page.cookie);
    for n in 0..5 {
        let form = format!(
            "t={}&csrf={}&slider_id={}&slider=100&entrance=enterprise&personal_id=nobody{}x{n}\
             &enterprise_number=91360100MA35ABCD43&password={}",
            page.field("t"),
            page.field("csrf"),
            page.field("slider_id"),
            turn.number,
            "P".repeat(100),
        );
        let Some(shown) = page.line.ask(&post("/login/credentials", &cookie, &form)).await else {
            break;
        };
        page.text = shown.body;
    }
    page.line.sent
}

async fn sliders(turn: Turn) -> usize {
    let Some(mut page) = page(turn).await else { return 0 };
    let cookie = format!("Cookie: {}\r\n", page.cookie);
    let form = |n: usize| {
        format!(
            "t={}&csrf={}&entrance=enterprise&slider=100&slider_id={n}{}",
            page.field("t"),
            page.field("csrf"),
            "s".repeat(30_000)
        )
    };
    for form in (0..10).map(form).collect::<Vec<_>>() {
        if page.line.ask(&post("/login/credentials", &cookie, &form)).await.is_none() {
            break;
        }
    }
    page.line.sent
}

async fn tokens(turn: Turn) -> usize {
    let proof = format!("DPoP: {}\r\n", "e".repeat(8000));
    repeat(turn, 40, |n| {
        let form = format!(
            "client_id=desktop&grant_type=authorization_code&code={n}&x={}",
            "y".repeat(40_000)
        );
        post("/token", &proof, &form)
    })
    .await
}

async fn bearers(turn: Turn) -> usize {
    let bearer = format!("Authorization: Bearer {}\r\n", "a.b".repeat(6000));
    let basic = format!("Authorization: Basic {}\r\n", "YTpi".repeat(4000));
    let own = [("/userinfo", &bearer), ("/introspect", &basic), ("/revoke", &basic)];
    let more = [("/ssf/poll", &bearer), ("/admin/import", &bearer), ("/app/scan", &bearer)];
    repeat(turn, 36, |n| {
        let (path, headers) = own.iter().chain(&more).nth(n % 6).unwrap();
        post(path, headers, &format!("token={n}{}", "t".repeat(20_000)))
    })
    .await
}

/// Every address that takes a form gets the longest one.
async fn bodies(turn: Turn) -> usize {
    let paths = [
        "/authorize",
        "/logout",
        "/login/credentials",
        "/login/second_factor",
        "/login/new_password",
        "/login/agreements",
        "/login/choose_identity",
        "/login/passkey",
        "/login/scan",
        "/choose",
        "/consent",
        "/leave",
        "/account/switch",
        "/q/x",
        "/nothing",
    ];
    let body = format!("a={}", "b".repeat(64_000));
    repeat(turn, 30, |n| post(paths[n % paths.len()], "", &body)).await
}

async fn too_long_bodies(turn: Turn) -> usize {
    let body = "x".repeat(1 << 20);
    let mut sent = repeat(turn, 1, |_| post("/token", "", &body)).await;
    if let Some(mut line) = Line::open(turn).await {
        let head = "POST /realms/jiangxi/token HTTP/1.1\r\nHost: hufu\r\n\
                    Transfer-Encoding: chunked\r\n\r\n";
        line.send(head.as_bytes()).await;
        let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
        for _ in 0..16 {
            if !line.send(chunk.as_bytes()).await {
                break;
            }
        }
        sent += line.sent;
    }
    sent
}

/// Many at once, each with this, held for a while.
async fn held(turn: Turn, first: &[u8]) -> usize {
    let mut lines = Vec::new();
    for _ in 0..HELD {
        let Some(mut line) = Line::open(turn).await else { break };
        line.send(first).await;
        lines.push(line);
    }
    tokio::time::sleep(HOLD).await;
    lines.iter().map(|line| line.sent).sum()
}

async fn half_requests(turn: Turn) -> usize {
    let head = format!("GET /realms/jiangxi/login HTTP/1.1\r\nHost: {}", "h".repeat(15_000));
    held(turn, head.as_bytes()).await
}

async fn late_bodies(turn: Turn) -> usize {
    let mut request = post("/token", "", &"x".repeat(60_000));
    request.truncate(request.len() - 1);
    held(turn, &request).await
}

async fn idle(turn: Turn) -> usize {
    held(turn, &get("/realms/jiangxi/jwks", "")).await
}

async fn takes_nothing(turn: Turn) -> usize {
    held(turn, &get("/realms/jiangxi/assets/hufu.css", "").repeat(200)).await
}

async fn cookies(turn: Turn) -> usize {
    let cookies: Vec<String> =
        (0..40).map(|n| format!("hufu-login-{n}-jiangxi={}", "c".repeat(500))).collect();
    let headers = format!("Cookie: {}\r\n", cookies.join("; "));
    let paths = ["/login", "/login/credentials?t=1", "/account", "/logout", "/signed-in"];
    repeat(turn, 40, |n| get(&format!("/realms/jiangxi{}", paths[n % 5]), &headers)).await
}

/// Codes that nobody has shown, and whatever else is asked by name.
async fn phones(turn: Turn) -> usize {
    let long = "q".repeat(5000);
    repeat(turn, 40, |n| match n % 6 {
        0 => get(&format!("/realms/jiangxi/q/{n}{long}"), ""),
        1 => post(&format!("/q/{n}{long}"), "Cookie: hufu-phone-jiangxi=x\r\n", "act=confirm"),
        2 => get(&format!("/realms/jiangxi/q/{n}/face?order={long}"), ""),
        3 => get(&format!("/realms/jiangxi/login/scan/state?t={n}&q={long}&v=x"), ""),
        4 => get(&format!("/realms/jiangxi/login?return_to={long}"), ""),
        _ => get(&format!("/realms/jiangxi/language?to=en&back=/realms/jiangxi/{long}"), ""),
    })
    .await
}

async fn streams(turn: Turn) -> usize {
    let Some(page) = page(turn).await else { return 0 };
    let Some(path) = page.text.split("data-scan=\"").nth(1) else { return page.line.sent };
    let path = path.split('"').next().unwrap_or_default().replace("&amp;", "&");
    let path = path.replace("&#x2F;", "/");
    let request = get(&path, &format!("Cookie: {}\r\n", page.cookie));
    page.line.sent + held(turn, &request).await
}

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// HTTP/2: a stream with these fields (RFC 7541, appendix A).
fn stream(id: u32, block: &[u8]) -> Vec<u8> {
    let length = u32::try_from(block.len()).unwrap().to_be_bytes();
    [&length[1..], b"\x01\x05", &id.to_be_bytes(), block].concat()
}

/// `GET /` in a stream, and its reset (CVE-2023-44487).
fn reset(id: u32) -> Vec<u8> {
    let asks = stream(id, b"\x82\x86\x84\x01\x04hufu");
    [asks, [&b"\0\0\x04\x03\0"[..], &id.to_be_bytes(), b"\0\0\0\x08"].concat()].concat()
}

/// Answers of which the client's window takes one byte (CVE-2019-9511).
async fn leaves_answers(turn: Turn) -> usize {
    let path = b"/realms/jiangxi/login/credentials?t=x";
    let block = [&b"\x82\x86\x04\x25"[..], path, b"\x01\x04hufu"].concat();
    let settings = b"\0\0\x06\x04\0\0\0\0\0\0\x04\0\0\0\x01";
    let asks = (0..64).flat_map(|n| stream(2 * n + 1, &block));
    let all: Vec<u8> = PREFACE[..24].iter().chain(settings).copied().chain(asks).collect();
    held(turn, &all).await
}

/// Hundreds of fields in as many bytes, and a body that never comes.
async fn fields(turn: Turn) -> usize {
    let block = [&b"\x83\x86\x84\x01\x04hufu\x40\x01x\x01y"[..], &[0xbe; 800]].concat();
    let asks = (0..60).flat_map(|n| {
        let mut headers = stream(2 * n + 1, &block);
        headers[4] = 4;
        headers
    });
    let all: Vec<u8> = PREFACE.iter().copied().chain(asks).collect();
    held(turn, &all).await
}

async fn resets(turn: Turn) -> usize {
    let Some(mut line) = Line::open(turn).await else { return 0 };
    line.send(PREFACE).await;
    let flood: Vec<u8> = (0..2000_u32).flat_map(|n| reset(2 * n + 1)).collect();
    line.send(&flood).await;
    line.hold(HOLD).await;
    line.sent
}

async fn settings_and_pings(turn: Turn) -> usize {
    let Some(mut line) = Line::open(turn).await else { return 0 };
    line.send(PREFACE).await;
    let settings = b"\0\0\x06\x04\0\0\0\0\0\0\x03\0\0\0\x64";
    let ping = b"\0\0\x08\x06\0\0\0\0\0abcdefgh";
    let flood = [&settings[..], ping].concat().repeat(5000);
    for _ in 0..10 {
        if !line.send(&flood).await {
            break;
        }
    }
    tokio::time::sleep(HOLD).await;
    line.sent
}
