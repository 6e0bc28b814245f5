//! Pages that may not ask, and programs that pretend to be pages: over the socket, byte for byte.

use std::time::Duration;

use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::kit::http::{self, raw};
use crate::kit::{ORIGIN, PAGE, config, nonce, start};

/// A request for a session with one thing wrong.
fn request(port: u16, change: impl Fn(String) -> String) -> Vec<u8> {
    let body = json!({ "page_nonce": nonce() }).to_string();
    let good = http::head(port, "/v1/session", ORIGIN, "", body.len());
    (change(good) + &body).into_bytes()
}

#[tokio::test]
async fn a_page_that_may_not_ask_hears_nothing_it_can_read() {
    let agent = start(config(PAGE)).await;
    let port = agent.port;
    assert_eq!(raw(port, &request(port, |good| good)).await.unwrap().status, 200);
    let origin = format!("Origin: {ORIGIN}\r\n");
    let host = format!("Host: 127.0.0.1:{port}\r\n");
    let json = "Content-Type: application/json\r\n";
    let attacks: Vec<(&str, String, String, &str)> = vec![
        ("another page", origin.clone(), "Origin: https://attacker.example\r\n".into(), "O"),
        ("a file or a sandbox", origin.clone(), "Origin: null\r\n".into(), "O"),
        ("no page", origin.clone(), String::new(), "O"),
        ("two pages", origin.clone(), format!("{origin}Origin: https://attacker.example\r\n"), "O"),
        ("the same twice", origin.clone(), format!("{origin}{origin}"), "O"),
        ("a name that leads here", host.clone(), format!("Host: attacker.example:{port}\r\n"), "O"),
        ("no port", host.clone(), "Host: 127.0.0.1\r\n".into(), "O"),
        ("another port", host.clone(), "Host: 127.0.0.1:1\r\n".into(), "O"),
        ("no host", host.clone(), String::new(), "O"),
        ("two hosts", host.clone(), format!("{host}Host: attacker.example\r\n"), "O"),
        ("a proxy's target", "POST /".into(), "POST http://attacker.example/".into(), "O"),
        ("our own as a target", "POST /".into(), format!("POST http://127.0.0.1:{port}/"), "O"),
        ("a form", json.into(), "Content-Type: text/plain\r\n".into(), "R"),
        ("no type", json.into(), String::new(), "R"),
        ("two types", json.into(), format!("{json}Content-Type: text/plain\r\n"), "R"),
    ];
    for (what, from, to, code) in attacks {
        let reply = raw(port, &request(port, |good| good.replacen(&from, &to, 1))).await;
        let reply = reply.unwrap_or_else(|| panic!("{what}: no answer"));
        let expected = if code == "O" { "ORIGIN_NOT_ALLOWED" } else { "REQUEST_INVALID" };
        assert_eq!((reply.status, reply.code()), (403, expected), "{what}: {reply:?}");
        assert!(!reply.head.contains("access-control"), "{what}: {}", reply.head);
        assert_eq!(reply.header("cache-control"), Some("no-store"), "{what}");
    }
}

#[tokio::test]
async fn bodies_end_at_64_kib() {
    let agent = start(config(PAGE)).await;
    let port = agent.port;
    let told = http::head(port, "/v1/session", ORIGIN, "", 64 * 1024 + 1);
    let reply = raw(port, told.as_bytes()).await.unwrap();
    assert_eq!((reply.status, reply.code()), (403, "REQUEST_INVALID"));
    assert!(!reply.head.contains("access-control"));
    // In pieces nobody says before how much it will be.
    let length = format!("Content-Length: {}\r\n", 64 * 1024 + 1);
    let mut pieces = told.replace(&length, "Transfer-Encoding: chunked\r\n").into_bytes();
    for _ in 0..65 {
        pieces.extend(b"400\r\n");
        pieces.extend([b' '; 0x400]);
        pieces.extend(b"\r\n");
    }
    let reply = raw(port, &pieces).await;
    // The answer may be lost with what was still to come.
    if let Some(reply) = reply {
        assert_eq!(reply.status, 403);
        assert!(!reply.head.contains("access-control"));
    }
    // Just below it, it is read, and is no call.
    let body = format!("{{\"page_nonce\":\"{}\"}}", "x".repeat(64 * 1024 - 17));
    assert_eq!(body.len(), 64 * 1024);
    let reply = http::post(port, "/v1/session", ORIGIN, "", &body).await;
    assert_eq!((reply.status, reply.code()), (400, "REQUEST_INVALID"));
}

#[tokio::test]
async fn reading_has_no_body_and_asking_has_one_method() {
    let agent = start(config(PAGE)).await;
    let port = agent.port;
    let hello = |more: &str, body: &str| {
        format!(
            "GET /v1/hello HTTP/1.1\r\nHost: localhost:{port}\r\nOrigin: {ORIGIN}\r\n{more}\r\n{body}"
        )
    };
    let reply = raw(port, hello("", "").as_bytes()).await.unwrap();
    assert_eq!(reply.header("access-control-allow-origin"), Some(ORIGIN));
    assert_eq!(reply.header("vary"), Some("origin"));
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    assert!(!reply.head.contains("allow-credentials"));
    let body = reply.ok();
    assert_eq!(body["agent"], "key-agent");
    assert_eq!(body["protocol"], 1);
    assert_eq!(body["pin_mode"], "page");
    assert_eq!(body["instance"].as_str().unwrap().len(), 36);
    let reply = raw(port, hello("Content-Length: 2\r\n", "{}").as_bytes()).await.unwrap();
    assert_eq!(reply.status, 403);
    let chunked = hello("Transfer-Encoding: chunked\r\n", "2\r\n{}\r\n0\r\n\r\n");
    assert_eq!(raw(port, chunked.as_bytes()).await.unwrap().status, 403);
    for method in ["GET", "PUT", "DELETE", "PATCH", "TRACE", "X"] {
        let sign = http::head(port, "/v1/sign", ORIGIN, "", 0).replacen("POST", method, 1);
        let reply = raw(port, sign.as_bytes()).await.unwrap();
        assert_eq!((reply.status, reply.code()), (400, "REQUEST_INVALID"), "{method}");
    }
    let page = agent.page().await;
    for path in ["/", "/v1", "/v1/sign/", "/v1/../v1/sign", "/v2/sign", "/v1/hello", "/V1/SIGN"] {
        let reply = page.call(path, json!({})).await;
        assert_eq!((reply.status, reply.code()), (400, "REQUEST_INVALID"), "{path}");
    }
}

#[tokio::test]
async fn browsers_ask_before_and_hear_what_they_may() {
    let agent = start(config(PAGE)).await;
    let port = agent.port;
    let ask = |origin: &str, more: &str| {
        format!(
            "OPTIONS /v1/sign HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: {origin}\r\n\
             Access-Control-Request-Method: POST\r\n{more}\r\n"
        )
    };
    let reply = raw(port, ask(ORIGIN, "").as_bytes()).await.unwrap();
    assert_eq!(reply.status, 204);
    for (name, value) in [
        ("access-control-allow-origin", ORIGIN),
        ("access-control-allow-methods", "post"),
        ("access-control-allow-headers", "content-type, x-kagent-session"),
        ("access-control-max-age", "600"),
        ("vary", "origin"),
        ("cache-control", "no-store"),
    ] {
        assert_eq!(reply.header(name), Some(value));
    }
    assert!(!reply.head.contains("private-network") && !reply.head.contains("credentials"));
    let private = "Access-Control-Request-Private-Network: true\r\n";
    let reply = raw(port, ask(ORIGIN, private).as_bytes()).await.unwrap();
    assert_eq!(reply.header("access-control-allow-private-network"), Some("true"));
    let reply = raw(port, ask("https://attacker.example", private).as_bytes()).await.unwrap();
    assert_eq!(reply.status, 403);
    assert!(!reply.head.contains("access-control"));
}

/// Nobody holds a place by saying nothing: heads and bodies have their time.
#[tokio::test]
async fn slow_talkers_are_hung_up_on() {
    let agent = start(config(PAGE)).await;
    let port = agent.port;
    let began = std::time::Instant::now();
    let mut silent = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let mut half = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let head = http::head(port, "/v1/session", ORIGIN, "", 100);
    half.write_all(&head.as_bytes()[..40]).await.unwrap();
    let mut slow = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    slow.write_all((head + "{\"page_").as_bytes()).await.unwrap();
    assert!(http::read(&mut silent).await.is_none());
    assert!(http::read(&mut half).await.is_none_or(|reply| reply.status == 408));
    let reply = http::read(&mut slow).await.unwrap();
    assert_eq!((reply.status, reply.code()), (400, "REQUEST_INVALID"));
    assert!(began.elapsed() < Duration::from_mins(1));
}

/// Many connections that say nothing keep nobody out for longer than that.
#[tokio::test]
async fn a_crowd_of_silent_ones_passes() {
    let agent = start(config(PAGE)).await;
    let mut crowd = Vec::new();
    for _ in 0..100 {
        crowd.push(TcpStream::connect(("127.0.0.1", agent.port)).await.unwrap());
    }
    assert!(!agent.page().await.session.is_empty());
}
