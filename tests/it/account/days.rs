//! A day is written in one way: whatever else a date library would read as one is refused at every door, for
//! days are kept and compared as texts.

use axum::body::Body;
use axum::http::Request;
use hufu::flows::feed::{Format, import};
use serde_json::{Value, json};

use super::{WANG, as_li, held, post};
use crate::kit::{EXAMPLE, TestApp, on_each_database};

/// What is no day, or not of a year that has one.
const NO_DAYS: [&str; 9] = [
    "+10000-01-01",
    "10000-01-01",
    "+2027-12-31",
    "-2027-12-31",
    "-1-01-01",
    "26-12-31",
    "2027-1-31",
    "2027-12-1",
    "1899-12-31",
];

/// 王小明 as a clerk of the example enterprise.
fn line(version: usize, more: (&str, &str)) -> Value {
    let mut line = json!({"feed": "authorisation", "source_key": "days", "version": version,
        "enterprise": EXAMPLE, "person": "360102199003071236", "identity_type": "tax_clerk",
        "permissions": ["TAX_FILING"], "valid_from": "2026-01-01", "valid_to": "2027-12-31"});
    line[more.0] = json!(more.1);
    line
}

/// The report of what the registry's client sends.
async fn send(app: &TestApp, token: &str, line: &Value) -> Value {
    let request = Request::post("/realms/jiangxi/admin/import")
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/jsonl")
        .body(Body::from(line.to_string()))
        .unwrap();
    app.json(request).await.1
}

async fn end_of_clerk(app: &TestApp) -> (String, String) {
    let held = held(&app.ctx, WANG).await;
    let clerk = held.iter().find(|one| one.identity_type.0 == "tax_clerk").unwrap();
    let end = clerk.valid_to().map(|day| day.to_string()).unwrap_or_default();
    (clerk.state().name().to_owned(), end)
}

/// What is no day is refused on a page, in a file and through the network; the last of all days is taken,
/// and the clock ends nothing of it.
#[test]
fn only_a_day_of_four_digits_and_two_and_two_is_one() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut li = as_li(&app).await;
        let form = [("grant_type", "client_credentials"), ("scope", "registry_import")];
        let registry = Some(("registry", "demo-secret-of-registry"));
        let (_, tokens) = app.post("/token", registry, &form).await;
        let token = tokens["access_token"].as_str().unwrap();
        let before = end_of_clerk(&app).await;
        let his = held(&app.ctx, WANG).await;
        let clerk = his.iter().find(|one| one.identity_type.0 == "tax_clerk").unwrap();
        let path = format!("/account/handlers/{}", clerk.id);
        let save = |day: &'static str| {
            [("act", "save"), ("term", "date"), ("valid_to", day), ("p-TAX_FILING", "yes")]
        };
        for (n, day) in NO_DAYS.into_iter().enumerate() {
            let refused = post(&app, &mut li, &path, &save(day)).await;
            assert_eq!(refused.code(), Some("E_FORMAT"), "{day} on the page");
            for field in ["valid_from", "valid_to"] {
                let line = line(n + 1, (field, day));
                let text = line.to_string();
                let file = import(&app.ctx, "test", text.as_bytes(), Format::JsonLines, None);
                let file = file.await.unwrap();
                let fields = file.failed.iter().map(|one| one.why.field.as_deref());
                assert_eq!(fields.collect::<Vec<_>>(), [Some(field)], "{day} in a file");
                let report = send(&app, token, &line).await;
                assert_eq!(report["failed"][0]["field"], field, "{day} sent: {report}");
            }
        }
        assert_eq!(end_of_clerk(&app).await, before, "nothing was written");
        let last = "9999-12-31";
        let saved = post(&app, &mut li, &path, &save(last)).await;
        assert_eq!(saved.code(), None, "{}", saved.text);
        let is_kept = ("active".to_owned(), last.to_owned());
        hufu::flows::relations::expiry::run(&app.ctx).await.unwrap();
        assert_eq!(end_of_clerk(&app).await, is_kept);
        let report = send(&app, token, &line(100, ("valid_to", last))).await;
        assert_eq!(report["applied"], 1, "{report}");
        hufu::flows::relations::expiry::run(&app.ctx).await.unwrap();
        assert_eq!(end_of_clerk(&app).await, is_kept);
    });
}
