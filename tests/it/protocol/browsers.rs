//! What browsers hold and send: origins that may ask by script, cookies of sign-ins that were begun.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, Request, header, request};
use axum::response::Response;
use axum_server::accept::Accept;
use hufu::web::client_ip::Proxies;
use hufu::web::connection::Gate;
use hufu::web::crowd::Most;
use hufu::web::router::router_within;
use tower::{Service, ServiceExt};

use super::authorize::signed_in;
use crate::kit::{
    FILING, On, Setup, TestApp, authorize_url, changed_realm, demo_realm, on_each_database,
    realm_named,
};

const OWN: &str = "https://filing.jiangxi.example";

/// Preflight and answer of an endpoint for a page of this origin: what the browser is told.
async fn told(app: &TestApp, method: &str, path: &str, origin: &str) -> (u16, Option<String>) {
    let mut request = Request::builder()
        .method(method)
        .uri(format!("/realms/jiangxi{path}"))
        .header(header::ORIGIN, origin);
    if method == "OPTIONS" {
        request = request
            .header(header::ACCESS_CONTROL_REQUEST_METHOD, "POST")
            .header(header::ACCESS_CONTROL_REQUEST_HEADERS, "authorization,content-type,dpop");
    }
    let answer = app.browser().answer(request.body(Body::empty()).unwrap()).await;
    let header = |name| answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    assert!(header(header::ACCESS_CONTROL_ALLOW_CREDENTIALS).is_none());
    if method == "OPTIONS" && header(header::ACCESS_CONTROL_ALLOW_ORIGIN).is_some() {
        let allowed = header(header::ACCESS_CONTROL_ALLOW_HEADERS).unwrap();
        assert!(["authorization", "content-type", "dpop"].iter().all(|one| allowed.contains(one)));
    }
    (answer.status().as_u16(), header(header::ACCESS_CONTROL_ALLOW_ORIGIN))
}

/// `web_origins`, by default those of a public client's redirect URIs; nobody else's page reads anything.
#[test]
fn pages_of_registered_origins_may_ask_by_script() {
    on_each_database(|on| async move {
        let named = format!("web_origins = [\"{OWN}\"]\nclient_id");
        let realm = changed_realm(&[
            ("clients/tax-filing.toml", "client_id", &named),
            (
                "clients/desktop.toml",
                "redirect_uris = [",
                "redirect_uris = [\"https://spa.example:8443/cb\", ",
            ),
        ]);
        let app = Setup::of(on, vec![realm]).start().await;
        for path in ["/token", "/userinfo", "/introspect", "/revoke"] {
            for method in ["OPTIONS", "POST"] {
                for (origin, may) in [
                    (OWN, true),
                    ("https://spa.example:8443", true),
                    ("https://spa.example", false),
                    ("http://filing.jiangxi.example", false),
                    ("https://filing.jiangxi.example.evil.example", false),
                    ("https://invoice.jiangxi.example", false),
                    ("null", false),
                ] {
                    let (_, allowed) = told(&app, method, path, origin).await;
                    let expected = may.then(|| origin.to_owned());
                    assert_eq!(allowed, expected, "{method} {path} {origin}");
                }
            }
        }
        // Pages are nobody's to read.
        for path in ["/authorize", "/login", "/account", "/logout"] {
            assert_eq!(told(&app, "GET", path, OWN).await.1, None, "{path}");
        }
        let (status, _) = told(&app, "GET", "/.well-known/oauth-authorization-server", OWN).await;
        assert_eq!(status, 200);
        let behind = Request::get("/.well-known/oauth-authorization-server/realms/jiangxi");
        let (status, document) = app.json(behind.body(Body::empty()).unwrap()).await;
        assert_eq!(status.as_u16(), 200);
        let scopes: Vec<&str> = document["scopes_supported"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|one| one.as_str())
            .collect();
        assert!(!scopes.contains(&"scan") && !scopes.contains(&"registry_import"), "{scopes:?}");
    });
}

/// A page reads every answer, also one that no endpoint gave: too long, too late, come again.
#[test]
fn pages_of_registered_origins_read_why_nothing_came() {
    on_each_database(|on| async move {
        let named = format!("web_origins = [\"{OWN}\"]\nclient_id");
        let realm = changed_realm(&[("clients/tax-filing.toml", "client_id", &named)]);
        let app = Setup::of(on, vec![realm]).start().await;
        let hasty = router_within(app.app.clone(), Duration::ZERO);
        for path in ["/token", "/userinfo", "/introspect", "/revoke"] {
            for (router, body, status) in [
                (&app.router, Body::from("x".repeat(70_000)), 413),
                // Later than anybody waits.
                (&hasty, Body::from(format!("token=x&client_id={}", FILING.id)), 503),
            ] {
                let request = Request::post(format!("/realms/jiangxi{path}"))
                    .header(header::ORIGIN, OWN)
                    .header(header::AUTHORIZATION, "Bearer x")
                    .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                    .body(body)
                    .unwrap();
                let answer = router.clone().oneshot(request).await.unwrap();
                if status == 503 && answer.status() != 503 {
                    // It had nothing to wait for.
                    continue;
                }
                assert_eq!(answer.status().as_u16(), status, "{path}");
                let headers = answer.headers();
                assert_eq!(headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], OWN, "{path}");
                let exposed = headers[header::ACCESS_CONTROL_EXPOSE_HEADERS].to_str().unwrap();
                assert!(exposed.contains("retry-after"), "{exposed}");
                assert_eq!(headers.contains_key(header::RETRY_AFTER), status == 503);
            }
        }
    });
}

/// Where an answer came from, and what a page of this origin is told of it.
fn check(answer: &Response, what: &str, status: u16, allowed: Option<&str>) {
    let said = |name| answer.headers().get(name).map(|value: &HeaderValue| value.to_str().unwrap());
    assert_eq!(answer.status().as_u16(), status, "{what}");
    assert_eq!(said(header::ACCESS_CONTROL_ALLOW_ORIGIN), allowed, "{what}");
    assert!(said(header::ACCESS_CONTROL_ALLOW_CREDENTIALS).is_none(), "{what}");
    let exposed = said(header::ACCESS_CONTROL_EXPOSE_HEADERS);
    assert!(allowed.is_none() || exposed.is_some_and(|all| all.contains("retry-after")), "{what}");
    assert_eq!(said(header::X_CONTENT_TYPE_OPTIONS), Some("nosniff"), "{what}");
    assert!(said(header::STRICT_TRANSPORT_SECURITY).is_some(), "{what}");
    assert!(said(header::CONTENT_SECURITY_POLICY).is_some(), "{what}");
}

const ORIGINS: [Option<&str>; 3] = [Some(OWN), Some("https://evil.example"), None];

fn asked(method: &str, address: &str, origin: Option<&str>) -> request::Builder {
    let asked = Request::builder().method(method).uri(address);
    origin.into_iter().fold(asked, |asked, origin| asked.header(header::ORIGIN, origin))
}

async fn with_an_origin(on: On) -> TestApp {
    let named = format!("web_origins = [\"{OWN}\"]\nclient_id");
    let realm = changed_realm(&[("clients/tax-filing.toml", "client_id", &named)]);
    Setup::of(on, vec![realm]).start().await
}

/// What no handler answered of the addresses that scripts ask: pages of registered origins read it, and of
/// documents everybody's.
#[test]
fn no_answer_is_kept_from_the_pages_that_may_read() {
    on_each_database(|on| async move {
        let app = with_an_origin(on).await;
        let scripts = ["/token", "/userinfo", "/introspect", "/revoke"];
        let realm = "/realms/jiangxi";
        let mut cases = Vec::new();
        for path in scripts {
            cases.push(("PUT", format!("{realm}{path}"), 0, 405, false));
            cases.push(("POST", format!("{realm}{path}"), 70_000, 413, false));
        }
        for path in ["/jwks", "/.well-known/openid-configuration", "/.well-known/ssf-configuration"]
        {
            cases.push(("POST", format!("{realm}{path}"), 0, 405, true));
            cases.push(("GET", format!("/realms/nowhere{path}"), 0, 404, true));
        }
        cases.push(("GET", format!("{realm}/jwks/sm2"), 0, 404, true));
        let elsewhere = "/.well-known/oauth-authorization-server/realms/nowhere";
        cases.push(("GET", elsewhere.to_owned(), 0, 404, true));
        let ways = ORIGINS.map(|origin| ["*/*", "text/html"].map(|accepted| (origin, accepted)));
        for (method, address, n, status, is_document) in &cases {
            for (origin, accepted) in ways.concat() {
                let request = asked(method, address, origin)
                    .header(header::ACCEPT, accepted)
                    .body(Body::from("x".repeat(*n)))
                    .unwrap();
                let answer = app.router.clone().oneshot(request).await.unwrap();
                let own = origin.filter(|origin| *origin == OWN);
                let allowed = if *is_document { Some("*") } else { own };
                let what = format!("{method} {address} {origin:?} {accepted}");
                check(&answer, &what, *status, allowed);
            }
        }
        // Keys that are not loaded: a fault of ours.
        let node = app.second_node_without_keys().await;
        let request = asked("GET", "/realms/jiangxi/jwks", None).body(Body::empty()).unwrap();
        check(&node.router.clone().oneshot(request).await.unwrap(), "a fault", 500, Some("*"));
    });
}

/// The same of a body that does not come.
#[test]
fn pages_read_that_their_bodies_were_late() {
    on_each_database(|on| async move {
        let app = with_an_origin(on).await;
        let late = async |path: &str, origin: Option<&str>| {
            let never = futures_util::stream::pending::<Result<Vec<u8>, Infallible>>();
            let address = format!("/realms/jiangxi{path}");
            let request = asked("POST", &address, origin).body(Body::from_stream(never)).unwrap();
            let answer = app.router.clone().oneshot(request).await.unwrap();
            let own = origin.filter(|origin| *origin == OWN);
            check(&answer, &format!("{path} {origin:?}"), 408, own);
        };
        tokio::join!(
            late("/token", ORIGINS[0]),
            late("/token", ORIGINS[1]),
            late("/token", ORIGINS[2]),
            late("/introspect", ORIGINS[0]),
        );
    });
}

/// The same of what is answered before the router is asked: too many fields, no room for another answer.
#[test]
fn pages_read_that_there_was_no_room() {
    on_each_database(|on| async move {
        let app = with_an_origin(on).await;
        let one = Most { in_all: 1, of_place: 1 };
        let gate = Gate::new(one, Proxies::default()).of(app.app.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let (_inside, mut service) = gate.accept(stream, app.router.clone()).await.unwrap();
        let held = asked("GET", "/realms/jiangxi/jwks", None).body(Body::empty()).unwrap();
        let held = service.call(held).await.unwrap();
        assert_eq!(held.status().as_u16(), 200);
        for origin in ORIGINS {
            let own = origin.filter(|origin| *origin == OWN);
            for (path, allowed) in [
                ("/realms/jiangxi/token", own),
                ("/realms/jiangxi/userinfo", own),
                ("/realms/jiangxi/introspect", own),
                ("/realms/jiangxi/revoke", own),
                ("/realms/nowhere/token", None),
                ("/realms/jiangxi/jwks", Some("*")),
                ("/realms/jiangxi/jwks/sm2", Some("*")),
                ("/realms/jiangxi/.well-known/openid-configuration", Some("*")),
                ("/.well-known/oauth-authorization-server/realms/jiangxi", Some("*")),
                ("/realms/jiangxi/login", None),
                ("/realms/jiangxi/account", None),
            ] {
                for (n_fields, status) in [(0, 503), (101, 431)] {
                    let bare = asked("POST", path, origin);
                    let request =
                        (0..n_fields).fold(bare, |all, n| all.header(format!("x-{n}"), "x"));
                    let answer = service.call(request.body(Body::empty()).unwrap()).await.unwrap();
                    check(&answer, &format!("{path} {origin:?}"), status, allowed);
                    assert_eq!(answer.headers().contains_key(header::RETRY_AFTER), status == 503);
                }
            }
        }
        drop(held);
        let request = asked("GET", "/realms/jiangxi/jwks", None).body(Body::empty()).unwrap();
        assert_eq!(service.call(request).await.unwrap().status().as_u16(), 200);
    });
}

/// However many sign-ins a browser begins, the cookies of all of them pass a proxy's 8 KiB, and the
/// newest goes on.
#[test]
fn a_browser_holds_few_sign_ins_that_were_begun() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut browser = signed_in(&app).await;
        let long = "x".repeat(700);
        for n in 0..20 {
            app.clock.advance(1);
            let more = [("prompt", "login"), ("state", long.as_str())];
            let page = browser.get(&authorize_url(&FILING, &more)).await;
            assert!(page.text.contains("name=\"password\""), "{n}: {}", page.text);
            let header: usize = browser.cookies.iter().map(|(k, v)| k.len() + v.len() + 3).sum();
            let longest = browser.cookies.iter().map(|(k, v)| k.len() + v.len()).max().unwrap();
            let begun = browser.cookies.keys().filter(|name| name.contains("-login-")).count();
            assert!(
                begun <= 3 && longest < 4096 && header < 7000,
                "{n}: {begun} {longest} {header}"
            );
        }
    });
}

/// Whatever stands in a request, and in however many realms of one host sign-ins were begun: the cookies are
/// small, and pass a proxy's 8 KiB together.
#[test]
fn the_cookies_of_all_realms_of_a_host_pass_a_proxy() {
    on_each_database(|on| async move {
        let there = [("realm.toml", "/realms/jiangxi\"", "/realms/hunan\"")];
        let realms = vec![demo_realm(), realm_named("hunan", &there)];
        let app = Setup::of(on, realms).start().await;
        let quotes = |n: usize| format!("{{\"{}\":null}}", "\\\"".repeat(n));
        let mut browser = app.browser();
        for (n, text) in [
            "\"".repeat(1200),
            "\\".repeat(600),
            "虎".repeat(400),
            "x".repeat(1150),
            quotes(150),
            "\"虎\\".repeat(180),
        ]
        .iter()
        .cycle()
        .take(24)
        .enumerate()
        {
            app.clock.advance(1);
            let claims = format!("{{\"id_token\":{}}}", quotes(n % 5));
            let more = [("state", text.as_str()), ("claims", claims.as_str())];
            let realm = if n % 2 == 0 { "jiangxi" } else { "hunan" };
            let url = authorize_url(&FILING, &more);
            let url = url.replace("/realms/jiangxi", &format!("/realms/{realm}"));
            let page = browser.get(&url).await;
            assert!(page.text.contains("name=\"password\""), "{n}: {} {}", page.status, page.url);
            let header: usize = browser.cookies.iter().map(|(k, v)| k.len() + v.len() + 3).sum();
            let longest = browser.cookies.iter().map(|(k, v)| k.len() + v.len()).max().unwrap();
            let begun = browser.cookies.keys().filter(|name| name.contains("-login-")).count();
            let case = format!("{n}: {begun} of {longest} in {header}");
            assert!(begun <= 3 && longest < 4096 && header < 7000, "{case}");
            // The newest of both realms are there.
            let own = browser.cookies.keys().filter(|name| name.ends_with(realm));
            assert!(n == 0 || own.count() < begun, "{case}");
        }
    });
}

/// Of an authorization request what it may have is kept, by the browser, and no more than a few kilobytes.
#[test]
fn a_request_is_kept_as_far_as_it_means_something() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let padding = "x".repeat(50_000);
        let url = authorize_url(&FILING, &[("unknown", &padding), ("find", "")]);
        let mut browser = app.browser();
        let page = browser.get(&url).await;
        assert!(page.text.contains("name=\"slider_id\""), "{}", page.text);
        let longest = browser.cookies.values().map(String::len).max().unwrap();
        assert!(longest < 1500, "{longest}");
        let t = page.hidden()["t"].clone();
        let kept = hufu::flows::sign_in::transaction::find(&app.ctx, &t).await.unwrap();
        assert!(kept.is_none(), "nothing is kept before a form is posted");
        let url = authorize_url(&FILING, &[("ui_locales", &padding[..7000])]);
        let refused = app.browser().get(&url).await;
        assert_eq!(refused.answered("error").as_deref(), Some("invalid_request"));
    });
}
