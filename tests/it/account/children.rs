//! A child under sixteen is nobody's handler, whoever asks: at the page, in the feed, through the API.

use axum::body::Body;
use axum::http::Request;
use hufu::domain::authorisation::{Actor, Authorisation, By, Event, State, Terms};
use hufu::domain::refusal::Refusal;
use hufu::flows::Stop;
use hufu::flows::feed::{Format, import};
use hufu::flows::relations::writer::change;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::{NEW, as_li, at_door, get, held, post};
use crate::kit::{EXAMPLE, SAMPLE, Setup, TestApp, changed_realm, on_each_database};

/// Of 1 June 2015 (`docs/formats.md`).
const CHILD: &str = "36010220150601003X";

fn person(document: &str) -> Value {
    json!({"feed": "person", "source_key": "child", "version": 1, "name": "陈小小", "document": document,
        "phone": "13712340001"})
}

fn relation(key: &str, identity_type: &str, state: &str) -> Value {
    json!({"feed": "authorisation", "source_key": key, "version": 1, "enterprise": EXAMPLE,
        "person": CHILD, "identity_type": identity_type, "permissions": "TAX_QUERY",
        "valid_from": "2026-01-01", "state": state})
}

/// Each line's failure: field and reason.
async fn told(app: &TestApp, lines: &[Value]) -> Vec<(u64, String)> {
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let report = import(&app.ctx, "test", text.as_bytes(), Format::JsonLines, None).await.unwrap();
    let failed = report.failed.into_iter();
    failed.map(|one| (one.line, one.why.field.unwrap_or(one.why.reason))).collect()
}

/// By a manager, by the child, by the registry in a file and over the network.
#[test]
fn a_child_is_no_handler() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut li = as_li(&app).await;
        let add = |document: &'static str| {
            NEW.map(|(name, value)| match name {
                "document" => (name, document),
                "name" => (name, "陈小小"),
                _ => (name, value),
            })
        };
        for sure in [&[][..], &[("risk", "yes")]] {
            let fields = [&add(CHILD)[..], sure].concat();
            let refused = post(&app, &mut li, "/account/handlers/add", &fields).await;
            assert_eq!(refused.code(), Some("E_FORMAT"), "{}", refused.text);
            assert!(refused.text.contains("未满 16 周岁"), "{}", refused.text);
        }
        let record = json!({"feed": "record", "source_key": "r", "version": 1, "enterprise": EXAMPLE,
            "record_kind": "inspection", "record_no": "C-1", "project_name": "桥",
            "division": "360100", "tax_authority": "13601000000", "valid_from": "2026-01-01",
            "handlers": [CHILD]});
        let staff = json!({"feed": "engagement", "source_key": "s", "version": 1,
            "agency": super::AGENCY, "client": EXAMPLE, "valid_from": "2026-01-01",
            "staff": [CHILD]});
        let lines = [
            person(CHILD),
            relation("a", "tax_clerk", "active"),
            relation("b", "invoicing_clerk", "pending_by_person"),
            relation("c", "finance_supervisor", "active"),
            record,
            staff,
        ];
        let failed = told(&app, &lines).await;
        let failed: Vec<(u64, &str)> = failed.iter().map(|(n, field)| (*n, &**field)).collect();
        let expected = [(2, "person"), (3, "person"), (4, "person"), (5, "handlers"), (6, "staff")];
        assert_eq!(failed, expected);
        // The child has an account like everybody, and asks for nothing that it may not have.
        let mut child = at_door(&app, "natural_person", ("", "13712340001", "01003X"), "").await;
        let apply = [("number", EXAMPLE), ("identity_type", "tax_clerk"), ("sure", "yes")];
        let refused = post(&app, &mut child, "/account/authorisations/apply", &apply).await;
        assert_eq!(refused.code(), Some("E_FORMAT"), "{}", refused.text);
        assert!(refused.text.contains("未满 16 周岁"), "{}", refused.text);
        let held = get(&mut child, "/account/authorisations?scope=national").await;
        assert!(!held.text.contains("南昌示例"), "{}", held.text);
        // Over the network.
        let form = [("grant_type", "client_credentials"), ("scope", "registry_import")];
        let registry = ("registry", "demo-secret-of-registry");
        let (_, tokens) = app.post("/token", Some(registry), &form).await;
        let request = Request::post("/realms/jiangxi/admin/import")
            .header("authorization", format!("Bearer {}", tokens["access_token"].as_str().unwrap()))
            .header("content-type", "application/jsonl")
            .body(Body::from(relation("d", "tax_clerk", "active").to_string()))
            .unwrap();
        let answer = app.router.clone().oneshot(request).await.unwrap();
        let body = axum::body::to_bytes(answer.into_body(), 1 << 20).await.unwrap();
        let report: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(report["failed"][0]["field"], "person", "{report}");
        // From the sixteenth birthday on.
        let sixteen = hufu::base::clock::Day::from_ymd(2031, 6, 1).unwrap().start();
        app.clock.advance(sixteen.since(app.ctx.now()) - 1);
        assert_eq!(told(&app, &[relation("e", "tax_clerk", "active")]).await.len(), 1);
        app.clock.advance(1);
        assert!(told(&app, &[relation("e", "tax_clerk", "active")]).await.is_empty());
    });
}

/// The age is the realm's to set.
#[test]
fn a_realm_sets_the_age() {
    on_each_database(|on| async move {
        let own = [("realm.toml", "home_province =", "handler_min_age = 11\nhome_province =")];
        let app = Setup::of(on, vec![changed_realm(&own)]).start().await;
        let lines = [person(CHILD), relation("a", "tax_clerk", "active")];
        assert!(told(&app, &lines).await.is_empty());
    });
}

/// A passport says nothing of an age that a card tells later: nothing begins to work from then on, by whatever
/// step; what ends is as it was.
#[test]
fn an_age_that_becomes_known_counts_at_each_step() {
    on_each_database(|on| async move {
        const PASSPORT: &str = "EF1260893";
        let app = TestApp::start(on).await;
        let mut passport = person(PASSPORT);
        passport["document_type"] = json!("chinese_passport");
        let of = |key: &str, enterprise: &str, identity_type: &str, state: &str| {
            let mut line = relation(key, identity_type, state);
            line["person"] = json!(PASSPORT);
            line["enterprise"] = json!(enterprise);
            line
        };
        let mut short = of("c", EXAMPLE, "invoicing_clerk", "active");
        short["permissions"] = json!("INVOICE");
        short["valid_to"] = json!("2026-11-25");
        let lines = [
            passport,
            of("a", EXAMPLE, "tax_clerk", "pending_by_person"),
            of("b", SAMPLE, "tax_clerk", "pending_by_enterprise"),
            short,
        ];
        assert!(told(&app, &lines).await.is_empty());
        app.clock.advance(3 * 86_400);
        hufu::flows::relations::expiry::run(&app.ctx).await.unwrap();
        let mut card = person(CHILD);
        card["version"] = json!(2);
        assert!(told(&app, &[card]).await.is_empty());

        let all = held(&app.ctx, "13712340001").await;
        let in_state = |state: State| all.iter().find(|one| one.state() == state).unwrap();
        let (child, terms) = (all[0].person, |one: &Authorisation| one.terms().clone());
        let (invited, applied, expired) = (
            in_state(State::PendingByPerson),
            in_state(State::PendingByEnterprise),
            in_state(State::Expired),
        );
        let manager = By { actor: Actor::Manager, person: None };
        for (one, event, by) in [
            (invited, Event::Confirm, By::holder(child)),
            (applied, Event::Accept(terms(applied)), manager),
            (expired, Event::Renew(Terms { valid_to: None, ..terms(expired) }), manager),
        ] {
            let refused = change(&app.ctx, one, &event, by).await.unwrap_err();
            let is_age =
                matches!(&refused, Stop::Refused(why) if *why == Refusal::format("handler_age"));
            assert!(is_age, "{event:?}: {refused:?}");
        }
        let mut active = of("a", EXAMPLE, "tax_clerk", "active");
        active["version"] = json!(2);
        assert_eq!(told(&app, &[active]).await, [(1, "person".to_owned())]);
        let now = held(&app.ctx, "13712340001").await;
        assert!(now.iter().all(|one| one.state() != State::Active), "{now:?}");
        change(&app.ctx, invited, &Event::Reject, By::holder(child)).await.unwrap();
    });
}
