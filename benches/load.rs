//! Loads a running demo from outside, for `scripts/bench` and `scripts/stock`: what a generator of plain requests
//! cannot do, because each answer leads to the next request.
//!
//! `load (sign-in | code-flow | refresh | pages | token) <provider> <desk> <people> <seconds>`
//!
//! Prints how many were done in a second; `token` prints one access token instead. `load bare`
//! serves a constant answer on port 18099 for comparison: axum and nothing else.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::body::{Body, to_bytes};
use axum::http::{Request, Response, header};
use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use sha2::{Digest, Sha256};

type Failure = Box<dyn std::error::Error + Send + Sync>;

const CONNECTIONS: usize = 32;
const ENTERPRISE: &str = "91360100MA35ABCD43";
const PASSWORD: &str = "Hufu2026!";
const REDIRECT_URI: &str = "http://localhost:18082/callback";
const VERIFIER: &str = "a-verifier-that-is-long-enough-for-rfc-7636-to-accept-it";

struct Driver {
    http: Client<HttpConnector, Body>,
    provider: String,
    desk: String,
    people: usize,
    authorize: String,
    secret: String,
}

impl Driver {
    fn new(provider: String, desk: String, people: usize) -> Self {
        let challenge = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER));
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("response_type", "code")
            .append_pair("client_id", "tax-filing")
            .append_pair("redirect_uri", REDIRECT_URI)
            .append_pair("scope", "openid profile tax_identity")
            .append_pair("state", "of-the-load")
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256")
            .finish();
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Self {
            http: Client::builder(TokioExecutor::new()).build(connector),
            authorize: format!("{provider}/authorize?{query}"),
            secret: BASE64_STANDARD.encode("tax-filing:demo-secret-of-tax-filing"),
            provider,
            desk,
            people,
        }
    }

    async fn send(&self, request: Request<Body>) -> Result<(Response<()>, String), Failure> {
        let (parts, body) = self.http.request(request).await?.into_parts();
        let body = to_bytes(Body::new(body), 1 << 20).await?;
        Ok((Response::from_parts(parts, ()), String::from_utf8(body.to_vec())?))
    }

    async fn redeem(&self, fields: &[(&str, &str)]) -> Result<serde_json::Value, Failure> {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = Request::post(format!("{}/token", self.provider))
            .header(header::AUTHORIZATION, format!("Basic {}", self.secret))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(body))?;
        let (answer, text) = self.send(request).await?;
        if !answer.status().is_success() {
            return Err(format!("{}: {text}", answer.status()).into());
        }
        Ok(serde_json::from_str(&text)?)
    }

    async fn redeem_code(&self, code: &str) -> Result<serde_json::Value, Failure> {
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", REDIRECT_URI),
            ("code_verifier", VERIFIER),
        ];
        self.redeem(&fields).await
    }
}

/// One browser of one person.
struct Visitor<'d> {
    driver: &'d Driver,
    cookies: BTreeMap<String, String>,
}

struct Shown {
    location: Option<String>,
    text: String,
}

impl Shown {
    fn hidden(&self, name: &str) -> Result<String, Failure> {
        let found = self.text.split(&format!("name=\"{name}\" value=\"")).nth(1);
        let found = found.and_then(|rest| rest.split('"').next());
        Ok(found.ok_or_else(|| format!("no {name} in {}", self.text))?.to_owned())
    }

    fn code(&self) -> Result<String, Failure> {
        let location = self.location.as_deref().unwrap_or_default();
        let query = location.split_once('?').map(|(_, query)| query).unwrap_or_default();
        let code = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "code");
        Ok(code.ok_or_else(|| format!("no code in {location}: {}", self.text))?.1.into_owned())
    }
}

impl Visitor<'_> {
    async fn ask(&mut self, url: &str, form: Option<&[(&str, &str)]>) -> Result<Shown, Failure> {
        let url = match url.strip_prefix('/') {
            Some(path) => format!("{}/{path}", origin(&self.driver.provider)),
            None => url.to_owned(),
        };
        let cookies: Vec<String> = self.cookies.iter().map(|(k, v)| format!("{k}={v}")).collect();
        let mut request = Request::builder().uri(url).header(header::COOKIE, cookies.join("; "));
        let mut body = Body::empty();
        if let Some(fields) = form {
            let mut text = form_urlencoded::Serializer::new(String::new());
            body = Body::from(text.extend_pairs(fields).finish());
            request = request
                .method("POST")
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        }
        let (answer, text) = self.driver.send(request.body(body)?).await?;
        for cookie in answer.headers().get_all(header::SET_COOKIE) {
            let pair = cookie.to_str()?.split(';').next().unwrap_or_default();
            if let Some((name, value)) = pair.split_once('=') {
                if value.is_empty() {
                    self.cookies.remove(name);
                } else {
                    self.cookies.insert(name.to_owned(), value.to_owned());
                }
            }
        }
        let location = answer.headers().get(header::LOCATION);
        Ok(Shown {
            location: location.map(|value| value.to_str().map(str::to_owned)).transpose()?,
            text,
        })
    }

    async fn follow(&mut self, shown: &Shown) -> Result<Shown, Failure> {
        let to = shown.location.clone().ok_or_else(|| format!("leads nowhere: {}", shown.text))?;
        self.ask(&to, None).await
    }

    /// From the application's link to its code: password, slider, SMS.
    async fn sign_in(&mut self, n: usize) -> Result<String, Failure> {
        let begun = self.ask(&self.driver.authorize, None).await?;
        let page = self.follow(&begun).await?;
        let (csrf, t) = (page.hidden("csrf")?, page.hidden("t")?);
        let base = format!("{}/login", self.driver.provider);
        let fields = [
            ("csrf", csrf.as_str()),
            ("t", &t),
            ("entrance", "enterprise"),
            ("enterprise_number", ENTERPRISE),
            ("personal_id", &format!("bench{n}")),
            ("password", PASSWORD),
            ("slider_id", &page.hidden("slider_id")?),
            ("slider", "100"),
        ];
        let passed = self.ask(&format!("{base}/credentials"), Some(&fields)).await?;
        let page = self.follow(&passed).await?;
        let csrf = page.hidden("csrf")?;
        let url = format!("{base}/second_factor");
        let send = [("csrf", csrf.as_str()), ("t", &t), ("act", "send")];
        let sent = self.ask(&url, Some(&send)).await?;
        self.follow(&sent).await?;
        let code = self.sms(n).await?;
        let verify = [("csrf", csrf.as_str()), ("t", &t), ("act", "verify"), ("code", &code)];
        let done = self.ask(&url, Some(&verify)).await?;
        self.follow(&done).await?.code()
    }

    async fn sms(&self, n: usize) -> Result<String, Failure> {
        let request = Request::get(format!("{}/api/sms", self.driver.desk)).body(Body::empty())?;
        let (_, text) = self.driver.send(request).await?;
        let sent: serde_json::Value = serde_json::from_str(&text)?;
        let phone = format!("1380{n:07}");
        let to = |one: &&serde_json::Value| one["to"].as_str().is_some_and(|p| p.ends_with(&phone));
        let found = sent.as_array().and_then(|all| all.iter().find(to));
        let code = found.and_then(|one| one["code"].as_str());
        Ok(code.ok_or_else(|| format!("no code for {phone}"))?.to_owned())
    }
}

fn origin(url: &str) -> String {
    url.splitn(4, '/').take(3).collect::<Vec<_>>().join("/")
}

/// Signed in once for each connection, at most as many people as there are.
async fn signed_in(driver: &Driver) -> Result<Vec<Visitor<'_>>, Failure> {
    let mut visitors = Vec::new();
    for n in 0..CONNECTIONS.min(driver.people) {
        let mut visitor = Visitor { driver, cookies: BTreeMap::new() };
        let code = visitor.sign_in(n).await?;
        driver.redeem_code(&code).await?;
        visitors.push(visitor);
    }
    Ok(visitors)
}

async fn sign_ins(
    driver: &Driver,
    until: Instant,
    n: usize,
    done: &AtomicU64,
) -> Result<(), Failure> {
    let mut turn = n;
    while Instant::now() < until {
        let mut visitor = Visitor { driver, cookies: BTreeMap::new() };
        let code = visitor.sign_in(turn % driver.people).await?;
        driver.redeem_code(&code).await?;
        done.fetch_add(1, Ordering::Relaxed);
        turn += CONNECTIONS;
    }
    Ok(())
}

async fn flows(mut visitor: Visitor<'_>, until: Instant, done: &AtomicU64) -> Result<(), Failure> {
    while Instant::now() < until {
        let driver = visitor.driver;
        let code = visitor.ask(&driver.authorize, None).await?.code()?;
        driver.redeem_code(&code).await?;
        done.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}

async fn refreshes(
    mut visitor: Visitor<'_>,
    until: Instant,
    done: &AtomicU64,
) -> Result<(), Failure> {
    let driver = visitor.driver;
    let code = visitor.ask(&driver.authorize, None).await?.code()?;
    let mut tokens = driver.redeem_code(&code).await?;
    while Instant::now() < until {
        let refresh = tokens["refresh_token"].as_str().unwrap_or_default().to_owned();
        tokens =
            driver.redeem(&[("grant_type", "refresh_token"), ("refresh_token", &refresh)]).await?;
        done.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}

/// What somebody who is signed in reads in the account centre, one page after the other.
const PAGES: [&str; 5] =
    ["account", "account/person", "account/messages", "account/log", "account/handlers"];

async fn pages(mut visitor: Visitor<'_>, until: Instant, done: &AtomicU64) -> Result<(), Failure> {
    let provider = &visitor.driver.provider.clone();
    while Instant::now() < until {
        for page in PAGES {
            let shown = visitor.ask(&format!("{provider}/{page}"), None).await?;
            if shown.location.is_some() || !shown.text.contains("</main>") {
                return Err(format!("{page} is not shown: {}", shown.text).into());
            }
            done.fetch_add(1, Ordering::Relaxed);
        }
    }
    Ok(())
}

async fn bare() -> Result<(), Failure> {
    const ANSWER: &str = "{\"keys\": []}";
    let router = axum::Router::new().route("/", axum::routing::get(|| async { ANSWER }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:18099").await?;
    Ok(axum::serve(listener, router).await?)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|one| one != "--bench").collect();
    if arguments.first().is_some_and(|what| what == "bare") {
        return bare().await;
    }
    let [what, provider, desk, people, seconds] = arguments.as_slice() else {
        return Err("load <what> <provider> <desk> <people> <seconds>".into());
    };
    let driver: &'static Driver =
        Box::leak(Box::new(Driver::new(provider.clone(), desk.clone(), people.parse()?)));
    let visitors = if what == "sign-in" { Vec::new() } else { signed_in(driver).await? };
    if what == "token" {
        let mut visitor = visitors.into_iter().next().ok_or("nobody to sign in")?;
        let code = visitor.ask(&driver.authorize, None).await?.code()?;
        let tokens = driver.redeem_code(&code).await?;
        println!("{}", tokens["access_token"].as_str().unwrap_or_default());
        return Ok(());
    }
    let done = Arc::new(AtomicU64::new(0));
    let length = Duration::from_secs(seconds.parse()?);
    let (begun, until) = (Instant::now(), Instant::now() + length);
    let mut tasks = tokio::task::JoinSet::new();
    if what == "sign-in" {
        for n in 0..CONNECTIONS {
            let done = Arc::clone(&done);
            tasks.spawn(async move { sign_ins(driver, until, n, &done).await });
        }
    }
    for visitor in visitors {
        let (done, what) = (Arc::clone(&done), what.clone());
        tasks.spawn(async move {
            match what.as_str() {
                "code-flow" => flows(visitor, until, &done).await,
                "refresh" => refreshes(visitor, until, &done).await,
                "pages" => pages(visitor, until, &done).await,
                _ => Err(format!("nobody knows how to {what}").into()),
            }
        });
    }
    while let Some(task) = tasks.join_next().await {
        task??;
    }
    let done = f64::from(u32::try_from(done.load(Ordering::Relaxed))?);
    println!("{:.0}", done / begun.elapsed().as_secs_f64());
    Ok(())
}
