//! Whose request it is, as the sign-in log has it, behind real proxies: the person's own address,
//! whatever the person's browser says about itself.

use std::net::IpAddr;

use axum::http::{HeaderName, HeaderValue, StatusCode};

use super::fronts::Front;
use super::has_all;
use super::stack::{Ground, Stack};
use crate::kit::demo::free_ports;
use crate::kit::{Browser, EXAMPLE, FILING, authorize_url};

/// What a browser might send to be taken for somebody else: lines of a header.
const FORGED: &[(&str, &[&str])] = &[
    ("x-forwarded-for", &[]),
    ("x-forwarded-for", &["6.6.6.6"]),
    ("x-forwarded-for", &["6.6.6.6", "7.7.7.7"]),
    ("x-forwarded-for", &["6.6.6.6, 127.0.0.1"]),
    ("x-forwarded-for", &["127.0.0.1"]),
    ("x-forwarded-for", &["127.0.0.1, 127.0.0.1, 127.0.0.1"]),
    ("x-forwarded-for", &["unknown"]),
    ("x-forwarded-for", &["6.6.6.6, unknown"]),
    ("x-forwarded-for", &["6.6.6.6:4711"]),
    ("x-forwarded-for", &["[2001:db8::6]:4711"]),
    ("x-forwarded-for", &["6.6.6.6,"]),
    ("x-forwarded-for", &[""]),
    ("x-forwarded-for", &["\u{e9}"]),
    ("x-forwarded-for", &["for=6.6.6.6"]),
    ("forwarded", &["for=6.6.6.6"]),
    ("forwarded", &["for=\"6.6.6.6"]),
    ("forwarded", &["for=\"6.6.6.6\\"]),
    ("x-real-ip", &["6.6.6.6"]),
    ("client-ip", &["6.6.6.6"]),
    ("true-client-ip", &["6.6.6.6"]),
    ("x-client-ip", &["6.6.6.6"]),
];

/// One try with a wrong password, from an address of this machine; returns the one in the log.
async fn logged(ground: &Postgres<'_>, base: &str, from: &str, forged: (&str, &[&str])) -> String {
    let from: IpAddr = from.parse().unwrap();
    let mut browser =
        Browser::over_http_with(base, reqwest::Client::builder().local_address(Some(from)));
    for line in forged.1 {
        let name: HeaderName = forged.0.parse().unwrap();
        browser.headers.append(name, HeaderValue::from_bytes(line.as_bytes()).unwrap());
    }
    let page = browser.get(&authorize_url(&FILING, &[])).await;
    assert_eq!(page.status, StatusCode::OK, "{forged:?}: {}", page.text);
    let values = [
        ("enterprise_number", EXAMPLE),
        ("personal_id", "wangxm"),
        ("password", "Wrong2026!"),
        ("slider", "100"),
    ];
    let refused = browser.submit(&page, &values).await;
    assert_eq!(refused.code(), Some("E_CREDENTIALS"), "{forged:?}: {}", refused.status);
    let newest = "SELECT ip FROM login_log ORDER BY id DESC LIMIT 1";
    ground.0.rows(newest).await[0].try_get::<String>("", "ip").unwrap()
}

struct Postgres<'s>(&'s super::servers::Postgres);

/// Issue 13, 4 and shows: through `HAProxy`, nginx, and one behind the other.
#[tokio::test(flavor = "multi_thread")]
async fn the_log_has_the_address_of_the_person_behind_each_proxy() {
    if !has_all() {
        return;
    }
    let stack = Stack::start().await;
    let postgres = Postgres(&stack.postgres);
    let chained = free_ports();
    let lines = format!(
        "defaults\n mode http\n timeout connect 3s\n timeout client 60s\n timeout server 60s\n \
         option forwardfor\nfrontend a\n bind 127.0.0.1:{chained}\n default_backend b\n\
         backend b\n server nginx 127.0.0.1:{}\n",
        stack.nginx.port
    );
    let chained = Front::haproxy_of(stack.folder.path(), chained, &lines).await;
    for (name, front) in [("HAProxy", &stack.haproxy), ("nginx", &stack.nginx), ("both", &chained)]
    {
        for forged in FORGED {
            let seen = logged(&postgres, &front.base(), "127.0.0.9", *forged).await;
            assert_eq!(seen, "127.0.0.9", "{name} {forged:?}");
        }
    }
    for front in [&stack.haproxy, &stack.nginx] {
        let base = format!("http://[::1]:{}", front.port);
        let forged = ("x-forwarded-for", &["2001:db8::6"][..]);
        assert_eq!(logged(&postgres, &base, "::1", forged).await, "::1");
    }
    // Past the proxies, by whoever can reach the node.
    for forged in FORGED {
        let seen = logged(&postgres, &stack.nodes[0].base(), "127.0.0.9", *forged).await;
        assert_eq!(seen, "127.0.0.9", "{forged:?}");
    }
}

/// Issue 13, 4: what other proxies write in its place, and RFC 7239 by setting.
#[tokio::test(flavor = "multi_thread")]
async fn other_ways_to_write_an_address_are_read_or_believed_to_nobody() {
    if !has_all() {
        return;
    }
    let ground = Ground::lay(true).await;
    let postgres = Postgres(&ground.postgres);
    let plain = ground.node("plain", "");
    let standard = ground.node("standard", "forwarded_header = 'forwarded'\n");
    tokio::join!(plain.start(), standard.start());
    for (node, adds, expected) in [
        (&plain, "X-Forwarded-For %[src]:%[src_port]", "127.0.0.9"),
        (&plain, "X-Forwarded-For [::ffff:%[src]]:%[src_port]", "127.0.0.9"),
        (&plain, "X-Forwarded-For unknown", "127.0.0.1"),
        (&plain, "X-Forwarded-For unix:", "127.0.0.1"),
        (&plain, "X-Forwarded-For -", "127.0.0.1"),
        // What this node was not told to read.
        (&plain, "Forwarded for=%[src]", "127.0.0.1"),
        (&standard, "Forwarded for=%[src]", "127.0.0.9"),
        (&standard, "Forwarded proto=https;for=\\\"%[src]:%[src_port]\\\"", "127.0.0.9"),
        (&standard, "Forwarded for=\\\"[::ffff:%[src]]\\\"", "127.0.0.9"),
        (&standard, "Forwarded for=unknown", "127.0.0.1"),
        (&standard, "Forwarded for=_hidden", "127.0.0.1"),
        (&standard, "Forwarded proto=https", "127.0.0.1"),
        (&standard, "X-Forwarded-For %[src]", "127.0.0.1"),
    ] {
        let port = free_ports();
        let (name, value) = adds.split_once(' ').unwrap();
        let lines = format!(
            "defaults\n mode http\n timeout connect 3s\n timeout client 60s\n timeout server 60s\n\
             frontend a\n bind 127.0.0.1:{port}\n default_backend b\nbackend b\n \
             http-request add-header {name} \"{value}\"\n server node 127.0.0.1:{}\n",
            node.port
        );
        let front = Front::haproxy_of(ground.folder.path(), port, &lines).await;
        for forged in [
            ("x-forwarded-for", &[][..]),
            ("x-forwarded-for", &["6.6.6.6", "unknown"][..]),
            ("forwarded", &["for=6.6.6.6", "for=unknown"][..]),
        ] {
            // A line that the browser made up, where the proxy adds none of that name, is the last.
            if !name.eq_ignore_ascii_case(forged.0) && !forged.1.is_empty() {
                continue;
            }
            let seen = logged(&postgres, &front.base(), "127.0.0.9", forged).await;
            assert_eq!(seen, expected, "{adds} {forged:?}");
        }
    }
}
