//! The token endpoint and what tokens are worth.

use std::sync::Arc;

use axum::body::Body;
use axum::http::Request;
use serde_json::Value;

use super::authorize::signed_in;
use crate::kit::{
    FILING, INVOICE, Setup, TestApp, VERIFIER, authorize_url, changed_realm, claims,
    on_each_database,
};
use hufu::base::secret::Secret;
use hufu::domain::authorisation::{Actor, By, Event, Terms};
use hufu::realm::Realm;

pub async fn code(app: &TestApp) -> String {
    let mut browser = signed_in(app).await;
    let done = browser.get(&authorize_url(&FILING, &[])).await;
    done.answered("code").unwrap()
}

#[test]
fn a_code_works_once_for_its_client_redirect_uri_and_verifier() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let code = code(&app).await;
        let form = |more: (&'static str, &'static str)| {
            let mut form = vec![
                ("grant_type", "authorization_code"),
                ("code", code.as_str()),
                ("redirect_uri", FILING.redirect_uri),
                ("code_verifier", VERIFIER),
            ];
            form.retain(|(name, _)| *name != more.0);
            form.push(more);
            form
        };
        let own = Some((FILING.id, FILING.secret));
        for more in [
            ("redirect_uri", "https://filing.jiangxi.example/other"),
            ("code_verifier", "another-verifier-that-is-long-enough-0123456789-abc"),
            ("code_verifier", "short"),
        ] {
            let (status, answer) = app.post("/token", own, &form(more)).await;
            assert_eq!(
                (status.as_u16(), answer["error"].as_str()),
                (400, Some("invalid_grant")),
                "{more:?}"
            );
            assert!(answer["error_description"].is_string());
        }
        let wrong = Some((FILING.id, "wrong"));
        let (status, answer) = app.post("/token", wrong, &form(("x", "y"))).await;
        assert_eq!((status.as_u16(), answer["error"].as_str()), (401, Some("invalid_client")));
        let (status, tokens) = app.redeem(&code).await;
        assert_eq!(status.as_u16(), 200, "{tokens}");
        let access = tokens["access_token"].as_str().unwrap();
        assert_eq!(app.introspect(access).await["active"], true);
        let (status, answer) = app.redeem(&code).await;
        assert_eq!((status.as_u16(), answer["error"].as_str()), (400, Some("invalid_grant")));
        // The second use ended what the first had given.
        assert_eq!(app.introspect(access).await["active"], false);
    });
}

/// Of the registry.
const LINE: &str = r#"{"feed":"enterprise","source_key":"e1","version":1,"registration_no":"10113601000000000778","tin":"360102708461137","name":"新企业","status":"03","tax_authority":"1"}"#;

/// What is taken from a client's file counts from then on, in what was given before, too: a scope that is gone is
/// neither renewed nor told, and nobody is the client whose file is gone.
#[test]
fn what_was_given_is_worth_what_the_clients_file_says_now() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut browser = signed_in(&app).await;
        let asked = [("scope", "openid profile phone tax_identity")];
        let done = browser.get(&authorize_url(&FILING, &asked)).await;
        let (_, before) = app.redeem(&done.answered("code").unwrap()).await;
        let access = before["access_token"].as_str().unwrap();
        let (_, told) = app.userinfo(access).await;
        assert!(told["phone_number"].is_string() && told["tax_identity"].is_object(), "{told}");
        let registry = Some(("registry", "demo-secret-of-registry"));
        let form = [("grant_type", "client_credentials"), ("scope", "registry_import")];
        let (_, own) = app.post("/token", registry, &form).await;
        let own = own["access_token"].as_str().unwrap();
        let import = async || {
            let request = Request::post("/realms/jiangxi/admin/import")
                .header("authorization", format!("Bearer {own}"))
                .header("content-type", "application/jsonl")
                .body(Body::from(LINE))
                .unwrap();
            app.json(request).await.0.as_u16()
        };
        assert_eq!(import().await, 200);

        let scopes = "scopes = [\"openid\", \"profile\", \"phone\", \"tax_identity\"]";
        let fewer = "scopes = [\"openid\", \"profile\"]";
        let mut realm = changed_realm(&[("clients/tax-filing.toml", scopes, fewer)]);
        realm.clients.remove("registry");
        app.app.replace(Arc::new(realm));
        assert_eq!(import().await, 401);
        let (_, told) = app.userinfo(access).await;
        assert!(told["name"].is_string(), "{told}");
        for gone in ["phone_number", "tax_identity", "roles", "permissions"] {
            assert_eq!(told[gone], Value::Null, "{gone}: {told}");
        }
        let active = app.introspect(access).await;
        assert_eq!(active["scope"], "openid profile", "{active}");
        assert_eq!(active["tax_identity"], Value::Null, "{active}");
        let (_, after) = app.refresh(before["refresh_token"].as_str().unwrap()).await;
        assert_eq!(after["scope"], "openid profile", "{after}");
        let said = claims(after["access_token"].as_str().unwrap());
        assert_eq!(said["tax_identity"], Value::Null, "{said}");
    });
}

#[test]
fn a_code_expires() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let code = code(&app).await;
        app.clock.advance(61);
        assert_eq!(app.redeem(&code).await.1["error"], "invalid_grant");
    });
}

/// A realm in which every refresh token is replaced, and answers again for so many seconds.
pub fn rotating(grace: i64) -> Realm {
    let lifetimes = format!("refresh_token = 43200\nrefresh_grace = {grace}");
    changed_realm(&[
        ("realm.toml", "refresh_token = 43200", &lifetimes),
        ("clients/tax-filing.toml", "client_id", "rotate_refresh_tokens = true\nclient_id"),
    ])
}

#[test]
fn a_refresh_token_rotates_and_its_reuse_ends_the_family() {
    on_each_database(|on| async move {
        let app = Setup::of(on, vec![rotating(0)]).start().await;
        let (_, tokens) = app.redeem(&code(&app).await).await;
        let first = tokens["refresh_token"].as_str().unwrap().to_owned();
        let (status, second) = app.refresh(&first).await;
        assert_eq!(status.as_u16(), 200, "{second}");
        let id = claims(second["id_token"].as_str().unwrap());
        let before = claims(tokens["id_token"].as_str().unwrap());
        for name in ["sub", "auth_time", "sid", "tax_identity"] {
            assert_eq!(id[name], before[name], "{name}");
        }
        assert_eq!(app.refresh(&first).await.1["error"], "invalid_grant");
        let newest = second["refresh_token"].as_str().unwrap();
        assert_eq!(app.refresh(newest).await.1["error"], "invalid_grant");
        assert_eq!(app.introspect(second["access_token"].as_str().unwrap()).await["active"], false);
    });
}

/// A lost answer, or a second tab: for a while the same token is answered with the same successor, so
/// that there is one line of them, and whoever falls behind on it is found.
#[test]
fn a_rotated_refresh_token_has_a_grace_and_then_ends_the_family() {
    on_each_database(|on| async move {
        let app = Setup::of(on, vec![rotating(10)]).start().await;
        let (_, tokens) = app.redeem(&code(&app).await).await;
        let first = tokens["refresh_token"].as_str().unwrap().to_owned();
        let (_, lost) = app.refresh(&first).await;
        app.clock.advance(9);
        let (status, again) = app.refresh(&first).await;
        assert_eq!(status.as_u16(), 200, "{again}");
        let newest = again["refresh_token"].as_str().unwrap();
        assert!(newest != first && again["refresh_token"] == lost["refresh_token"]);
        assert_ne!(again["access_token"], lost["access_token"]);
        // Both of them go on: nobody knows which answer arrived.
        let (_, one) = app.refresh(newest).await;
        let (status, other) = app.refresh(newest).await;
        assert_eq!(status.as_u16(), 200, "{other}");
        assert_eq!(one["refresh_token"], other["refresh_token"]);
        app.clock.advance(1);
        assert_eq!(app.refresh(&first).await.1["error"], "invalid_grant");
        assert_eq!(app.introspect(again["access_token"].as_str().unwrap()).await["active"], false);
    });
}

/// A thief who was quick has no line of their own: whoever comes later with what the other has used ends
/// both.
#[test]
fn a_thief_within_the_grace_is_found() {
    on_each_database(|on| async move {
        for thief_goes_first in [true, false] {
            let app = Setup::of(on, vec![rotating(10)]).start().await;
            let (_, tokens) = app.redeem(&code(&app).await).await;
            let stolen = tokens["refresh_token"].as_str().unwrap().to_owned();
            let (_, honest) = app.refresh(&stolen).await;
            app.clock.advance(5);
            let (status, theirs) = app.refresh(&stolen).await;
            assert_eq!(status.as_u16(), 200, "{theirs}");
            let (mut turns, mut all) = ([&theirs, &honest], vec![]);
            if !thief_goes_first {
                turns.reverse();
            }
            for turn in turns {
                app.clock.advance(300);
                all.push(app.refresh(turn["refresh_token"].as_str().unwrap()).await);
            }
            assert_eq!(all[1].1["error"], "invalid_grant");
            let newest = all[0].1["refresh_token"].as_str().unwrap();
            assert_eq!(app.refresh(newest).await.1["error"], "invalid_grant");
            let access = theirs["access_token"].as_str().unwrap();
            assert_eq!(app.introspect(access).await["active"], false);
        }
    });
}

/// What stands behind a token may end between the look and the answer: each of the three writes sees it.
#[test]
fn nothing_is_given_for_what_has_just_ended() {
    on_each_database(|on| async move {
        for ended in ["session SET ended_at = 1", "oauth_grant SET revoked_at = 1"] {
            let app = TestApp::start(on).await;
            let (_, tokens) = app.redeem(&code(&app).await).await;
            let refresh = Secret::new(tokens["refresh_token"].as_str().unwrap().to_owned());
            let id = app.ctx.rows().grants().find_refresh(refresh.hashed()).await.unwrap();
            let id = id.unwrap().grant;
            assert!(app.ctx.rows().grants().stands(id).await.unwrap());
            app.sql(&format!("UPDATE {ended}")).await;
            app.sql("UPDATE oauth_grant SET code_used_at = NULL").await;
            assert!(!app.ctx.rows().grants().stands(id).await.unwrap(), "{ended}");
            let tx = app.ctx.begin().await.unwrap();
            let (grants, now) = (tx.rows().grants(), app.ctx.now());
            assert!(!grants.stands(id).await.unwrap(), "{ended}");
            assert!(!grants.take_refresh(refresh.hashed(), now).await.unwrap(), "{ended}");
            assert!(!grants.take_code(id, now, None).await.unwrap(), "{ended}");
        }
    });
}

/// Whoever proves a credential holds more than the token: it stays the same, however often it is used.
#[test]
fn a_confidential_clients_refresh_token_stays() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let (_, tokens) = app.redeem(&code(&app).await).await;
        let token = tokens["refresh_token"].as_str().unwrap().to_owned();
        for _ in 0..3 {
            app.clock.advance(400);
            let (status, again) = app.refresh(&token).await;
            assert_eq!(status.as_u16(), 200, "{again}");
            assert_eq!(again["refresh_token"], token.as_str());
            let access = again["access_token"].as_str().unwrap();
            assert_eq!(app.introspect(access).await["active"], true);
        }
        // It is worth nothing to whom it was not given, nor after it was given back.
        let stolen = [("grant_type", "refresh_token"), ("refresh_token", &*token)];
        let other = app.post("/token", Some((INVOICE.id, INVOICE.secret)), &stolen).await;
        assert_eq!(other.1["error"], "invalid_grant");
        let revoke = [("token", &*token)];
        app.post("/revoke", Some((FILING.id, FILING.secret)), &revoke).await;
        assert_eq!(app.refresh(&token).await.1["error"], "invalid_grant");
    });
}

/// Covers X-08.
#[test]
fn a_token_ends_with_its_identity_and_when_permissions_shrink() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut browser = signed_in(&app).await;
        let hinted = authorize_url(&FILING, &[("identity_hint", crate::kit::SAMPLE)]);
        let done = browser.get(&hinted).await;
        let (_, tokens) = app.redeem(&done.answered("code").unwrap()).await;
        let id = claims(tokens["id_token"].as_str().unwrap());
        let authorisation = id["tax_identity"]["authorisation_id"].as_str().unwrap();
        let rows = app.ctx.rows();
        let held =
            rows.authorisations().find(authorisation.parse().unwrap()).await.unwrap().unwrap();
        // Only the row: what a token is worth is read, whoever was told.
        let known = app.ctx.realm.identity_type(&held.identity_type).unwrap();
        let terms = Terms { permissions: ["TAX_QUERY".to_owned()].into(), valid_to: None };
        let by = By { actor: Actor::Manager, person: None };
        let narrowed = held.apply(&Event::Edit(terms), by, known, app.ctx.now()).unwrap();
        let tx = app.ctx.begin().await.unwrap();
        let save = async || {
            tx.rows().authorisations().save(app.ctx.new_row_id(), &narrowed).await.unwrap()
        };
        assert!(save().await && !save().await, "once");
        tx.commit().await.unwrap();
        let refreshed = app.refresh(tokens["refresh_token"].as_str().unwrap()).await;
        assert_eq!(refreshed.1["error"], "invalid_grant");
        assert_eq!(app.introspect(tokens["access_token"].as_str().unwrap()).await["active"], false);
        assert_eq!(app.userinfo(tokens["access_token"].as_str().unwrap()).await.0.as_u16(), 401);
    });
}

#[test]
fn each_client_proves_itself_in_its_own_way() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let form = [("grant_type", "client_credentials")];
        let (status, tokens) = app.post("/token", Some((FILING.id, FILING.secret)), &form).await;
        assert_eq!(status.as_u16(), 200, "{tokens}");
        assert!(tokens["refresh_token"].is_null() && tokens["id_token"].is_null());
        let access = claims(tokens["access_token"].as_str().unwrap());
        assert_eq!(
            (access["sub"].as_str(), access["tax_identity"].clone()),
            (Some(FILING.id), Value::Null)
        );
        // A secret stands in the header or in the body, as the library likes; this client may not
        // use the grant.
        let (_, told) = app.post("/token", Some((INVOICE.id, INVOICE.secret)), &form).await;
        assert_eq!(told["error"], "unauthorized_client");
        let in_body = [form[0], ("client_id", INVOICE.id), ("client_secret", INVOICE.secret)];
        assert_eq!(app.post("/token", None, &in_body).await.1["error"], "unauthorized_client");
        let both = app.post("/token", Some((FILING.id, FILING.secret)), &in_body).await;
        assert_eq!(both.1["error"], "invalid_request");
        // Its name in the body says the same again.
        let named = [form[0], ("client_id", FILING.id)];
        let (status, tokens) = app.post("/token", Some((FILING.id, FILING.secret)), &named).await;
        assert_eq!(status.as_u16(), 200, "{tokens}");
        // An empty scope is left out, wherever it would stand (RFC 6749 §3.3).
        let access = tokens["access_token"].as_str().unwrap();
        for said in [&tokens, &claims(access), &app.introspect(access).await] {
            assert!(said.get("scope").is_none(), "{said}");
        }
        // Unknown, wrong and of the wrong kind are one answer.
        let mut answers = Vec::new();
        for (id, secret) in [("nobody", "x"), (FILING.id, "x"), ("desktop", "x")] {
            let (status, answer) = app.post("/token", Some((id, secret)), &form).await;
            answers.push((status.as_u16(), answer));
        }
        assert!(answers.iter().all(|one| *one == answers[0] && one.0 == 401), "{answers:?}");
    });
}

#[test]
fn an_opaque_token_and_a_pairwise_subject_are_the_invoice_clients() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut browser = signed_in(&app).await;
        let page = browser.get(&authorize_url(&INVOICE, &[])).await;
        let done = browser.submit(&page, &[("act", "allow")]).await;
        let form = [
            ("grant_type", "authorization_code"),
            ("code", &done.answered("code").unwrap()),
            ("redirect_uri", INVOICE.redirect_uri),
            ("code_verifier", VERIFIER),
            ("client_id", INVOICE.id),
            ("client_secret", INVOICE.secret),
        ];
        let (_, tokens) = app.post("/token", None, &form).await;
        let access = tokens["access_token"].as_str().unwrap();
        assert!(!access.contains('.'));
        let id = claims(tokens["id_token"].as_str().unwrap());
        assert_eq!(id["sub"].as_str().unwrap().len(), 43);
        // Cut to what the client is registered for.
        assert_eq!(
            id["permissions"],
            serde_json::json!(["INVOICE", "INVOICE_ISSUE", "INVOICE_QUERY"])
        );
        assert_eq!(app.userinfo(access).await.1["sub"], id["sub"]);
        let revoke =
            [("token", access), ("client_id", INVOICE.id), ("client_secret", INVOICE.secret)];
        assert_eq!(app.post("/revoke", None, &revoke).await.0.as_u16(), 200);
        assert_eq!(app.userinfo(access).await.0.as_u16(), 401);
    });
}

/// Tokens of the key before still verify for the overlap, and no longer.
#[test]
fn a_rotated_key_overlaps_with_the_one_before() {
    on_each_database(|on| async move {
        use hufu::flows::keys::{Rotation, load, rotate};
        let algorithm = hufu::jose::Algorithm::ES256;
        let at_once = Rotation { algorithm, announcement: 0, overlap: 100 };
        let app = TestApp::start(on).await;
        let (services, realm) = (&app.ctx.services, &app.ctx.realm);
        let form = [("grant_type", "client_credentials")];
        let own = Some((FILING.id, FILING.secret));
        let (_, old) = app.post("/token", own, &form).await;
        app.clock.advance(1);
        let kid = rotate(&services.store, &realm.id, at_once, app.ctx.now()).await.unwrap().kid;
        load(services, realm).await.unwrap();
        assert_eq!(app.introspect(old["access_token"].as_str().unwrap()).await["active"], true);
        let (_, new) = app.post("/token", own, &form).await;
        let header = new["access_token"].as_str().unwrap().split('.').next().unwrap();
        let header = format!("{header}.{header}.");
        assert_eq!(claims(&header)["kid"].as_str(), Some(kid.as_str()));
        app.clock.advance(101);
        load(services, realm).await.unwrap();
        assert_eq!(app.introspect(old["access_token"].as_str().unwrap()).await["active"], false);
        assert_eq!(app.introspect(new["access_token"].as_str().unwrap()).await["active"], true);
    });
}
