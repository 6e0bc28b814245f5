//! A signing key gives way to the next without one token that somebody could not check.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, header};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::has_all;
use super::stack::Stack;
use crate::cutter::Trouble;
use crate::cutter::honest::{Client, Visitor};
use crate::cutter::ledger::Ledger;
use crate::kit::{Browser, FILING, VERIFIER, authorize_url};
use crate::operations::SECRET;

/// For so long an application keeps the JWKS here; a real one keeps it for a minute or an hour, and
/// an announcement is longer in the same measure.
const KEPT: Duration = Duration::from_secs(5);
/// Nodes read keys twice a minute.
const ANNOUNCED: i64 = 38;

/// An application that keeps what it has read, and asks for nothing in between.
struct Keeper {
    browser: Browser,
    kids: BTreeSet<String>,
    read_at: Instant,
}

impl Keeper {
    async fn begin(base: &str) -> Self {
        let mut browser = Browser::over_http(base);
        let kids = read(&mut browser).await;
        Self { browser, kids, read_at: Instant::now() }
    }

    async fn knows(&mut self, token: &str) -> bool {
        if self.read_at.elapsed() > KEPT {
            self.kids = read(&mut self.browser).await;
            self.read_at = Instant::now();
        }
        self.kids.contains(&kid(token))
    }
}

async fn read(browser: &mut Browser) -> BTreeSet<String> {
    let jwks: Value =
        serde_json::from_str(&browser.get("/realms/jiangxi/jwks").await.text).unwrap();
    let keys = jwks["keys"].as_array().unwrap().iter();
    keys.map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

fn kid(token: &str) -> String {
    let head = token.split('.').next().unwrap();
    let head = base64::prelude::BASE64_URL_SAFE_NO_PAD.decode(head).unwrap();
    serde_json::from_slice::<Value>(&head).unwrap()["kid"].as_str().unwrap().to_owned()
}

/// A form of the application's server, at one node.
async fn form(base: &str, path: &str, form: &[(&str, &str)]) -> Value {
    let credentials = BASE64_STANDARD.encode(format!("{}:{SECRET}", FILING.id));
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let request = Request::post(format!("/realms/jiangxi{path}"))
        .header(header::AUTHORIZATION, format!("Basic {credentials}"))
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(body))
        .unwrap();
    let answer = Browser::over_http(base).answer(request).await;
    let bytes = axum::body::to_bytes(answer.into_body(), 1 << 20).await.unwrap();
    serde_json::from_slice(&bytes).unwrap_or(Value::Null)
}

/// Issue 13, shows: two nodes, samples from each while ES256 and RS256 rotate; every token is known
/// to an application that keeps the JWKS, and to the other node.
#[tokio::test(flavor = "multi_thread")]
async fn keys_rotate_without_a_failed_sample() {
    if !has_all() {
        return;
    }
    let stack = Stack::start().await;
    let client = Client::new(stack.provider(0), Arc::new(Ledger::new(Trouble::None)));
    let visitor = Visitor::sign_in(&client, 0).await.unwrap();
    let cookies = visitor.cookies();
    for algorithm in ["ES256", "RS256"] {
        let done = stack.nodes[0].command(&["keys", "rotate", "jiangxi", algorithm]).output();
        assert!(done.as_ref().unwrap().status.success(), "{done:?}");
    }
    // An hour is announced, of which a test waits for the end.
    let seconds = format!(
        "UPDATE signing_key SET active_at = extract(epoch FROM now())::bigint + {ANNOUNCED} \
         WHERE active_at > extract(epoch FROM now())::bigint"
    );
    assert_eq!(stack.postgres.sql(&seconds).await, 2);

    let (mut through_haproxy, mut through_nginx) =
        (Keeper::begin(&stack.haproxy.base()).await, Keeper::begin(&stack.nginx.base()).await);
    let begun = Instant::now();
    let (mut n_samples, mut signed_by) = (0, BTreeSet::<String>::new());
    let mut last = None;
    // A while beyond the moment when both new keys have signed.
    while last.is_none_or(|last: Instant| last.elapsed() < Duration::from_secs(6)) {
        if signed_by.len() == 4 {
            last.get_or_insert_with(Instant::now);
        }
        assert!(begun.elapsed() < Duration::from_secs(100), "signed by {signed_by:?}");
        for (node, other) in [(0, 1), (1, 0)] {
            let mut browser = Browser::over_http(&stack.nodes[node].base());
            browser.headers.insert(header::COOKIE, cookies.parse().unwrap());
            let done = browser.get(&authorize_url(&FILING, &[("prompt", "none")])).await;
            let tokens = form(
                &stack.nodes[node].base(),
                "/token",
                &[
                    ("grant_type", "authorization_code"),
                    ("code", &done.answered("code").unwrap()),
                    ("redirect_uri", FILING.redirect_uri),
                    ("code_verifier", VERIFIER),
                ],
            )
            .await;
            let (id, access) = (tokens["id_token"].as_str(), tokens["access_token"].as_str());
            for token in [id.unwrap(), access.unwrap()] {
                let after = begun.elapsed();
                assert!(through_haproxy.knows(token).await, "{after:?}: {}", kid(token));
                assert!(through_nginx.knows(token).await, "{after:?}: {}", kid(token));
                signed_by.insert(kid(token));
                n_samples += 1;
            }
            let seen =
                form(&stack.nodes[other].base(), "/introspect", &[("token", access.unwrap())])
                    .await;
            assert_eq!(seen["active"], true, "{:?}: {seen}", begun.elapsed());
        }
        sleep(Duration::from_millis(300)).await;
    }
    eprintln!("{n_samples} samples, none failed");
    assert!(n_samples > 100, "{n_samples}");
}
