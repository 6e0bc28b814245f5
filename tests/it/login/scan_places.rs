//! Whose failure it is when a phone answers a code wrongly: the browser's that shows it, wherever the phone
//! is, and whichever server speaks for it.

use std::net::SocketAddr;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderValue, Request, header};
use hufu::cli::demo::phone_app::SignedIn;
use serde_json::Value;

use super::scan::{another, code, id, iit, number, operator, scan};
use crate::kit::browser::Shown;
use crate::kit::{Browser, EXAMPLE, FILING, PASSWORD, TestApp, authorize_url, on_each_database};
use crate::protocol::authorize::signed_in;

const LI: &str = "13900139000";
/// Where the phone or the operator's server is.
const ELSEWHERE: &str = "198.51.100.7";
const STRANGE: &str = "203.0.113.9";

/// The second factor's page of 李芳 with one way open.
async fn open(app: &TestApp, from: &str, way: &str) -> (Browser, Shown) {
    let mut browser = app.browser_at(from);
    let agent = HeaderValue::from_static("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0");
    browser.headers.insert(header::USER_AGENT, agent);
    let page = browser.get(&authorize_url(&FILING, &[])).await;
    let page = browser.type_credentials(&page, (EXAMPLE, LI, PASSWORD)).await;
    let t = page.hidden()["t"].clone();
    let page = browser.get(&format!("/realms/jiangxi/login/second_factor?t={t}&way={way}")).await;
    (browser, page)
}

/// The operator's server, which has an address of its own.
async fn tell(app: &TestApp, page: &Shown, what: &str, who: &SignedIn, typed: Option<u8>) -> Value {
    let form = operator(app).form(&id(page), what, (who, true), typed).unwrap();
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let from = SocketAddr::new(ELSEWHERE.parse().unwrap(), 4711);
    let request = Request::post("/realms/jiangxi/app/scan")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .extension(ConnectInfo(from))
        .body(Body::from(body))
        .unwrap();
    app.json(request).await.1
}

/// A wrong number for the code that is shown there.
async fn fail(app: &TestApp, from: &str, way: &str) {
    let (_, page) = open(app, from, way).await;
    if way == "iit_app" {
        let li = iit("李芳", "360121198802290026");
        tell(app, &page, "scan", &li, None).await;
        let wrong = another(&number(&app.ctx, &page).await).parse().ok();
        let refused = tell(app, &page, "confirm", &li, wrong).await;
        assert!(refused.to_string().contains("E_STEPUP_FAILED"), "{refused}");
        return;
    }
    let mut phone = app.browser_at(ELSEWHERE);
    let asked = scan(&mut phone, &code(&page)).await;
    let wrong = another(&number(&app.ctx, &page).await);
    let refused = phone.submit(&asked, &[("act", "confirm"), ("number", wrong)]).await;
    assert_eq!(refused.code(), Some("E_STEPUP_FAILED"));
}

/// How a code by text message is refused there; nothing where it goes out.
async fn sending(app: &TestApp, from: &str) -> Option<String> {
    app.clock.advance(61);
    let (mut browser, page) = open(app, from, "sms").await;
    browser.submit(&page, &[("act", "send")]).await.code().map(str::to_owned)
}

/// Five wrong numbers lock where the code is shown and stand in the log from there: neither the phone's nor
/// the operator's address counts. Covers E-24.
#[test]
fn a_wrong_number_is_the_failure_of_the_browser_that_shows_the_code() {
    on_each_database(|on| async move {
        for way in ["iit_app", "tax_app"] {
            for (from, other) in [("127.0.0.1", STRANGE), (STRANGE, "127.0.0.1")] {
                let app = TestApp::start(on).await;
                // 127.0.0.1 is a place of hers from now on, the others are not.
                signed_in(&app).await;
                app.sql("DELETE FROM login_log WHERE outcome <> 'ok'").await;
                for _ in 0..5 {
                    fail(&app, from, way).await;
                }
                let lines = app.said(
                    "SELECT l.ip || ' ' || l.device AS said FROM login_log l \
                     WHERE l.outcome = 'E_STEPUP_FAILED'",
                );
                let lines = lines.await;
                assert_eq!(lines, vec![format!("{from} Firefox / Linux"); 5], "{way}");
                let here = sending(&app, from).await;
                assert_eq!(here.as_deref(), Some("E_OTP_RATE"), "{way} at {from}");
                assert_eq!(sending(&app, other).await, None, "{way} at {other}");
            }
        }
    });
}
