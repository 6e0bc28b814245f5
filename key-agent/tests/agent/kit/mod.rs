//! An agent with a clock of its own on a port of its own, and a page that speaks with it.

pub mod http;
pub mod keys;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use key_agent::agent::{Agent, World};
use key_agent::config::Config;
use key_agent::server::Listeners;
use key_agent::token_thread::TokenThread;
use key_agent::tokens::Tokens;
use serde_json::{Value, json};

pub use http::Reply;

pub const ORIGIN: &str = "https://idp.example";
pub const OTHER_ORIGIN: &str = "https://other.example";
/// 2 January 2026, as in the protocol's example.
pub const NOW: i64 = 1_767_323_045;

/// Long enough for a busy computer, short enough to be waited for.
pub const READING: Duration = Duration::from_secs(2);

/// Ends with the test.
pub struct Running {
    pub port: u16,
    clock: Arc<AtomicI64>,
    serving: tokio::task::JoinHandle<()>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// Two pages may ask; what else stands in the file is the test's.
pub fn config(more: &str) -> Config {
    Config::parse(&format!("origins = [\"{ORIGIN}\", \"{OTHER_ORIGIN}\"]\n{more}")).unwrap()
}

/// The page asks for PINs.
pub const PAGE: &str = "[pin]\nmode = \"page\"\n";

pub async fn start(config: Config) -> Running {
    let tokens = config.clone();
    start_with(config, move || Tokens::configured(&tokens), Duration::from_secs(20)).await
}

pub async fn start_with(
    config: Config,
    tokens: impl FnOnce() -> Tokens + Send + 'static,
    patience: Duration,
) -> Running {
    let clock = Arc::new(AtomicI64::new(NOW));
    let shown = Arc::clone(&clock);
    let now = Arc::new(move || shown.load(Ordering::SeqCst));
    let world = World { now, chance: getrandom::fill };
    let tokens = TokenThread::start(tokens, patience).unwrap();
    let agent = Arc::new(Agent::new(config, tokens, world).unwrap());
    let listeners = Listeners::bind(&[0]).await.unwrap();
    let port = listeners.port;
    Running { port, clock, serving: tokio::spawn(listeners.serve(agent, READING)) }
}

impl Running {
    pub fn pass(&self, seconds: i64) {
        self.clock.fetch_add(seconds, Ordering::SeqCst);
    }

    /// A page with a session.
    pub async fn page(&self) -> Page<'_> {
        self.page_of(ORIGIN).await
    }

    pub async fn page_of(&self, origin: &'static str) -> Page<'_> {
        let mut page = Page { agent: self, origin, session: String::new() };
        let reply = page.call("/v1/session", json!({ "page_nonce": nonce() })).await;
        page.session = reply.ok()["session"].as_str().unwrap().to_owned();
        page
    }
}

pub struct Page<'a> {
    agent: &'a Running,
    pub origin: &'static str,
    pub session: String,
}

impl Page<'_> {
    pub async fn call(&self, path: &str, body: Value) -> Reply {
        http::post(self.agent.port, path, self.origin, &self.session, &body.to_string()).await
    }

    pub async fn certificates(&self) -> Vec<Value> {
        let reply = self.call("/v1/certificates", json!({ "filter": { "usage": "sign" } })).await;
        reply.ok()["certificates"].as_array().unwrap().clone()
    }

    /// The only key.
    pub async fn key(&self) -> String {
        let found = self.certificates().await;
        assert_eq!(found.len(), 1, "{found:?}");
        found[0]["key_id"].as_str().unwrap().to_owned()
    }

    pub async fn sign(&self, key_id: &str, pin: &str) -> Reply {
        let challenge = challenge(self.origin);
        self.call("/v1/sign", json!({ "key_id": key_id, "challenge": challenge, "pin": pin })).await
    }

    pub async fn change_pin(&self, key_id: &str, old: &str, new: &str) -> Reply {
        self.call("/v1/pin/change", json!({ "token_of": key_id, "old": old, "new": new })).await
    }

    /// The line of the check page.
    pub async fn env(&self, id: &str) -> Value {
        let reply = self.call("/v1/env", json!({})).await.ok();
        let items = reply["items"].as_array().unwrap().clone();
        items.into_iter().find(|item| item["id"] == id).unwrap_or(Value::Null)
    }
}

pub fn nonce() -> String {
    URL_SAFE_NO_PAD.encode([7; 32])
}

/// What a server writes for this page now.
pub fn challenge_json(origin: &str) -> Value {
    json!({
        "v": 1, "typ": "etax-cert-login", "iss": origin, "origin": origin, "nonce": nonce(),
        "txn": "t1", "iat": NOW, "exp": NOW + 120, "purpose": "login",
    })
}

pub fn encode(challenge: &Value) -> String {
    URL_SAFE_NO_PAD.encode(challenge.to_string())
}

pub fn challenge(origin: &str) -> String {
    encode(&challenge_json(origin))
}

pub fn bytes(answer: &Value, field: &str) -> Vec<u8> {
    STANDARD.decode(answer[field].as_str().unwrap()).unwrap()
}
