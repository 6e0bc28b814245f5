//! What browsers hold and send: origins that may ask by script, cookies of sign-ins that were begun.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, header};
use hufu::web::router::router_within;
use tower::ServiceExt;

use super::authorize::signed_in;
use crate::kit::{
    FILING, Setup, TestApp, authorize_url, changed_realm, demo_realm, on_each_database, realm_named,
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
        assert_eq!(app.browser().get(&url).await.status.as_u16(), 400);
    });
}
