//! A code's event streams, kept open: each side hears of every state as it comes, once, and the stream
//! ends with the code; and what many guesses at once are worth.

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::http::{Request, header};
use futures_util::StreamExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::scan::{another, code, login_page, number, scan, told};
use crate::kit::browser::Shown;
use crate::kit::{Browser, TestApp, on_each_database};
use crate::protocol::authorize::signed_in;

const ELSEWHERE: &str = "198.51.100.20";

pub struct Stream(BodyDataStream);

impl Stream {
    pub async fn open(app: &TestApp, browser: &Browser, path: &str) -> Self {
        let cookies = browser.cookies.iter().map(|(name, value)| format!("{name}={value}"));
        let request = Request::get(path)
            .header(header::COOKIE, cookies.collect::<Vec<_>>().join("; "))
            .body(Body::empty());
        let answer = app.router.clone().oneshot(request.unwrap()).await.unwrap();
        assert_eq!(answer.status().as_u16(), 200, "{path}");
        assert_eq!(answer.headers()["x-accel-buffering"], "no");
        Self(answer.into_body().into_data_stream())
    }

    /// What it tells next; `None`: it has ended.
    pub async fn next(&mut self) -> Option<Value> {
        let event = tokio::time::timeout(Duration::from_secs(15), self.0.next()).await;
        let event = event.expect("nothing is told")?.unwrap();
        let event = String::from_utf8(event.to_vec()).unwrap();
        Some(serde_json::from_str(event.trim().strip_prefix("data: ").unwrap()).unwrap())
    }
}

/// The stream of the browser that shows the code.
pub fn events(page: &Shown) -> String {
    let (_, fields) = page.filled(&[("app", "tax_app")]);
    let (t, q, v) = (&fields["t"], &fields["q"], &fields["v"]);
    format!("/realms/jiangxi/login/scan/events?t={t}&q={q}&v={v}")
}

/// Whatever becomes of a code, both sides hear of it without asking.
#[test]
fn a_stream_tells_every_state_and_ends_with_the_code() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut phone = signed_in(&app).await;
        phone.from = ELSEWHERE.parse().unwrap();
        for over in ["confirmed", "cancelled", "turned back", "failed", "expired"] {
            let (mut browser, page) = login_page(&app).await;
            let mut shown = Stream::open(&app, &browser, &events(&page)).await;
            let new = json!({"state": "new", "name": null, "number": null});
            assert_eq!(shown.next().await, Some(new));
            let asked = scan(&mut phone, &code(&page)).await;
            let right = number(&app.ctx, &page).await;
            let digits: u8 = right.parse().unwrap();
            let scanned = json!({"state": "scanned", "name": "李*", "number": digits});
            assert_eq!(shown.next().await, Some(scanned), "{over}");
            let path = format!("{}/events", code(&page));
            let mut held = Stream::open(&app, &phone, &path).await;
            let stands = held.next().await.unwrap();
            assert_eq!(stands, json!({"state": "scanned"}), "the phone is never told the number");
            let typed = |number| [("act", "confirm"), ("number", number)];
            let state = match over {
                "confirmed" => {
                    phone.submit(&asked, &typed(&right)).await;
                    "confirmed"
                }
                "cancelled" => {
                    phone.submit(&asked, &[("act", "cancel")]).await;
                    "cancelled"
                }
                "turned back" => {
                    browser.submit(&page, &[("app", "tax_app"), ("act", "cancel")]).await;
                    "cancelled"
                }
                "failed" => {
                    phone.submit(&asked, &typed(another(&right))).await;
                    "failed"
                }
                _ => {
                    app.clock.advance(181);
                    "expired"
                }
            };
            let last = json!({"state": state, "name": null, "number": null});
            assert_eq!(shown.next().await, Some(last), "{over}");
            assert_eq!(shown.next().await, None, "{over}: the stream has ended");
            assert_eq!(held.next().await, Some(json!({"state": state})), "{over}");
            assert_eq!(held.next().await, None, "{over}: the phone's has ended");
        }
    });
}

/// Of many numbers that are typed at once, one is judged.
#[test]
fn guesses_at_once_are_one_guess() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut phone = signed_in(&app).await;
        phone.from = ELSEWHERE.parse().unwrap();
        let (mut browser, page) = login_page(&app).await;
        let asked = scan(&mut phone, &code(&page)).await;
        let right = number(&app.ctx, &page).await;
        let mut crowd = tokio::task::JoinSet::new();
        for guess in (10..100).map(|guess: u8| guess.to_string()).filter(|guess| *guess != right) {
            let (mut phone, asked) = (phone.clone(), asked.clone());
            crowd.spawn(async move {
                let fields = [("act", "confirm"), ("number", guess.as_str())];
                phone.submit(&asked, &fields).await.code().unwrap().to_owned()
            });
        }
        let codes = crowd.join_all().await;
        let judged = codes.iter().filter(|code| *code == "E_STEPUP_FAILED").count();
        assert_eq!(judged, 1, "{codes:?}");
        assert_eq!(told(&mut browser, &page).await["state"], "failed");
    });
}
