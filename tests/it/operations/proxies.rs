//! Whose request it is, behind proxies: as nginx and others write it, and as a client that
//! lies would.

use std::net::IpAddr;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Request};
use hufu::base::network::Network;
use hufu::web::client_ip::{ForwardedHeader, Proxies, client_ip};
use tower::ServiceExt;

use crate::kit::{EXAMPLE, FILING, On, START, Setup, authorize_url, demo_realm};

fn proxies(trusted: &[&str]) -> Proxies {
    let trusted = trusted.iter().map(|one| one.parse().unwrap()).collect();
    Proxies { trusted, header: ForwardedHeader::XForwardedFor }
}

fn seen(name: &'static str, lines: &[&str], proxies: &Proxies, peer: &str) -> String {
    let mut headers = HeaderMap::new();
    for line in lines {
        let line = HeaderValue::from_bytes(line.as_bytes()).unwrap();
        headers.append(HeaderName::from_static(name), line);
    }
    client_ip(peer.parse::<IpAddr>().unwrap(), &headers, proxies).to_string()
}

const PEER: &str = "10.0.0.1";

/// Issue 13, 4: every line, from the right; the first that is no trusted proxy decides, also when it
/// cannot be read.
#[test]
fn x_forwarded_for_is_one_list_walked_from_the_right() {
    let known = proxies(&["10.0.0.0/8", "2001:db8:1::/48", "192.0.2.7"]);
    for (lines, expected) in [
        (&[][..], PEER),
        (&["203.0.113.9"], "203.0.113.9"),
        (&["6.6.6.6, 203.0.113.9"], "203.0.113.9"),
        (&["6.6.6.6,203.0.113.9,10.2.3.4, 192.0.2.7"], "203.0.113.9"),
        // HAProxy's `option forwardfor` adds a line of its own.
        (&["6.6.6.6", "203.0.113.9"], "203.0.113.9"),
        (&["6.6.6.6", "203.0.113.9", "10.9.9.9"], "203.0.113.9"),
        (&["203.0.113.9:4711"], "203.0.113.9"),
        (&["2001:db8::9"], "2001:db8::9"),
        (&["[2001:db8::9]"], "2001:db8::9"),
        (&["[2001:db8::9]:4711"], "2001:db8::9"),
        (&["fe80::1%eth0"], "fe80::1"),
        (&["::ffff:203.0.113.9"], "203.0.113.9"),
        (&["203.0.113.9, 2001:db8:1::5"], "203.0.113.9"),
        (&["203.0.113.9, ::ffff:10.0.0.2"], "203.0.113.9"),
        (&["6.6.6.6, unknown"], PEER),
        (&["6.6.6.6", "unknown"], PEER),
        (&["6.6.6.6, unknown, 10.2.3.4"], "10.2.3.4"),
        (&["6.6.6.6, not an address"], PEER),
        (&["6.6.6.6, 203.0.113.9:port"], PEER),
        (&["6.6.6.6, 203.0.113.9:99999"], PEER),
        (&["6.6.6.6, 203.0.113.9:+80"], PEER),
        (&["6.6.6.6, 203.0.113.9:"], PEER),
        // A name in a port's place is RFC 7239's alone.
        (&["6.6.6.6, 203.0.113.9:_port"], PEER),
        (&["[::ffff:203.0.113.9]:80"], "203.0.113.9"),
        (&["203.0.113.9, [::ffff:10.0.0.2]:4711"], "203.0.113.9"),
        (&["6.6.6.6, [2001:db8::9"], PEER),
        (&["6.6.6.6, [2001:db8::9]x"], PEER),
        (&["6.6.6.6, 203.0.113.300"], PEER),
        (&["6.6.6.6, "], PEER),
        (&["6.6.6.6", ""], PEER),
        (&["6.6.6.6, unix:"], PEER),
        (&["6.6.6.6, _hidden"], PEER),
        (&["6.6.6.6, \u{e9}"], PEER),
        // Everybody on the way is a proxy: the one that is furthest away asked by itself.
        (&["10.2.3.4, 10.9.9.9"], "10.2.3.4"),
    ] {
        assert_eq!(seen("x-forwarded-for", lines, &known, PEER), expected, "{lines:?}");
    }
    // A peer that is not listed says nothing of others; one on a listener of both families is listed.
    assert_eq!(seen("x-forwarded-for", &["6.6.6.6"], &known, "203.0.113.1"), "203.0.113.1");
    assert_eq!(seen("x-forwarded-for", &["203.0.113.9"], &known, "::ffff:10.0.0.1"), "203.0.113.9");
    assert_eq!(seen("x-forwarded-for", &["6.6.6.6"], &proxies(&[]), PEER), PEER);
    // What the proxies do not write, they do not remove either.
    assert_eq!(seen("forwarded", &["for=6.6.6.6"], &known, PEER), PEER);
}

/// Issue 13, 4: RFC 7239 where the settings name it, and then nothing else.
#[test]
fn forwarded_is_read_where_the_settings_say_so() {
    let known = Proxies { header: ForwardedHeader::Forwarded, ..proxies(&["10.0.0.0/8"]) };
    for (lines, expected) in [
        (&[][..], PEER),
        (&["for=203.0.113.9"], "203.0.113.9"),
        (&["For=\"203.0.113.9:4711\";proto=https;by=10.0.0.1"], "203.0.113.9"),
        (&["proto=https;for=\"[2001:db8::9]:4711\""], "2001:db8::9"),
        (&["for=6.6.6.6, for=203.0.113.9;host=\"a,b;c\", for=10.2.3.4"], "203.0.113.9"),
        (&["for=6.6.6.6", "for=203.0.113.9"], "203.0.113.9"),
        // RFC 7239 §6.3: ports and names that are made up.
        (&["for=\"[2001:db8::9]:_port\""], "2001:db8::9"),
        (&["for=\"203.0.113.9:_a.b-c_9\""], "203.0.113.9"),
        (&["for=203.0.113.9:_p"], "203.0.113.9"),
        (&["for=6.6.6.6, for=\"203.0.113.9:_\""], PEER),
        (&["for=6.6.6.6, for=\"203.0.113.9:port\""], PEER),
        (&["for=6.6.6.6, for=\"203.0.113.9:_p p\""], PEER),
        (&["for=6.6.6.6, for=\"_hidden:_port\""], PEER),
        (&["for=6.6.6.6, for=\"unknown:80\""], PEER),
        (&["for=\"[::ffff:203.0.113.9]\""], "203.0.113.9"),
        (&["for=203.0.113.9, for=\"[::ffff:10.0.0.2]:_x\""], "203.0.113.9"),
        // A mark may stand before any character of a quoted text.
        (&["for=\"\\[2001:db8::9\\]\""], "2001:db8::9"),
        (&["for=6.6.6.6, for=\"203.0.113.9\"x"], PEER),
        (&["for=6.6.6.6, for=\"203.0.113.9\\"], PEER),
        (&["for=6.6.6.6, for=unknown"], PEER),
        (&["for=6.6.6.6, for=_secret"], PEER),
        (&["for=6.6.6.6, proto=https"], PEER),
        (&["for=6.6.6.6, for=203.0.113.9;for=6.6.6.7"], PEER),
        // What a stranger leaves open swallows what the proxy adds, and is believed no more for it.
        (&["for=6.6.6.6, for=\"x, for=203.0.113.9"], PEER),
        (&["for=\", for=\"203.0.113.9:80\""], PEER),
        (&["for=6.6.6.6, for=\"6.6.6.7\\\", for=203.0.113.9"], PEER),
    ] {
        assert_eq!(seen("forwarded", lines, &known, PEER), expected, "{lines:?}");
    }
    assert_eq!(seen("x-forwarded-for", &["6.6.6.6"], &known, PEER), PEER);
}

/// Issue 13, 4: proxies as networks.
#[test]
fn a_network_is_an_address_with_its_bits() {
    for (network, inside, outside) in [
        ("10.1.0.0/16", "10.1.255.255", "10.2.0.0"),
        ("10.1.2.3/8", "10.255.0.1", "11.0.0.0"),
        ("192.0.2.7", "192.0.2.7", "192.0.2.6"),
        ("192.0.2.6/31", "::ffff:192.0.2.7", "192.0.2.8"),
        ("128.0.0.0/1", "200.0.0.1", "127.0.0.1"),
        ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::"),
        ("::1", "::1", "127.0.0.1"),
        // IPv4 within IPv6 is IPv4, alone and as a network.
        ("::ffff:192.0.2.7", "192.0.2.7", "192.0.2.6"),
        ("::ffff:10.1.0.0/112", "10.1.255.255", "10.2.0.0"),
        ("::ffff:10.0.0.0/104", "::ffff:10.255.0.1", "11.0.0.0"),
        ("::ffff:a01:0/112", "10.1.0.9", "10.2.0.0"),
        ("::ffff:192.0.2.7/128", "192.0.2.7", "192.0.2.6"),
        ("8000::/1", "fe80::1", "200.0.0.1"),
    ] {
        let known: Network = network.parse().unwrap();
        assert!(known.contains(inside.parse().unwrap()), "{network} {inside}");
        assert!(!known.contains(outside.parse().unwrap()), "{network} {outside}");
    }
    for wrong in [
        "",
        "proxy",
        "10.0.0.0/0",
        "::/0",
        "10.0.0.0/33",
        "10.0.0/8",
        "::/129",
        "1.2.3.4/x",
        // All of IPv4, and more than that.
        "::ffff:0.0.0.0/96",
        "::ffff:10.0.0.0/90",
        "::ffff:10.0.0.0/8",
        "::ffff:10.0.0.0/129",
    ] {
        assert!(wrong.parse::<Network>().is_err(), "{wrong}");
    }
}

/// The address in the sign-in log of an attempt from behind `peer` that says it came for others.
async fn logged_address(trusted: &[&str], peer: &str, forwarded: &str) -> String {
    let setup = Setup { proxies: proxies(trusted), ..Setup::of(On::Sqlite, vec![demo_realm()]) };
    let app = setup.start().await;
    let mut browser = app.browser();
    let page = browser.get(&authorize_url(&FILING, &[])).await;
    let (action, fields) = page.filled(&[
        ("enterprise_number", EXAMPLE),
        ("personal_id", "wangxm"),
        ("password", "Wrong2026!"),
        ("slider", "100"),
    ]);
    let cookies: Vec<String> = browser.cookies.iter().map(|(k, v)| format!("{k}={v}")).collect();
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let peer: std::net::SocketAddr = format!("{peer}:4711").parse().unwrap();
    let request = Request::post(action)
        .header("content-type", "application/x-www-form-urlencoded")
        .header("cookie", cookies.join("; "))
        .header("x-forwarded-for", forwarded)
        .extension(ConnectInfo(peer))
        .body(Body::from(body))
        .unwrap();
    assert_eq!(app.router.clone().oneshot(request).await.unwrap().status().as_u16(), 422);
    let rows = app.ctx.rows();
    let username = hufu::domain::number::username::Username::parse("wangxm").unwrap();
    let account = rows.accounts().find_by_username(&username).await.unwrap().unwrap();
    rows.records().attempts(account.person, START).await.unwrap().remove(0).ip.clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_listed_proxy_says_where_a_request_came_from() {
    let proxy = "10.0.0.1";
    assert_eq!(logged_address(&[], proxy, "203.0.113.9").await, proxy);
    assert_eq!(logged_address(&[proxy], proxy, "203.0.113.9").await, "203.0.113.9");
    // What the person's own browser wrote into the header counts for nothing.
    assert_eq!(logged_address(&[proxy], proxy, "6.6.6.6, 203.0.113.9").await, "203.0.113.9");
    assert_eq!(logged_address(&[proxy], proxy, "not an address").await, proxy);
}
