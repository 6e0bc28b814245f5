//! Level 5 by a card that the Tax app reads, and the social insurance as the other way to level 3.

use axum::body::Body;
use axum::http::{Request, header};
use hufu::domain::acting::Acting;
use hufu::outbound::asked::NameAnswer;
use serde_json::{Value, json};

use super::level::{at_level, with_session_of};
use crate::account::{LI, held, post};
use crate::kit::phone::{Telephone, proof};
use crate::kit::{Setup, TestApp, demo_realm, on_each_database};
use crate::protocol::authorize::signed_in;

async fn ask(app: &TestApp, phone: &Telephone, path: &str, body: Value) -> (u16, Value) {
    let shown = proof(app, &phone.phone, path, Some(&phone.access_token));
    let request = Request::post(format!("/realms/jiangxi{path}"))
        .header(header::AUTHORIZATION, format!("DPoP {}", phone.access_token))
        .header("DPoP", shown)
        .body(Body::from(body.to_string()))
        .unwrap();
    let (status, answer) = app.json(request).await;
    (status.as_u16(), answer)
}

async fn order(app: &TestApp, phone: &Telephone) -> String {
    let (status, begun) = ask(app, phone, "/app/card", json!({})).await;
    assert_eq!(status, 200, "{begun}");
    assert_ne!(begun["order"], begun["challenge"]);
    format!("/app/card/{}", begun["order"].as_str().unwrap())
}

/// Covers L-06, L-10: from 4 to 5 by a card alone, one order a reading, the person's own phone, five times a day.
#[test]
fn a_card_that_is_read_lifts_to_five() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut owner = signed_in(&app).await;
        let person = held(&app.ctx, LI).await[0].person;
        let phone = Telephone::signed_in(&app, &mut owner).await;
        let level = || async {
            app.ctx.rows().people().find(person).await.unwrap().unwrap().real_name_level
        };
        let read = json!({"reading": "what the reader made"});
        // Never past a level.
        for below in [1, 2, 3, 5] {
            at_level(&app, person, below).await;
            let (status, refused) = ask(&app, &phone, "/app/card", json!({})).await;
            assert_eq!((status, &refused["error"]), (409, &"E_STATE".into()), "{below}");
        }
        at_level(&app, person, 4).await;
        let first = order(&app, &phone).await;
        for (body, status) in [(json!({}), 400), (json!({"reading": ""}), 409)] {
            assert_eq!(ask(&app, &phone, &first, body).await.0, status);
        }
        // Another phone, though it is hers.
        let other = Telephone::signed_in(&app, &mut owner).await;
        let (_, refused) = ask(&app, &other, &first, read.clone()).await;
        assert_eq!(refused["error"], "E_STATE");
        // Another's card uses the order up.
        let reader = &app.ctx.services.outbound.card_reader;
        reader.script(NameAnswer::Mismatch);
        let (_, refused) = ask(&app, &phone, &first, read.clone()).await;
        assert_eq!(refused["error"], "E_REAL_NAME");
        let (_, refused) = ask(&app, &phone, &first, read.clone()).await;
        assert_eq!(refused["error"], "E_STATE");
        reader.set_down(true);
        let second = order(&app, &phone).await;
        let (_, away) = ask(&app, &phone, &second, read.clone()).await;
        assert_eq!(away["error"], "E_REAL_NAME_UNAVAILABLE");
        reader.set_down(false);
        assert_eq!(level().await, 4);
        // An order that nobody used in time.
        let late = order(&app, &phone).await;
        app.clock.advance(181);
        assert_eq!(ask(&app, &phone, &late, read.clone()).await.1["error"], "E_STATE");
        let third = order(&app, &phone).await;
        assert_eq!(ask(&app, &phone, &third, read.clone()).await, (200, json!({"level": 5})));
        assert_eq!(level().await, 5);
        let page = owner.get("/realms/jiangxi/account/level").await;
        assert!(page.text.contains("证件识读 · 2026-11-24"), "{}", page.text);
        assert!(!page.text.contains("value=\"raise\""));
        let told = owner.get("/realms/jiangxi/account/messages").await;
        assert!(told.text.contains("实名等级已提升一级"), "{}", told.text);
        // A token is needed, and this one's scope.
        let bare = Request::post("/realms/jiangxi/app/card").body(Body::empty()).unwrap();
        assert_eq!(app.json(bare).await.0.as_u16(), 401);
    });
}

/// What cannot be written down costs neither the order nor a reading of the day.
#[test]
fn a_fault_of_ours_costs_no_reading() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut owner = signed_in(&app).await;
        let person = held(&app.ctx, LI).await[0].person;
        let phone = Telephone::signed_in(&app, &mut owner).await;
        at_level(&app, person, 4).await;
        let order = order(&app, &phone).await;
        let read = json!({"reading": "what the reader made"});
        app.sql("ALTER TABLE notice RENAME TO notice_elsewhere").await;
        for n in 0..6 {
            assert_eq!(ask(&app, &phone, &order, read.clone()).await.0, 500, "{n}");
        }
        app.sql("ALTER TABLE notice_elsewhere RENAME TO notice").await;
        let read_again = ask(&app, &phone, &order, read.clone()).await;
        assert_eq!(read_again, (200, json!({"level": 5})));
        assert_eq!(ask(&app, &phone, &order, read).await.1["error"], "E_STATE", "once");
    });
}

/// Nobody looks at cards where the realm names no reader. Covers L-06.
#[test]
fn without_a_reader_cards_are_the_halls() {
    on_each_database(|on| async move {
        let setup = Setup { has_sandboxes: false, ..Setup::of(on, vec![demo_realm()]) };
        let app = setup.start().await;
        let person = held(&app.ctx, LI).await[0].person;
        at_level(&app, person, 4).await;
        let amr = ["pwd", "sms", "mfa"];
        let mut browser = with_session_of(&app, person, Acting::Personal, &amr).await;
        let phone = Telephone::signed_in(&app, &mut browser).await;
        let (status, refused) = ask(&app, &phone, "/app/card", json!({})).await;
        assert_eq!((status, &refused["error"]), (409, &"E_OFFLINE_ONLY".into()));
    });
}

/// Covers L-04, L-08: the social insurance knows somebody where the authority is away; one level at a time, told
/// when it is reached, and a refusal leaves it.
#[test]
fn the_social_insurance_is_another_way_to_three() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let person = held(&app.ctx, LI).await[0].person;
        at_level(&app, person, 2).await;
        let mut browser = with_session_of(&app, person, Acting::Personal, &["pwd"]).await;
        app.ctx.services.outbound.registry_of_names.set_down(true);
        let page = browser.get("/realms/jiangxi/account/level").await;
        assert!(page.text.contains("id=\"raise-also\""), "{}", page.text);
        let by = [("act", "raise"), ("by", "social-insurance")];
        let insured = &app.ctx.services.outbound.social_insurance;
        for answer in [NameAnswer::Mismatch, NameAnswer::NotFound, NameAnswer::Unsupported] {
            insured.script(answer);
            let refused = post(&app, &mut browser, "/account/level", &by).await;
            assert_eq!(refused.code(), Some("E_REAL_NAME"));
        }
        let done = post(&app, &mut browser, "/account/level", &by).await;
        assert!(done.text.contains("社保核验 · 2026-11-24"), "{}", done.text);
        assert!(done.text.contains("实名等级已提升一级"), "{}", done.text);
        let told = browser.get("/realms/jiangxi/account/messages").await;
        assert!(told.text.contains("实名等级已提升一级"), "{}", told.text);
        // The next is a face, whatever was asked for.
        let next = post(&app, &mut browser, "/account/level", &by).await;
        assert!(next.url.contains("/login/second_factor"), "{}", next.url);
    });
}
