//! Clients that do not wait for their answer: the handler comes to its end all the same.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use axum::response::Response;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use futures_util::FutureExt;
use hufu::base::id::GrantId;
use hufu::base::secret::Secret;
use hufu::realm::file::Lifetimes;
use hufu::store::Tx;
use hufu::web::layers::{TIME_OUT, grace_needed, time_out_of_scripts};
use hufu::web::router::router_within;
use hufu::web::stopping::Stopping;
use tower::ServiceExt;

use super::authorize::signed_in;
use super::token::rotating;
use crate::kit::{Browser, FILING, Setup, TestApp, authorize_url, claims, on_each_database};
use crate::login::scan::login_page;

async fn tokens(app: &TestApp, browser: &mut Browser) -> (String, String) {
    let done = browser.get(&authorize_url(&FILING, &[])).await;
    let tokens = app.redeem(&done.answered("code").unwrap()).await.1;
    let text = |name: &str| tokens[name].as_str().unwrap().to_owned();
    (text("access_token"), text("refresh_token"))
}

async fn post(router: Router, endpoint: &str, form: String) -> Response {
    let pair = BASE64_STANDARD.encode(format!("{}:{}", FILING.id, FILING.secret));
    let request = Request::post(format!("/realms/jiangxi/{endpoint}"))
        .header(header::AUTHORIZATION, format!("Basic {pair}"))
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(form));
    router.oneshot(request.unwrap()).await.unwrap()
}

async fn revoke(router: Router, token: &str) -> StatusCode {
    post(router, "revoke", format!("token={token}")).await.status()
}

/// Somebody else who is at the grant's row, so that no revocation comes to its end meanwhile.
async fn at_its_row<'a>(app: &'a TestApp, access: &str) -> Tx<'a> {
    let jti = claims(access)["jti"].as_str().unwrap().to_owned();
    let grant: GrantId = jti.split('.').next().unwrap().parse().unwrap();
    let tx = app.ctx.begin().await.unwrap();
    tx.rows().grants().revoke(grant, app.ctx.now()).await.unwrap();
    tx
}

async fn is_ended(app: &TestApp, access: &str) -> bool {
    app.app.abandoned().all_done().await;
    app.introspect(access).await["active"] == false
}

/// Whoever hangs up has asked all the same: at any moment after its handler has begun.
#[test]
fn what_a_client_asked_is_done_when_it_has_hung_up() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut browser = signed_in(&app).await;
        let (access, refresh) = tokens(&app, &mut browser).await;
        let other = at_its_row(&app, &access).await;
        // Polled once: it has begun, and cannot end.
        let left = revoke(app.router.clone(), &refresh).now_or_never();
        assert!(left.is_none(), "it was answered before it could leave");
        drop(other);
        assert!(is_ended(&app, &access).await);
    });
}

/// The time-out is a setting: the client hears 503, and the work is done.
#[test]
fn what_takes_too_long_is_answered_503_and_done() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut browser = signed_in(&app).await;
        let (access, refresh) = tokens(&app, &mut browser).await;
        let hasty = router_within(app.app.clone(), Duration::from_millis(50));
        let other = at_its_row(&app, &access).await;
        assert_eq!(revoke(hasty, &refresh).await, StatusCode::SERVICE_UNAVAILABLE);
        drop(other);
        assert!(is_ended(&app, &access).await);
    });
}

/// Whoever refreshes, hears nothing in time and asks again when it was told to is still signed in: the longest that
/// it waits, and what it is told then, fit the grace of a token that was replaced.
#[test]
fn whoever_refreshed_in_vain_asks_again() {
    on_each_database(|on| async move {
        let app = Setup::of(on, vec![rotating(10)]).start().await;
        let mut browser = signed_in(&app).await;
        let (_, refresh) = tokens(&app, &mut browser).await;
        let hasty = router_within(app.app.clone(), Duration::from_millis(50));
        // Somebody else is at the token's row.
        let other = app.ctx.begin().await.unwrap();
        let token = Secret::new(refresh.clone()).hashed();
        assert!(other.rows().grants().take_refresh(token, app.ctx.now()).await.unwrap());
        let form = format!("grant_type=refresh_token&refresh_token={refresh}");
        let late = post(hasty, "token", form).await;
        assert_eq!(late.status(), StatusCode::SERVICE_UNAVAILABLE);
        let again = late.headers()[header::RETRY_AFTER].to_str().unwrap();
        let again: i64 = again.parse().unwrap();
        drop(other);
        app.app.abandoned().all_done().await;
        let waited = time_out_of_scripts(TIME_OUT).as_secs();
        // One more, because moments are whole seconds.
        app.clock.advance(i64::try_from(waited).unwrap() + again + 1);
        let (status, answer) = app.refresh(&refresh).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
    });
}

/// The grace that a time-out needs; what is the default fits.
#[test]
fn a_grace_is_longer_than_the_time_out() {
    for (milliseconds, needed) in
        [(0, 4), (50, 5), (1000, 5), (1001, 6), (6000, 10), (6001, 10), (60_000, 10)]
    {
        let time_out = Duration::from_millis(milliseconds);
        assert_eq!(grace_needed(time_out), needed, "{milliseconds}");
    }
    assert!(grace_needed(TIME_OUT) <= Lifetimes::default().refresh_grace);
}

/// The stream of a scan code belongs to the connection: its handler has ended, and nothing is left
/// running when the browser leaves.
#[test]
fn a_stream_ends_with_its_connection() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let (browser, page) = login_page(&app).await;
        let (_, fields) = page.filled(&[("app", "tax_app")]);
        let query = format!("t={}&q={}&v={}", fields["t"], fields["q"], fields["v"]);
        let cookies = browser.cookies.iter().map(|(name, value)| format!("{name}={value}"));
        let request = Request::get(format!("/realms/jiangxi/login/scan/events?{query}"))
            .header(header::COOKIE, cookies.collect::<Vec<_>>().join("; "))
            .body(Body::empty());
        let stream = app.router.clone().oneshot(request.unwrap()).await.unwrap();
        assert_eq!(stream.status(), StatusCode::OK);
        let ended = tokio::time::timeout(Duration::from_secs(5), app.app.abandoned().all_done());
        assert!(ended.await.is_ok(), "the handler does not wait for the stream");
    });
}

/// A request that is never finished holds its connection for a moment, not for ever.
#[tokio::test]
async fn half_a_request_is_cut_off() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let port = crate::kit::demo::free_ports();
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], port));
    let listener = hufu::web::server::listen(address).unwrap();
    let stopping = Stopping::default();
    let served =
        async move { hufu::web::server::serve(listener, Router::new(), None, &stopping).await };
    let served = tokio::spawn(served);
    let mut stream = loop {
        match tokio::net::TcpStream::connect(address).await {
            Ok(stream) => break stream,
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    };
    stream.write_all(b"GET /realms/jiangxi/jwks HTTP/1.1\r\nHost: hufu\r\nX-Long: ").await.unwrap();
    let mut rest = Vec::new();
    let ended = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut rest)).await;
    assert!(ended.is_ok(), "it is still open");
    served.abort();
}
