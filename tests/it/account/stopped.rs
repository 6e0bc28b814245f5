//! A step was passed, and its session ends before what it is for is done: nothing is.

use super::person::{confirm, invite};
use super::{WANG, as_person, pass_scan, post};
use crate::kit::browser::Shown;
use crate::kit::{Browser, On, TestApp, on_each_database};

/// What somebody proves themself once more for.
const ERRANDS: [&str; 4] = ["document", "password", "confirmation", "cancellation"];

/// As far as the scan.
async fn begun(app: &TestApp, browser: &mut Browser, errand: &str, waiting: &[String]) -> Shown {
    let (path, fields) = match errand {
        "document" => (
            "/account/documents/add",
            vec![
                ("name", "王小明"),
                ("document_type", "chinese_passport"),
                ("document", "EF1260892"),
                ("term", "dates"),
                ("valid_from", "2024-05-01"),
                ("valid_to", "2034-04-30"),
            ],
        ),
        "password" => (
            "/account/password",
            vec![
                ("way", "face"),
                ("act", "save"),
                ("new", "Winter2026#"),
                ("repeated", "Winter2026#"),
            ],
        ),
        "cancellation" => ("/account/cancel", vec![("read", "yes"), ("way", "tax_app")]),
        _ => return confirm(app, browser, waiting).await,
    };
    post(app, browser, path, &fields).await
}

/// What an errand would change.
async fn kept(app: &TestApp) -> Vec<String> {
    let mut kept = Vec::new();
    for sql in [
        "SELECT kind || status AS said FROM identity_document ORDER BY id",
        "SELECT status || COALESCE(password_hash, '-') AS said FROM account ORDER BY id",
        "SELECT state AS said FROM authorisation ORDER BY id",
        "SELECT 'told ' || COUNT(*) AS said FROM notice",
    ] {
        kept.extend(app.said(sql).await);
    }
    kept
}

/// From now on every session ends as soon as anything is used up: after all questions that were asked before.
async fn end_at_the_last_moment(app: &TestApp, on: On) {
    let end = "BEGIN UPDATE session SET ended_at = 1";
    match on {
        On::Sqlite => {
            app.sql(&format!("CREATE TRIGGER too_late AFTER INSERT ON used_up {end}; END")).await;
        }
        On::Postgres => {
            let body = format!("$$ {end}; RETURN NEW; END $$");
            app.sql(&format!(
                "CREATE FUNCTION too_late() RETURNS trigger LANGUAGE plpgsql AS {body}"
            ))
            .await;
            app.sql(
                "CREATE TRIGGER too_late AFTER INSERT ON used_up FOR EACH ROW \
                 EXECUTE FUNCTION too_late()",
            )
            .await;
        }
    }
}

/// Whoever signs out, or is signed out, between the last question and the act has stopped it; without that it is
/// done.
#[test]
fn a_session_that_ends_first_stops_what_was_proved_for() {
    on_each_database(|on| async move {
        for errand in ERRANDS {
            let app = TestApp::start(on).await;
            let waiting = invite(&app).await;
            let mut wang = as_person(&app, WANG).await;
            let scan = begun(&app, &mut wang, errand, &waiting).await;
            assert!(scan.url.contains("/login/second_factor"), "{errand} {}", scan.text);
            let before = kept(&app).await;
            end_at_the_last_moment(&app, on).await;
            let shown = pass_scan(&app, &mut wang, &scan).await;
            assert_eq!(kept(&app).await, before, "{errand} {} {}", shown.url, shown.text);
            let away = match on {
                On::Sqlite => "DROP TRIGGER too_late",
                On::Postgres => "DROP TRIGGER too_late ON used_up",
            };
            app.sql(away).await;
            let scan = begun(&app, &mut wang, errand, &waiting).await;
            assert!(scan.url.contains("/login/second_factor"), "{errand} {}", scan.text);
            let shown = pass_scan(&app, &mut wang, &scan).await;
            assert_ne!(kept(&app).await, before, "{errand} {} {}", shown.url, shown.text);
        }
    });
}
