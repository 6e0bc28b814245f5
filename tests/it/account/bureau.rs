//! The whole history of relations by the person, for the bureau's own systems.

use axum::body::Body;
use axum::http::{Request, header};
use hufu::domain::authorisation::{Actor, By, Event};
use hufu::flows::relations::writer::change;
use serde_json::{Value, json};

use super::{WANG, as_person, feed, get, relation};
use crate::kit::{EXAMPLE, ISSUER, Setup, TestApp, demo_realm, on_each_database, realm_named};
use crate::recovery::{WANG_ID, account_of};

const HISTORY: &str = "/realms/jiangxi/admin/history";

async fn token(app: &TestApp, scope: &str) -> String {
    let form = [("grant_type", "client_credentials"), ("scope", scope)];
    let registry = Some(("registry", "demo-secret-of-registry"));
    let (_, tokens) = app.post("/token", registry, &form).await;
    tokens["access_token"].as_str().unwrap().to_owned()
}

async fn asked(app: &TestApp, address: &str, token: &str) -> (u16, Value) {
    let request = Request::get(address).header(header::AUTHORIZATION, format!("Bearer {token}"));
    let (status, body) = app.json(request.body(Body::empty()).unwrap()).await;
    (status.as_u16(), body)
}

async fn posted(app: &TestApp, fields: &[(&str, &str)], token: &str) -> (u16, Value) {
    let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let request = Request::post(HISTORY)
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    let (status, body) = app.json(request.body(Body::from(form)).unwrap()).await;
    (status.as_u16(), body)
}

/// Covers AC-40, X-19: the bureau's systems ask by a person as officers do, by an id in the address and by whatever
/// else in a form; each look stands in the audit, and the person sees that somebody looked.
#[test]
fn the_whole_history_of_a_person_is_found_by_what_leads_to_them() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let manager = By { actor: Actor::Manager, person: None };
        let clerk = relation(&app, WANG, "tax_clerk").await;
        change(&app.ctx, &clerk, &Event::Delete, manager).await.unwrap();
        let (token, wang) = (token(&app, "history_read").await, clerk.person.to_string());
        let (status, told) = asked(&app, &format!("{HISTORY}?person={wang}"), &token).await;
        assert_eq!((status, &told["person"], &told["next"]), (200, &json!(wang), &Value::Null));
        let records = told["records"].as_array().unwrap();
        let one = records.iter().find(|one| one["authorisation_id"] == json!(clerk.id)).unwrap();
        assert_eq!(one["enterprise"]["tin"], EXAMPLE);
        assert_eq!((&one["reason"], &one["by"]), (&json!("deleted"), &json!("enterprise")));
        assert!(records.iter().all(|one| one.get("name").is_none()), "{told}");
        let account = account_of(&app, "wangxm").await.id.to_string();
        let ways = [WANG_ID, WANG, "wangxm", wang.as_str(), account.as_str()];
        for person in ways {
            let found = posted(&app, &[("person", person)], &token).await;
            assert_eq!(found, (200, told.clone()), "{person}");
        }
        let beyond = posted(&app, &[("person", WANG_ID), ("offset", "99")], &token).await;
        assert_eq!((beyond.0, &beyond.1["records"]), (200, &json!([])));

        let looks = app.audit().await;
        let looks = looks.iter().filter(|one| one["action"] == "history_read");
        let n_looks = looks.filter(|one| one["person"] == json!(wang) && one["by"] == "registry");
        assert_eq!(n_looks.count(), ways.len() + 2);
        let page = get(&mut as_person(&app, WANG).await, "/account/security").await;
        assert!(page.text.contains("查询授权历史记录"), "{}", page.text);
    });
}

/// Covers AC-40: a number in an address, somebody whom nobody knows, two people with equal digits, another scope,
/// another realm's person and another realm's token.
#[test]
fn who_may_not_ask_about_a_person_and_who_is_none() {
    on_each_database(|on| async move {
        let there = "https://sso.jiangxi.example/realms/other";
        let other = realm_named("other", &[("realm.toml", ISSUER, there)]);
        let app = Setup::of(on, vec![demo_realm(), other]).start().await;
        let history = token(&app, "history_read").await;
        let wang = account_of(&app, "wangxm").await.person.to_string();
        let theirs = app.ids_of("other").await["person"][0].clone();
        let own = format!("?person={wang}");
        for (query, status) in [
            (own.clone(), 200),
            (format!("?person={theirs}"), 404),
            (format!("?person={WANG_ID}"), 400),
            (format!("{own}&enterprise={EXAMPLE}"), 400),
            (format!("{own}&offset=x"), 400),
            ("?person=".to_owned(), 400),
        ] {
            let (found, body) = asked(&app, &format!("{HISTORY}{query}"), &history).await;
            assert_eq!(found, status, "{query}: {body}");
        }
        let nobody = posted(&app, &[("person", "13800138999")], &history).await;
        assert_eq!((nobody.0, &nobody.1["error"]), (404, &json!("E_FORMAT")));
        let look = app.audit().await.pop().unwrap();
        assert_eq!(
            look,
            json!({"action": "history_read", "by": "registry", "enterprise": null,
            "person": null})
        );
        let none = posted(&app, &[("person", "x y")], &history).await;
        assert_eq!(none, (400, json!({"error": "E_FORMAT"})));

        feed(
            &app,
            &[
                json!({"feed": "person", "source_key": "tw", "version": 1, "name": "杜二",
                "document_type": "taiwan_travel_permit", "document": "12345678"}),
                json!({"feed": "person", "source_key": "gb", "version": 1, "name": "John Doe",
                "document_type": "foreign_passport", "document": "12345678",
                "nationality": "GBR"}),
            ],
        )
        .await;
        let (status, several) = posted(&app, &[("person", "12345678")], &history).await;
        assert_eq!((status, several["people"].as_array().unwrap().len()), (409, 2), "{several}");

        let import = token(&app, "registry_import").await;
        let elsewhere = HISTORY.replace("jiangxi", "other");
        for (address, token, status) in [
            (HISTORY, import.as_str(), 403),
            (HISTORY, "nonsense", 401),
            (elsewhere.as_str(), history.as_str(), 401),
        ] {
            let (found, body) = asked(&app, &format!("{address}{own}"), token).await;
            assert_eq!(found, status, "{address}: {body}");
        }
        assert_eq!(posted(&app, &[("person", WANG_ID)], &import).await.0, 403);
    });
}
