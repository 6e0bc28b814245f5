//! Event streams (Shared Signals): made, polled, pushed, paused, verified, and only one's own.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use openidconnect::JsonWebKey;
use openidconnect::core::{CoreJsonWebKeySet, CoreJwsSigningAlgorithm};
use serde_json::{Value, json};

use super::contract::{start, tokens};
use super::{WANG, as_li, as_wang, get, post, relation};
use crate::kit::listener::Listener;
use crate::kit::{
    FILING, Setup, TestApp, authorize_url, changed_realm, claims, on_each_database, on_one_database,
};

const REVOKED: &str = "https://schemas.openid.net/secevent/caep/event-type/session-revoked";
const CHANGED: &str = "https://schemas.openid.net/secevent/caep/event-type/token-claims-change";

pub async fn token(app: &TestApp, scope: &str) -> String {
    let form = [("grant_type", "client_credentials"), ("scope", scope)];
    let (_, tokens) = app.post("/token", Some((FILING.id, FILING.secret)), &form).await;
    tokens["access_token"].as_str().unwrap_or_default().to_owned()
}

pub async fn call(
    app: &TestApp,
    token: &str,
    (method, path): (&str, &str),
    body: Value,
) -> (StatusCode, Value) {
    let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
    let request = Request::builder()
        .method(method)
        .uri(format!("/realms/jiangxi/ssf/{path}"))
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .body(body);
    app.json(request.unwrap()).await
}

/// The claims of a security event token, verified by an independent library.
async fn verified(app: &TestApp, set: &str) -> Value {
    let keys = Request::get("/realms/jiangxi/jwks").body(Body::empty()).unwrap();
    let (_, keys) = app.json(keys).await;
    let keys: CoreJsonWebKeySet = serde_json::from_value(keys).unwrap();
    let (signed, signature) = set.rsplit_once('.').unwrap();
    let decode = |text: &str| {
        use base64::Engine;
        base64::prelude::BASE64_URL_SAFE_NO_PAD.decode(text).unwrap()
    };
    let head: Value = serde_json::from_slice(&decode(signed.split('.').next().unwrap())).unwrap();
    assert_eq!(head["typ"], "secevent+jwt");
    let key = keys.keys().iter().find(|key| head["kid"] == key.key_id().unwrap().as_str());
    assert_eq!(head["alg"], "RS256");
    let algorithm = CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256;
    key.unwrap().verify_signature(&algorithm, signed.as_bytes(), &decode(signature)).unwrap();
    claims(set)
}

/// One a client, under its own id, at the registered address; only with the scope.
#[test]
fn a_stream_is_its_clients_own() {
    on_each_database(|on| async move {
        let (url, _listener) = Listener::start().await;
        let app = start(on, &url).await;
        let own = token(&app, "ssf").await;
        let weak = token(&app, "openid").await;
        assert_eq!(call(&app, &weak, ("GET", "stream"), Value::Null).await.0.as_u16(), 403);
        assert_eq!(call(&app, "nonsense", ("GET", "stream"), Value::Null).await.0.as_u16(), 401);
        let (status, none) = call(&app, &own, ("GET", "stream"), Value::Null).await;
        assert_eq!((status.as_u16(), none), (200, json!([])));
        for (method, path) in [
            ("GET", "stream?stream_id=1"),
            ("PATCH", "stream"),
            ("PUT", "stream"),
            ("DELETE", "stream"),
            ("GET", "status"),
            ("POST", "verify"),
        ] {
            let (status, _) = call(&app, &own, (method, path), Value::Null).await;
            assert_eq!(status.as_u16(), 404, "{path}");
        }
        // Another address than the registered one is never called.
        let push =
            |to: &str| json!({"delivery": {"method": "urn:ietf:rfc:8935", "endpoint_url": to}});
        let elsewhere = call(&app, &own, ("POST", "stream"), push("http://169.254.169.254/")).await;
        assert_eq!(elsewhere.0.as_u16(), 400);
        let poll = json!({"delivery": {"method": "urn:ietf:rfc:8936"}});
        let (status, stream) = call(&app, &own, ("POST", "stream"), poll).await;
        assert_eq!(status.as_u16(), 201, "{stream}");
        assert_eq!(stream["events_delivered"], json!([REVOKED, CHANGED]));
        // One stream a client, and only under its own id.
        let another = call(&app, &own, ("POST", "stream"), json!({})).await;
        assert_eq!(another.0.as_u16(), 409);
        let (_, all) = call(&app, &own, ("GET", "stream"), Value::Null).await;
        assert_eq!(all, json!([stream]));
        let one = format!("stream?stream_id={}", stream["stream_id"].as_str().unwrap());
        assert_eq!(call(&app, &own, ("GET", &one), Value::Null).await.1, stream);
        let of_another = json!({"stream_id": "00000000-0000-0000-0000-000000000000"});
        let mut answers = Vec::new();
        for (method, path) in [
            ("POST", "stream"),
            ("PUT", "stream"),
            ("PATCH", "stream"),
            ("POST", "verify"),
            ("POST", "status"),
            ("DELETE", "stream?stream_id=00000000-0000-0000-0000-000000000000"),
            ("DELETE", "stream?stream_id=1"),
            ("DELETE", "stream?stream_id=1&stream_id=2"),
        ] {
            let (status, _) = call(&app, &own, (method, path), of_another.clone()).await;
            answers.push(status.as_u16());
        }
        assert_eq!(answers, [409, 404, 404, 404, 404, 404, 404, 400]);
        let (_, all) = call(&app, &own, ("GET", "stream"), Value::Null).await;
        assert_eq!(all, json!([stream]), "unknown ids change nothing");
        assert_eq!(call(&app, &own, ("DELETE", &one), Value::Null).await.0.as_u16(), 204);
        for at in [
            "/realms/jiangxi/.well-known/ssf-configuration",
            "/.well-known/ssf-configuration/realms/jiangxi",
        ] {
            let (_, metadata) = app.json(Request::get(at).body(Body::empty()).unwrap()).await;
            assert_eq!(metadata["issuer"], crate::kit::ISSUER, "{at}");
        }
    });
}

#[test]
fn an_application_hears_by_its_own_stream() {
    on_each_database(|on| async move {
        let (url, listener) = Listener::start().await;
        let app = start(on, &url).await;
        let own = token(&app, "ssf").await;
        let push =
            |to: &str| json!({"delivery": {"method": "urn:ietf:rfc:8935", "endpoint_url": to}});
        let poll = json!({"delivery": {"method": "urn:ietf:rfc:8936"}});
        let (_, stream) = call(&app, &own, ("POST", "stream"), poll).await;
        assert_eq!(stream["events_delivered"], json!([REVOKED, CHANGED]));
        // A permission narrowed, then the authorisation deleted.
        let mut li = as_li(&app).await;
        let mut wang = as_wang(&app, "<strong>办税员").await;
        let done = wang.get(&authorize_url(&FILING, &[("prompt", "none")])).await;
        let (_, tokens) = app.redeem(&done.answered("code").unwrap()).await;
        let sid = claims(tokens["access_token"].as_str().unwrap())["sid"].clone();
        let clerk = relation(&app, WANG, "tax_clerk").await;
        let path = format!("/account/handlers/{}", clerk.id);
        let save = [("act", "save"), ("term", "long"), ("p-TAX_QUERY", "yes")];
        post(&app, &mut li, &path, &save).await;
        app.clock.advance(1);
        // Whoever holds no tokens any more has nothing to hear; a new one is asked for silently.
        let done = wang.get(&authorize_url(&FILING, &[("prompt", "none")])).await;
        assert!(done.answered("code").is_some());
        let sure = [("act", "delete"), ("sure", "yes")];
        post(&app, &mut li, &path, &sure).await;
        let (_, polled) = call(&app, &own, ("POST", "poll"), json!({"maxEvents": 1})).await;
        assert_eq!(polled["moreAvailable"], true, "{polled}");
        let (jti, set) = polled["sets"].as_object().unwrap().iter().next().unwrap();
        let event = verified(&app, set.as_str().unwrap()).await;
        assert_eq!((&event["aud"], &event["sub_id"]["session"]["id"]), (&json!(FILING.id), &sid));
        assert_eq!(event["events"][CHANGED]["claims"]["permissions"], json!(["TAX_QUERY"]));
        let ack = json!({"ack": [jti], "maxEvents": 10});
        let (_, polled) = call(&app, &own, ("POST", "poll"), ack).await;
        let sets = polled["sets"].as_object().unwrap();
        let event = verified(&app, sets.values().next().unwrap().as_str().unwrap()).await;
        assert!(event["events"][REVOKED].is_object(), "{event}");
        assert_eq!((sets.len(), &polled["moreAvailable"]), (1, &json!(false)));
        // Pushed to the registered address; a paused stream waits.
        let endpoint = format!("{url}/events");
        assert_eq!(call(&app, &own, ("PATCH", "stream"), push(&endpoint)).await.0.as_u16(), 200);
        call(&app, &own, ("POST", "status"), json!({"status": "paused"})).await;
        let verify = json!({"state": "abc"});
        let (status, _) = call(&app, &own, ("POST", "verify"), verify).await;
        assert_eq!(status.as_u16(), 204);
        app.deliver().await;
        assert!(listener.take("/events").is_empty());
        // However long it is paused, nothing is given up.
        for _ in 0..9 {
            app.clock.advance(43_201);
            app.deliver().await;
        }
        let own = token(&app, "ssf").await;
        call(&app, &own, ("POST", "status"), json!({"status": "enabled"})).await;
        app.deliver().await;
        let heard = listener.take("/events");
        assert_eq!(heard[0].headers["content-type"], "application/secevent+jwt");
        // What was not acknowledged went before it.
        assert!(verified(&app, &heard[0].body).await["events"][REVOKED].is_object());
        let event = verified(&app, &heard[1].body).await;
        let verification = "https://schemas.openid.net/secevent/ssf/event-type/verification";
        assert_eq!(event["events"][verification]["state"], "abc");
        let (status, wrong) = call(&app, &own, ("POST", "status"), json!({"status": "odd"})).await;
        assert_eq!((status.as_u16(), &wrong["error"]), (400, &json!("invalid_request")));
    });
}

/// Of permissions an application is told unasked, as by its tokens, those of its registration. It hears who began
/// it (CAEP 1.0 §2).
#[test]
fn an_event_tells_no_more_than_a_token() {
    on_one_database(|on| async move {
        let (url, listener) = Listener::start().await;
        let webhook = |path: &str| {
            format!(
                "relation_events = {{ url = \"{url}/{path}\", secret = {{ literal = \"shared\" }} }}"
            )
        };
        let own = format!(
            "scopes = [\"openid\", \"profile\", \"phone\", \"tax_identity\", \"ssf\"]\n\
             permissions = [\"TAX_QUERY\"]\n{}",
            webhook("own")
        );
        let tax = "scopes = [\"openid\", \"profile\", \"tax_identity\"]";
        let other = format!("{tax}\n{}", webhook("other"));
        let realm = changed_realm(&[
            (
                "clients/tax-filing.toml",
                "scopes = [\"openid\", \"profile\", \"phone\", \"tax_identity\"]",
                &own,
            ),
            ("clients/invoice.toml", tax, &other),
        ]);
        let app = Setup::of(on, vec![realm]).start().await;
        let stream = token(&app, "ssf").await;
        let poll = json!({"delivery": {"method": "urn:ietf:rfc:8936"}});
        call(&app, &stream, ("POST", "stream"), poll).await;
        let mut li = as_li(&app).await;
        let mut wang = as_wang(&app, "<strong>办税员").await;
        tokens(&app, &mut wang).await;
        let clerk = relation(&app, WANG, "tax_clerk").await;
        let save =
            [("act", "save"), ("term", "long"), ("p-TAX_FILING", "yes"), ("p-TAX_QUERY", "yes")];
        post(&app, &mut li, &format!("/account/handlers/{}", clerk.id), &save).await;
        app.clock.advance(1);
        tokens(&app, &mut wang).await;
        let page = get(&mut wang, "/logout").await;
        wang.submit(&page, &[("act", "logout")]).await;

        let (_, polled) = call(&app, &stream, ("POST", "poll"), json!({})).await;
        let sets = polled["sets"].as_object().unwrap().values();
        let events: Vec<Value> =
            sets.map(|set| claims(set.as_str().unwrap())["events"].clone()).collect();
        let of = |kind: &str| {
            let mut found = events.iter().filter_map(|one| one.get(kind));
            found.next().unwrap_or_else(|| panic!("no {kind}: {events:?}"))
        };
        assert_eq!(of(CHANGED)["claims"], json!({"permissions": ["TAX_QUERY"]}));
        assert_eq!(of(CHANGED)["initiating_entity"], "admin", "a manager has");
        assert_eq!(of(REVOKED)["initiating_entity"], "user", "the person has signed out");
        app.deliver().await;
        let [own, other] = ["/own", "/other"].map(|path| {
            let heard = listener.take(path);
            serde_json::from_str::<Value>(&heard[0].body).unwrap()
        });
        assert_eq!(own["permissions"], json!(["TAX_QUERY"]));
        assert_eq!((&other["event"], &other["permissions"]), (&own["event"], &json!([])));
    });
}
