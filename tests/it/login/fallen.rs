//! A real-name level that falls (L-12): the document behind it is void, or ended long ago.

use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::extract::State;
use hufu::domain::acting::Acting;
use hufu::domain::audit::AuditEvent;
use hufu::flows::Ctx;
use hufu::flows::feed::{Format, Report, import};
use hufu::flows::sign_in::lower;
use hufu::outbound::asked::FaceState;
use serde_json::{Value, json};

use super::level::{at_level, with_session, with_session_of};
use super::scan::{go_on, pass_face};
use crate::account::{LI, get, held, post};
use crate::kit::{
    Browser, FILING, Setup, TestApp, authorize_url, changed_realm, claims, on_each_database,
    on_one_database,
};
use crate::protocol::authorize::signed_in;

async fn tell(app: &TestApp, version: i64, more: Value) -> Report {
    let mut line = json!({"feed": "person", "source_key": "p-li", "version": version, "name": "李芳",
        "document": "360121198802290026", "phone": LI});
    line.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let text = line.to_string();
    import(&app.ctx, "test", text.as_bytes(), Format::JsonLines, None).await.unwrap()
}

async fn taken(app: &TestApp, version: i64, more: Value) {
    let report = tell(app, version, more).await;
    assert_eq!((report.applied, report.failed.len()), (1, 0), "{report:?}");
}

async fn level(app: &TestApp) -> u8 {
    let person = held(&app.ctx, LI).await.remove(0).person;
    app.ctx.rows().people().find(person).await.unwrap().unwrap().real_name_level
}

/// Signed in, with a face proved: `acr` 3, and an application that holds tokens of it.
async fn at_three(app: &TestApp) -> (Browser, Value) {
    app.clock.advance(61);
    let mut browser = signed_in(app).await;
    let asked = authorize_url(&FILING, &[("acr_values", "urn:hufu:realname:3")]);
    let page = browser.get(&asked).await;
    pass_face(app, &page, FaceState::Passed).await;
    let done = go_on(&mut browser, &page).await;
    let (_, tokens) = app.redeem(&done.answered("code").unwrap()).await;
    assert_eq!(claims(tokens["id_token"].as_str().unwrap())["acr"], "urn:hufu:realname:3");
    (browser, tokens)
}

/// Level 2 for the person and for what the session proves; tokens that say more end, the session goes on;
/// the person is told once, the audit says why, and the steps above are gone from the record.
async fn has_fallen(
    app: &TestApp,
    (mut browser, tokens): (Browser, Value),
    (why, times): (&str, usize),
) {
    assert_eq!(level(app).await, 2, "{why}");
    let access = tokens["access_token"].as_str().unwrap();
    assert_eq!(app.introspect(access).await["active"], false, "{why}");
    let refused = app.refresh(tokens["refresh_token"].as_str().unwrap()).await.1;
    assert_eq!(refused["error"], "invalid_grant", "{why}");
    let done = browser.get(&authorize_url(&FILING, &[])).await;
    let (_, tokens) = app.redeem(&done.answered("code").expect("the session goes on")).await;
    assert_eq!(claims(tokens["id_token"].as_str().unwrap())["acr"], "urn:hufu:realname:2");
    let asked = authorize_url(&FILING, &[("acr_values", "urn:hufu:realname:3")]);
    let page = browser.get(&asked).await;
    assert!(page.url.contains("/raise?"), "{why}: {}", page.url);
    let told = get(&mut browser, "/account/messages").await;
    assert_eq!(told.text.matches("您的实名等级已降为二级").count(), 1, "{why}: {}", told.text);
    let person = held(&app.ctx, LI).await.remove(0).person;
    let event = AuditEvent::RealNameLowered { person, level: 2, why: why.to_owned() };
    let said = serde_json::to_value(&event).unwrap();
    let audit = app.said("SELECT event AS said FROM audit").await;
    let same = |text: &&String| serde_json::from_str::<Value>(text).unwrap() == said;
    assert_eq!(audit.iter().filter(same).count(), times, "{why}: {audit:?}");
    let steps = app.ctx.rows().people().level_steps(person).await.unwrap();
    assert!(steps.iter().all(|(level, _, _)| *level <= 2), "{steps:?}");
}

/// The authority reports the document void. A record that merely says less takes nothing away, and one that
/// is older says nothing. Covers L-12.
#[test]
fn a_void_document_takes_the_level() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let at_work = at_three(&app).await;
        let other = crate::login::level::with_session(
            &app,
            "13800138000",
            Acting::Personal,
            &["pwd", "sms", "mfa"],
        );
        let mut other = other.await;
        taken(&app, 5, json!({"real_name_level": 1})).await;
        taken(&app, 6, json!({"document_void": false})).await;
        assert_eq!(level(&app).await, 3);
        assert_eq!(tell(&app, 4, json!({"document_void": true})).await.applied, 0);
        assert_eq!(level(&app).await, 3, "an older line says nothing");
        taken(&app, 7, json!({"real_name_level": 4, "document_void": true})).await;
        has_fallen(&app, at_work, ("document_void", 1)).await;
        assert!(other.get(&authorize_url(&FILING, &[])).await.answered("code").is_some());
        // Said again it changes nothing, and nobody is told twice.
        taken(&app, 8, json!({"document_void": true})).await;
        let mut browser = signed_in_later(&app).await;
        let told = get(&mut browser, "/account/messages").await;
        assert_eq!(told.text.matches("您的实名等级已降为二级").count(), 1);
        // Nothing is reached by it until it is good again, and by nothing said nothing.
        taken(&app, 9, json!({"real_name_level": 3})).await;
        taken(&app, 10, json!({})).await;
        taken(&app, 11, json!({"document_void": false})).await;
        assert_eq!(level(&app).await, 2);
        taken(&app, 12, json!({"real_name_level": 3})).await;
        assert_eq!(level(&app).await, 3);
        // Who never was above 2 is told of the document alone, once.
        for (stored, told) in [(1, vec!["document-void"]), (2, vec![])] {
            app.sql(&format!("UPDATE person SET real_name_level = {stored}")).await;
            app.sql("DELETE FROM notice").await;
            taken(&app, 20 + stored, json!({"document_void": true, "real_name_level": 1})).await;
            assert_eq!(i64::from(level(&app).await), stored);
            assert_eq!(app.said("SELECT kind AS said FROM notice").await, told, "{stored}");
        }
    });
}

async fn signed_in_later(app: &TestApp) -> Browser {
    app.clock.advance(61);
    signed_in(app).await
}

/// The document ends, and ninety days later the level falls; a renewal within them, or another document
/// that is good, keeps it. Covers L-12.
#[test]
fn an_ended_document_takes_the_level_after_ninety_days() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        // 2026-11-24 is ninety days after the 26th of August.
        for (end, falls) in [
            ("2026-08-25", true),
            ("2026-08-26", false),
            ("2026-11-23", false),
            ("2027-01-01", false),
            ("2026-08-25", true),
            ("long_term", false),
        ] {
            app.sql("UPDATE person SET real_name_level = 3").await;
            app.clock.advance(3601);
            let version = app.clock.now().0;
            taken(&app, version, json!({"document_valid_to": end})).await;
            assert_eq!(lower::run(&app.ctx).await.unwrap(), usize::from(falls), "{end}");
            assert_eq!(level(&app).await, if falls { 2 } else { 3 }, "{end}");
            assert_eq!(lower::run(&app.ctx).await.unwrap(), 0, "once an hour");
        }
        app.sql("DELETE FROM notice").await;
        let at_work = at_three(&app).await;
        taken(&app, app.clock.now().0 + 1, json!({"document_valid_to": "2026-01-01"})).await;
        // Another document of another kind stands for it.
        let passport = json!({"feed": "person", "source_key": "p-li", "version": app.clock.now().0 + 2,
            "name": "李芳", "document_type": "chinese_passport", "document": "E12345678"});
        let text = passport.to_string();
        let report = import(&app.ctx, "test", text.as_bytes(), Format::JsonLines, None).await;
        assert_eq!(report.unwrap().applied, 1);
        app.clock.advance(3601);
        assert_eq!(lower::run(&app.ctx).await.unwrap(), 0);
        app.sql(
            "UPDATE identity_document SET status = 'superseded' WHERE kind = 'chinese_passport'",
        )
        .await;
        app.clock.advance(3601);
        assert_eq!(lower::run(&app.ctx).await.unwrap(), 1);
        has_fallen(&app, at_work, ("document_ended", 3)).await;
        let wrong = tell(&app, app.clock.now().0 + 9, json!({"document_valid_to": "soon"})).await;
        assert_eq!(wrong.failed[0].why.field.as_deref(), Some("document_valid_to"));
    });
}

/// What an application does without the person says no more than they have proved, also when the session that
/// it came of is over. L-11, L-12.
#[test]
fn work_that_outlives_its_session_falls_with_the_level() {
    on_each_database(|on| async move {
        let scopes = "scopes = [\"openid\", \"profile\", \"phone\", \"tax_identity\"]";
        let more =
            "scopes = [\"openid\", \"profile\", \"phone\", \"tax_identity\", \"offline_access\"]";
        let realm = changed_realm(&[("clients/tax-filing.toml", scopes, more)]);
        let app = Setup::of(on, vec![realm]).start().await;
        app.clock.advance(61);
        let mut browser = signed_in(&app).await;
        let asked = [
            ("acr_values", "urn:hufu:realname:3"),
            ("scope", "openid tax_identity offline_access"),
        ];
        let page = browser.get(&authorize_url(&FILING, &asked)).await;
        pass_face(&app, &page, FaceState::Passed).await;
        let mut done = go_on(&mut browser, &page).await;
        if done.text.contains("value=\"allow\"") {
            done = browser.submit(&done, &[("act", "allow")]).await;
        }
        let (_, tokens) = app.redeem(&done.answered("code").unwrap()).await;
        app.clock.advance(28_900);
        let (_, tokens) = app.refresh(tokens["refresh_token"].as_str().unwrap()).await;
        let access = tokens["access_token"].as_str().expect("it goes on");
        assert_eq!(claims(access)["acr"], "urn:hufu:realname:3");
        taken(&app, 1, json!({"document_void": true})).await;
        assert_eq!(level(&app).await, 2);
        assert_eq!(app.introspect(access).await["active"], false);
        let refused = app.refresh(tokens["refresh_token"].as_str().unwrap()).await.1;
        assert_eq!(refused["error"], "invalid_grant");
    });
}

/// A document that ended too long ago raises nobody again, neither by an authority nor by a face: the page leads to
/// where it is renewed, and nothing is begun. Covers L-12.
#[test]
fn an_ended_document_raises_nobody_again() {
    on_one_database(|on| async move {
        let app = TestApp::start(on).await;
        let person = held(&app.ctx, LI).await.remove(0).person;
        let mut browser =
            with_session_of(&app, person, Acting::Personal, &["pwd", "sms", "mfa"]).await;
        // 2026-11-24 is ninety days after the 26th of August.
        for (stored, end, refusal) in [
            (2, "2026-08-25", Some("E_NO_DOCUMENT")),
            (3, "2026-08-25", Some("E_NO_DOCUMENT")),
            (2, "2026-08-26", None),
        ] {
            at_level(&app, person, stored).await;
            app.sql(&format!("UPDATE identity_document SET valid_to = '{end}'")).await;
            let page = post(&app, &mut browser, "/account/level", &[("act", "raise")]).await;
            assert_eq!(page.code(), refusal, "{stored} {end}: {}", page.text);
            let leads =
                page.text.contains("id=\"to-documents\" href=\"/realms/jiangxi/account/documents");
            assert_eq!(leads, refusal.is_some(), "{stored} {end}: {}", page.text);
            assert!(page.url.contains("/account/level"), "{}", page.url);
            let expected = if refusal.is_some() { stored } else { stored + 1 };
            assert_eq!(level(&app).await, expected, "{stored} {end}");
        }
    });
}

/// Of several documents the authority is asked about the one whose kind it knows, and those that have ended come
/// last: an older passport stands in nobody's way. Covers L-04.
#[test]
fn the_document_that_an_authority_knows_is_asked_about() {
    on_one_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut line = json!({"feed": "person", "source_key": "p-two", "version": 1, "name": "钱多",
            "document_type": "chinese_passport", "document": "EF1260892", "phone": "13911139111"});
        crate::account::feed(&app, &[line.clone()]).await;
        for (field, value) in [
            ("version", json!(2)),
            ("document_type", json!("resident_id_card")),
            ("document", json!("110101199003074514")),
        ] {
            line[field] = value;
        }
        app.clock.advance(1);
        crate::account::feed(&app, &[line]).await;
        let amr = ["pwd", "sms", "mfa"];
        let mut browser = with_session(&app, "13911139111", Acting::Personal, &amr).await;
        app.sql("UPDATE person SET real_name_level = 2").await;
        let page = post(&app, &mut browser, "/account/level", &[("act", "raise")]).await;
        assert_eq!(page.code(), None, "{}", page.text);
        assert!(page.text.contains("id=\"level\" data-level=\"3\""), "{}", page.text);
    });
}

/// An authority whose answer is late: before it is there, the document that it was asked about is void.
async fn voids_and_agrees(State(ctx): State<Arc<OnceLock<Ctx>>>) -> String {
    let line = json!({"feed": "person", "source_key": "p-li", "version": 1, "name": "李芳",
        "document": "360121198802290026", "phone": LI, "document_void": true});
    let text = line.to_string();
    let ctx = ctx.get().unwrap();
    let report = import(ctx, "test", text.as_bytes(), Format::JsonLines, None).await.unwrap();
    assert_eq!((report.applied, report.failed.len()), (1, 0), "{report:?}");
    json!({"result": "match"}).to_string()
}

/// Covers L-12: a document that becomes void while the authority is asked about it raises nobody.
#[test]
fn a_document_that_is_void_by_now_raises_nobody() {
    on_each_database(|on| async move {
        let told = Arc::new(OnceLock::new());
        let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", socket.local_addr().unwrap());
        let router = Router::new().fallback(voids_and_agrees).with_state(Arc::clone(&told));
        tokio::spawn(async move { axum::serve(socket, router).await.unwrap() });
        let names = format!(
            "[real_name]\nurl = \"{url}\"\nsecret = {{ literal = \"shared\" }}\n\n[sms]\nlifetime = 300"
        );
        let realm = changed_realm(&[("factors.toml", "[sms]\nlifetime = 300", &names)]);
        let app = Setup::of(on, vec![realm]).start().await;
        assert!(told.set(app.ctx.clone()).is_ok());
        let person = held(&app.ctx, LI).await.remove(0).person;
        at_level(&app, person, 2).await;
        let mut browser =
            with_session_of(&app, person, Acting::Personal, &["pwd", "sms", "mfa"]).await;
        let page = post(&app, &mut browser, "/account/level", &[("act", "raise")]).await;
        assert_eq!(page.code(), Some("E_STATE"), "{}", page.text);
        assert_eq!(level(&app).await, 2);
    });
}
