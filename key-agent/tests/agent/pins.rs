//! Wrong PINs: how often, by whom, and what the agent does where a token does not count.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use key_agent::backend::{Found, Listed, TokenBackend};
use key_agent::certificate;
use key_agent::pin::Pin;
use key_agent::protocol::{Code, PinState, Refusal, TokenName};
use key_agent::tokens::Tokens;
use serde_json::json;

use crate::kit::keys::{Kind, make};
use crate::kit::{ORIGIN, PAGE, Running, challenge, config, start_with};

/// A token whose counter can be looked at.
struct Counting {
    der: Vec<u8>,
    token: Arc<Mutex<State>>,
}

struct State {
    tries_left: Option<u32>,
    tried: Vec<String>,
    /// How long a signature takes.
    slow: Duration,
    /// Somebody pulls it out as soon as its PIN is another.
    leaves: bool,
    has_left: bool,
}

impl TokenBackend for Counting {
    fn name(&self) -> &'static str {
        "test"
    }

    fn env(&mut self) -> Result<String, Refusal> {
        Ok("test".to_owned())
    }

    fn certificates(&mut self) -> Result<Listed, Refusal> {
        if self.token.lock().unwrap().has_left {
            return Ok(Listed { tokens: 0, certificates: Vec::new() });
        }
        let tries_left = self.token.lock().unwrap().tries_left;
        let found = Found {
            key_id: "key".to_owned(),
            read: certificate::read(&self.der).unwrap(),
            chain: Vec::new(),
            label: "A".to_owned(),
            token: TokenName { label: "T".to_owned(), serial: "1".to_owned() },
            pin: PinState { tries_left, locked: tries_left == Some(0), default: None },
        };
        Ok(Listed { tokens: 1, certificates: vec![found] })
    }

    fn sign(&mut self, _: &str, pin: &Pin, _: &[u8]) -> Result<Vec<u8>, Refusal> {
        let mut token = self.token.lock().unwrap();
        token.tried.push(pin.reveal().to_owned());
        let (_wake, sleep) = std::sync::mpsc::channel::<()>();
        let _ = sleep.recv_timeout(token.slow);
        if pin.reveal() == "right" {
            return Ok(vec![1]);
        }
        token.tries_left = token.tries_left.map(|left| left.saturating_sub(1));
        Err(Code::PinIncorrect.into())
    }

    fn change_pin(&mut self, key: &str, old: &Pin, _: &Pin) -> Result<(), Refusal> {
        self.sign(key, old, b"")?;
        let mut token = self.token.lock().unwrap();
        token.has_left = token.leaves;
        Ok(())
    }
}

async fn plug_in(tries_left: Option<u32>, slow: Duration) -> (Running, Arc<Mutex<State>>) {
    let state = State { tries_left, tried: Vec::new(), slow, leaves: false, has_left: false };
    let token = Arc::new(Mutex::new(state));
    let der = make(Kind::P256, "A").certificate.to_der().unwrap();
    let plugged = Counting { der, token: Arc::clone(&token) };
    let tokens = move || Tokens::new(vec![Box::new(plugged)]);
    let patience = Duration::from_millis(if slow.is_zero() { 20_000 } else { 200 });
    (start_with(config(PAGE), tokens, patience).await, token)
}

fn tried(token: &Mutex<State>) -> usize {
    token.lock().unwrap().tried.len()
}

/// Covers C-07.
#[tokio::test]
async fn five_wrong_pins_end_the_session_and_the_token_rests() {
    let (agent, token) = plug_in(None, Duration::ZERO).await;
    let page = agent.page().await;
    for _ in 0..5 {
        assert_eq!(page.sign("key", "wrong").await.code(), "PIN_INCORRECT");
    }
    assert_eq!(page.sign("key", "right").await.code(), "SESSION_EXPIRED");
    assert_eq!(tried(&token), 5);
    // A session is quickly opened; the token is not tried again for five minutes.
    let page = agent.page().await;
    for act in ["sign", "change"] {
        let reply = match act {
            "sign" => page.sign("key", "right").await,
            _ => page.change_pin("key", "right", "another").await,
        };
        assert_eq!((reply.status, reply.code()), (403, "PIN_LOCKED"));
        assert_eq!(reply.body["error"]["retry_in"], 300);
    }
    assert_eq!(tried(&token), 5);
    agent.pass(299);
    assert_eq!(page.sign("key", "right").await.code(), "PIN_LOCKED");
    agent.pass(1);
    assert_eq!(page.sign("key", "right").await.status, 200);
}

/// A PIN that was changed is told as changed, though the token is gone before it tells its tries.
#[tokio::test]
async fn a_token_that_leaves_after_the_change_is_no_failure() {
    let (agent, token) = plug_in(Some(6), Duration::ZERO).await;
    let page = agent.page().await;
    assert_eq!(page.change_pin("key", "right", "another").await.body["tries_left"], 6);
    token.lock().unwrap().leaves = true;
    let reply = page.change_pin("key", "right", "another").await;
    assert_eq!((reply.status, &reply.body["changed"]), (200, &json!(true)), "{}", reply.body);
    assert_eq!(reply.body["tries_left"], json!(null));
    assert_eq!(page.sign("key", "right").await.code(), "NO_TOKEN");
}

#[tokio::test]
async fn only_five_in_a_row_count() {
    let (agent, _token) = plug_in(None, Duration::ZERO).await;
    let page = agent.page().await;
    for _ in 0..3 {
        for _ in 0..4 {
            assert_eq!(page.sign("key", "wrong").await.code(), "PIN_INCORRECT");
        }
        assert_eq!(page.sign("key", "right").await.status, 200);
    }
    // A wrong old PIN is a wrong PIN.
    for _ in 0..5 {
        assert_eq!(page.change_pin("key", "wrong", "another").await.code(), "PIN_INCORRECT");
    }
    assert_eq!(page.sign("key", "right").await.code(), "SESSION_EXPIRED");
}

/// Covers C-07.
#[tokio::test]
async fn the_last_try_is_the_persons_own() {
    let (agent, token) = plug_in(Some(2), Duration::ZERO).await;
    let page = agent.page().await;
    let reply = page.sign("key", "wrong").await;
    assert_eq!((reply.code(), &reply.body["error"]["tries_left"]), ("PIN_INCORRECT", &json!(1)));
    for (path, mut body) in [
        ("/v1/sign", json!({ "key_id": "key", "challenge": challenge(ORIGIN), "pin": "right" })),
        ("/v1/pin/change", json!({ "token_of": "key", "old": "right", "new": "another" })),
    ] {
        let reply = page.call(path, body.clone()).await;
        assert_eq!((reply.status, reply.code()), (400, "PIN_REQUIRED"), "{path}");
        assert_eq!(reply.body["error"]["tries_left"], 1);
        assert_eq!(tried(&token), if path == "/v1/sign" { 1 } else { 2 });
        body["last_try"] = json!(true);
        assert_eq!(page.call(path, body).await.status, 200, "{path}");
    }
    let body = json!({
        "key_id": "key", "challenge": challenge(ORIGIN), "pin": "wrong", "last_try": true,
    });
    let reply = page.call("/v1/sign", body.clone()).await;
    assert_eq!((reply.code(), &reply.body["error"]["tries_left"]), ("PIN_INCORRECT", &json!(0)));
    let before = tried(&token);
    assert_eq!(page.call("/v1/sign", body).await.code(), "PIN_LOCKED");
    assert_eq!(tried(&token), before, "a locked token is left alone");
}

/// A page that asks many times at once uses up no more than one that asks in turn.
#[tokio::test]
async fn many_at_once_lock_no_token() {
    let (agent, token) = plug_in(Some(6), Duration::ZERO).await;
    let page = agent.page().await;
    let asked = (0..20).map(|_| page.sign("key", "wrong"));
    let replies = join_all(asked).await;
    let codes: Vec<&str> = replies.iter().map(crate::kit::Reply::code).collect();
    assert_eq!(codes.iter().filter(|code| **code == "PIN_INCORRECT").count(), 5, "{codes:?}");
    assert_eq!(token.lock().unwrap().tries_left, Some(1));
}

/// All of them under way at the same time.
async fn join_all<T>(futures: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    let mut waiting: Vec<_> = futures.map(Box::pin).collect();
    let mut done: Vec<Option<T>> = waiting.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        for (future, done) in waiting.iter_mut().zip(&mut done) {
            if done.is_none()
                && let std::task::Poll::Ready(value) = future.as_mut().poll(context)
            {
                *done = Some(value);
            }
        }
        match done.iter().all(Option::is_some) {
            true => std::task::Poll::Ready(()),
            false => std::task::Poll::Pending,
        }
    })
    .await;
    done.into_iter().flatten().collect()
}

/// A driver that does not come back.
#[tokio::test]
async fn whoever_does_not_wait_has_nothing_signed_behind_their_back() {
    let (agent, token) = plug_in(None, Duration::from_millis(1500)).await;
    let page = agent.page().await;
    let first = page.sign("key", "right").await;
    assert_eq!((first.status, first.code()), (502, "BACKEND"));
    assert!(first.body["error"]["detail"].as_str().unwrap().contains("does not answer"));
    // It waits behind the first, and nobody waits for it.
    assert_eq!(page.sign("key", "right").await.code(), "BACKEND");
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(tried(&token), 1);
    token.lock().unwrap().slow = Duration::ZERO;
    assert_eq!(page.sign("key", "right").await.status, 200, "it goes on when the driver does");
}
