//! Whatever is stopped and started again, honest people notice at most a 503 that says when to come
//! again, and nothing that they were told is taken back.

use std::time::Duration;

use axum::http::StatusCode;
use tokio::time::{Instant, sleep};

use super::has_all;
use super::stack::Stack;
use crate::cutter::Trouble;
use crate::kit::browser::Shown;
use crate::kit::{Browser, FILING, authorize_url};

const A_WHILE: Duration = Duration::from_secs(2);

/// Issue 13, shows: node after node is stopped and started while people work; nobody notices.
#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_restart_is_noticed_by_nobody() {
    if !has_all() {
        return;
    }
    let stack = Stack::start_with("stop_delay = 2500\n").await;
    let traffic = stack.traffic(Trouble::Rolling).await;
    sleep(A_WHILE).await;
    for node in &stack.nodes {
        node.signal("TERM").await;
        let told = Instant::now();
        // Health tells first, and meanwhile it is still served.
        while node.health().await == Some(204) {
            assert!(told.elapsed() < Duration::from_secs(1), "it still says that it is ready");
        }
        assert_eq!(node.health().await, Some(503), "health went before the people did");
        let direct = Browser::over_http(&node.base()).get("/realms/jiangxi/login").await;
        assert_eq!(direct.status, StatusCode::OK);
        assert_eq!(direct.header("connection").as_deref(), Some("close"));
        node.ended().await;
        assert!(told.elapsed() > Duration::from_millis(2400), "{:?}", told.elapsed());
        assert!(told.elapsed() < Duration::from_secs(8), "{:?}", told.elapsed());
        sleep(A_WHILE).await;
        node.start().await;
        // Longer than `fail_timeout`.
        sleep(Duration::from_millis(2500)).await;
    }
    stack.settle(traffic).await;
}

/// Issue 13, shows: PostgreSQL is restarted as an administrator does, then crashes.
#[tokio::test(flavor = "multi_thread")]
async fn a_restart_of_postgresql_costs_a_503_that_says_when_at_most() {
    if !has_all() {
        return;
    }
    let stack = Stack::start().await;
    let traffic = stack.traffic(Trouble::Away).await;
    sleep(A_WHILE).await;
    for (signal, away) in [("INT", 0), ("QUIT", 0), ("INT", 6)] {
        stack.postgres.stop(signal).await;
        if away > 0 {
            // Longer than anybody waits for a connection.
            sleep(Duration::from_secs(away)).await;
            for node in &stack.nodes {
                assert_eq!(node.health().await, Some(503));
            }
            check_apologies(&stack, "/realms/jiangxi/account").await;
        }
        stack.postgres.go_on().await;
        let back = Instant::now();
        for node in &stack.nodes {
            node.ready().await;
        }
        assert!(back.elapsed() < Duration::from_secs(5), "{:?}", back.elapsed());
        sleep(A_WHILE).await;
    }
    stack.settle(traffic).await;
}

/// What whoever needs what is away is shown, through each proxy.
async fn check_apologies(stack: &Stack, path: &str) {
    for front in [&stack.haproxy, &stack.nginx] {
        let mut browser = Browser::over_http(&front.base());
        browser.cookies.insert("__Host-hufu-session-jiangxi".to_owned(), "x".repeat(43));
        let shown = browser.get(path).await;
        check_apology(&shown);
    }
}

fn check_apology(shown: &Shown) {
    assert_eq!(shown.status, StatusCode::SERVICE_UNAVAILABLE, "{}", shown.url);
    assert!(shown.header("retry-after").is_some(), "{}", shown.text);
    assert!(shown.text.contains("<h1>服务暂时繁忙</h1>"), "not Hufu's own: {}", shown.text);
}

/// Issue 13, shows: Redis is restarted with what it held, without it, and is away.
#[tokio::test(flavor = "multi_thread")]
async fn a_restart_of_redis_costs_sign_ins_on_their_way_at_most() {
    if !has_all() {
        return;
    }
    let stack = Stack::start().await;
    let traffic = stack.traffic(Trouble::Forgotten).await;
    sleep(A_WHILE).await;
    stack.redis.stop().await;
    stack.redis.go_on(true).await;
    let mut begun = Begun::begin(&stack).await;
    sleep(A_WHILE).await;

    // It kept what it was told: the sign-in goes on.
    stack.redis.stop().await;
    stack.redis.go_on(true).await;
    assert_eq!(begun.go_on().await.code(), Some("E_CREDENTIALS"));

    // It did not: what was proved is asked for once more, and the form says why; where nothing was,
    // nothing is lost.
    let mut proved = Begun::begin(&stack).await;
    let factor = proved.submit("wangxm", crate::kit::PASSWORD).await;
    assert!(factor.url.contains("/login/second_factor"), "{}", factor.text);
    stack.redis.stop().await;
    std::fs::remove_dir_all(stack.folder.path().join("redis")).unwrap();
    std::fs::create_dir(stack.folder.path().join("redis")).unwrap();
    stack.redis.go_on(false).await;
    assert_eq!(begun.go_on().await.code(), Some("E_CREDENTIALS"));
    let lost = proved.send_code().await;
    assert!(lost.url.contains("/login/credentials"), "{} {}", lost.url, lost.text);
    assert!(lost.text.contains("请重新登录"), "{}", lost.text);
    sleep(A_WHILE).await;

    // Away: nobody can be signed in, and nobody who is signed in notices.
    let mut signed_in = Visitor::signed_in(&stack).await;
    stack.redis.stop().await;
    let away = Instant::now();
    while away.elapsed() < Duration::from_secs(10) {
        signed_in.works().await;
        check_apologies(&stack, "/realms/jiangxi/login").await;
        for node in &stack.nodes {
            assert_eq!(node.health().await, Some(503));
        }
        sleep(Duration::from_millis(500)).await;
    }
    stack.redis.go_on(false).await;
    for node in &stack.nodes {
        node.ready().await;
    }
    stack.settle(traffic).await;
}

/// A sign-in on its way.
struct Begun {
    browser: Browser,
    page: Shown,
}

impl Begun {
    async fn begin(stack: &Stack) -> Self {
        let mut browser = Browser::over_http(&stack.haproxy.base());
        for _ in 0..20 {
            let page = browser.get(&authorize_url(&FILING, &[])).await;
            if page.status == StatusCode::OK {
                return Self { browser, page };
            }
            check_apology(&page);
            sleep(Duration::from_millis(200)).await;
        }
        panic!("still 503");
    }

    /// With a wrong password, so that it can be told once more; a 503 is tried again, as people do.
    async fn go_on(&mut self) -> Shown {
        self.submit("wangxm", "Wrong2026!").await
    }

    async fn submit(&mut self, person: &str, password: &str) -> Shown {
        self.post(&[
            ("enterprise_number", crate::kit::EXAMPLE),
            ("personal_id", person),
            ("password", password),
            ("slider", "100"),
        ])
        .await
    }

    async fn send_code(&mut self) -> Shown {
        self.post(&[("act", "send")]).await
    }

    async fn post(&mut self, values: &[(&str, &str)]) -> Shown {
        for _ in 0..20 {
            let shown = self.browser.submit(&self.page, values).await;
            if shown.status != StatusCode::SERVICE_UNAVAILABLE {
                self.page = shown.clone();
                return shown;
            }
            assert!(shown.header("retry-after").is_some());
            sleep(Duration::from_millis(500)).await;
        }
        panic!("still 503");
    }
}

/// Somebody with a session.
struct Visitor(Browser);

impl Visitor {
    async fn signed_in(stack: &Stack) -> Self {
        use crate::cutter::honest::{Client, Visitor};
        use crate::cutter::ledger::Ledger;
        let ledger = std::sync::Arc::new(Ledger::new(Trouble::Away));
        let client = Client::new(stack.provider(0), std::sync::Arc::clone(&ledger));
        let mut visitor = Visitor::sign_in(&client, 6).await;
        for _ in 0..5 {
            if visitor.is_ok() {
                break;
            }
            sleep(Duration::from_millis(1200)).await;
            visitor = Visitor::sign_in(&client, 6).await;
        }
        let cookies = visitor.unwrap_or_else(|_| panic!("{ledger}\n{}", stack.logs())).cookies();
        let mut browser = Browser::over_http(&stack.haproxy.base());
        browser.cookies = cookies
            .split("; ")
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        Self(browser)
    }

    /// A code, without a page.
    async fn works(&mut self) {
        let shown = self.0.get(&authorize_url(&FILING, &[("prompt", "none")])).await;
        assert!(shown.answered("code").is_some(), "{} {:?}", shown.status, shown.left_to);
    }
}
