//! The sixth guard: sessions of pages.

use key_agent::sessions::{LIFETIME, MOST};
use serde_json::json;

use crate::kit::{ORIGIN, OTHER_ORIGIN, PAGE, Page, config, http, nonce, start};

async fn lives(page: &Page<'_>) -> bool {
    let reply = page.call("/v1/env", json!({})).await;
    assert!(reply.status == 200 || reply.code() == "SESSION_EXPIRED", "{reply:?}");
    // A page may read why.
    assert_eq!(reply.header("access-control-allow-origin"), Some(page.origin));
    reply.status == 200
}

#[tokio::test]
async fn a_session_is_one_pages_own() {
    let agent = start(config(PAGE)).await;
    let mine = agent.page().await;
    assert!(lives(&mine).await);
    for path in ["/v1/env", "/v1/certificates", "/v1/sign", "/v1/pin/change", "/v1/close"] {
        for session in ["", "x", &mine.session[1..], &mine.session.to_lowercase()] {
            let reply = http::post(agent.port, path, ORIGIN, session, "{}").await;
            assert_eq!((reply.status, reply.code()), (401, "SESSION_EXPIRED"), "{path} {session}");
        }
        let reply = http::post(agent.port, path, OTHER_ORIGIN, &mine.session, "{}").await;
        assert_eq!((reply.status, reply.code()), (401, "SESSION_EXPIRED"), "{path}");
    }
    // Nor does another page's close end it.
    assert!(lives(&mine).await);
    assert_eq!(mine.call("/v1/close", json!({})).await.ok(), json!({}));
    assert!(!lives(&mine).await);
}

#[tokio::test]
async fn it_lives_ten_minutes() {
    let agent = start(config(PAGE)).await;
    let page = agent.page().await;
    agent.pass(LIFETIME - 1);
    assert!(lives(&page).await);
    agent.pass(1);
    assert!(!lives(&page).await);
}

#[tokio::test]
async fn the_ninth_takes_the_place_of_the_oldest() {
    let agent = start(config(PAGE)).await;
    let mut pages = Vec::new();
    for _ in 0..=MOST {
        pages.push(agent.page().await);
    }
    assert!(!lives(&pages[0]).await);
    for page in &pages[1..] {
        assert!(lives(page).await);
    }
}

#[tokio::test]
async fn a_session_is_asked_for_properly() {
    let agent = start(config(PAGE)).await;
    let page = agent.page().await;
    for body in [
        json!({}),
        json!([]),
        json!({ "page_nonce": 7 }),
        json!({ "page_nonce": "" }),
        json!({ "page_nonce": "short" }),
        json!({ "page_nonce": nonce(), "origin": OTHER_ORIGIN }),
    ] {
        let reply = page.call("/v1/session", body.clone()).await;
        assert_eq!((reply.status, reply.code()), (400, "REQUEST_INVALID"), "{body}");
    }
}
