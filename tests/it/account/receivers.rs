//! What a receiver of events may rely on: its own credential with each push, nothing of a stream that is
//! gone, one stream however many ask at once.

use serde_json::{Value, json};

use super::as_li;
use super::contract::{start, tokens};
use super::streams::{call, token};
use crate::kit::listener::Listener;
use crate::kit::{Browser, TestApp, on_each_database};

const PUSH: &str = "urn:ietf:rfc:8935";
const POLL: &str = "urn:ietf:rfc:8936";

fn pushed(url: &str, header: &Value) -> Value {
    let endpoint = format!("{url}/events");
    json!({"delivery": {"method": PUSH, "endpoint_url": endpoint, "authorization_header": header}})
}

fn polled() -> Value {
    json!({"delivery": {"method": POLL}})
}

async fn verify(app: &TestApp) -> u16 {
    app.clock.advance(60);
    call(app, &token(app, "ssf").await, ("POST", "verify"), json!({})).await.0.as_u16()
}

/// Something happens of which the application hears: the session that it has tokens of ends.
async fn happens(app: &TestApp, browser: &mut Browser) {
    tokens(app, browser).await;
    let page = super::get(browser, "/logout").await;
    browser.submit(&page, &[("act", "logout")]).await;
}

async fn waiting(app: &TestApp, own: &str) -> usize {
    let (_, polled) = call(app, own, ("POST", "poll"), json!({})).await;
    polled["sets"].as_object().unwrap().len()
}

/// SSF §10.3.1.1: the transmitter sets it with each delivery. It is kept sealed and never told again.
#[test]
fn a_push_carries_the_receivers_credential() {
    on_each_database(|on| async move {
        let (url, listener) = Listener::start().await;
        let app = start(on, &url).await;
        let own = token(&app, "ssf").await;
        for wrong in [
            json!("Bearer a\nb"),
            json!("密"),
            json!("x".repeat(2049)),
            json!(" Bearer x"),
            json!(7),
        ] {
            let (status, answer) = call(&app, &own, ("POST", "stream"), pushed(&url, &wrong)).await;
            assert_eq!(status.as_u16(), 400, "{wrong} {answer}");
        }
        let secret = "Bearer of-the-receiver";
        let (status, stream) =
            call(&app, &own, ("POST", "stream"), pushed(&url, &json!(secret))).await;
        assert_eq!(status.as_u16(), 201, "{stream}");
        assert_eq!(verify(&app).await, 204);
        app.deliver().await;
        assert_eq!(listener.take("/events")[0].headers["authorization"], secret);
        let (_, read) = call(&app, &own, ("GET", "stream"), Value::Null).await;
        for told in [&stream, &read] {
            assert!(!told.to_string().contains("receiver"), "{told}");
        }
        let own = token(&app, "ssf").await;
        let changed = json!({"events_requested": []});
        call(&app, &own, ("PATCH", "stream"), changed).await;
        assert_eq!(verify(&app).await, 204);
        app.deliver().await;
        assert_eq!(listener.take("/events")[0].headers["authorization"], secret, "kept");
        call(&app, &own, ("PATCH", "stream"), pushed(&url, &json!("Basic eA=="))).await;
        assert_eq!(verify(&app).await, 204);
        app.deliver().await;
        assert_eq!(listener.take("/events")[0].headers["authorization"], "Basic eA==");
        for without in [json!(null), json!("")] {
            let own = token(&app, "ssf").await;
            call(&app, &own, ("PUT", "stream"), pushed(&url, &without)).await;
            assert_eq!(verify(&app).await, 204);
            app.deliver().await;
            assert!(!listener.take("/events")[0].headers.contains_key("authorization"));
        }
    });
}

/// Issue 13, 7: nothing of a stream that is gone arrives in the next one of the same client, whatever way
/// either of them is delivered.
#[test]
fn a_new_stream_hears_nothing_of_the_one_before() {
    on_each_database(|on| async move {
        let (url, listener) = Listener::start().await;
        let app = start(on, &url).await;
        let own = token(&app, "ssf").await;
        let push = pushed(&url, &json!(null));
        for (before, after) in [
            (polled(), polled()),
            (push.clone(), push.clone()),
            (push.clone(), polled()),
            (polled(), push),
        ] {
            let own = token(&app, "ssf").await;
            listener.set_away(true);
            let (status, _) = call(&app, &own, ("POST", "stream"), before.clone()).await;
            assert_eq!(status.as_u16(), 201);
            let mut li = as_li(&app).await;
            happens(&app, &mut li).await;
            assert_eq!(verify(&app).await, 204);
            app.deliver().await;
            let (status, _) = call(&app, &own, ("DELETE", "stream"), Value::Null).await;
            assert_eq!(status.as_u16(), 204);
            listener.set_away(false);
            let own = token(&app, "ssf").await;
            call(&app, &own, ("POST", "stream"), after.clone()).await;
            for wait in [0, 20, 70, 400] {
                app.clock.advance(wait);
                app.deliver().await;
            }
            let own = token(&app, "ssf").await;
            assert_eq!(waiting(&app, &own).await, 0, "{before} {after}");
            assert!(listener.take("/events").is_empty(), "{before} {after}");
            // Its own it hears.
            assert_eq!(verify(&app).await, 204);
            app.deliver().await;
            assert_eq!(waiting(&app, &own).await + listener.take("/events").len(), 1);
            call(&app, &own, ("DELETE", "stream"), Value::Null).await;
            listener.take("/logout");
        }
        // What was given up is not brought to life for the next one.
        call(&app, &own, ("DELETE", "stream"), Value::Null).await;
        let tx = app.ctx.begin().await.unwrap();
        assert_eq!(tx.rows().deliveries().retry(app.ctx.now()).await.unwrap(), 0);
    });
}

/// SSF §8.1.2: what a disabled stream would have heard is not held; a way that changes takes what waits
/// along.
#[test]
fn a_stream_holds_what_it_should_and_nothing_else() {
    on_each_database(|on| async move {
        let (url, listener) = Listener::start().await;
        let app = start(on, &url).await;
        let own = token(&app, "ssf").await;
        let push = pushed(&url, &json!(null));
        call(&app, &own, ("POST", "stream"), polled()).await;
        assert_eq!(verify(&app).await, 204);
        assert_eq!(waiting(&app, &own).await, 1);
        call(&app, &own, ("PATCH", "stream"), push.clone()).await;
        assert_eq!(waiting(&app, &own).await, 0);
        listener.set_away(true);
        app.deliver().await;
        listener.set_away(false);
        call(&app, &own, ("PATCH", "stream"), polled()).await;
        app.clock.advance(10);
        app.deliver().await;
        assert_eq!((waiting(&app, &own).await, listener.take("/events").len()), (1, 0));
        call(&app, &own, ("PUT", "stream"), push).await;
        app.deliver().await;
        assert_eq!(listener.take("/events").len(), 1);
        // Disabled: what was held is gone, nothing more is.
        let own = token(&app, "ssf").await;
        call(&app, &own, ("POST", "status"), json!({"status": "paused"})).await;
        assert_eq!(verify(&app).await, 204);
        call(&app, &own, ("POST", "status"), json!({"status": "disabled"})).await;
        assert_eq!(verify(&app).await, 400);
        let mut li = as_li(&app).await;
        happens(&app, &mut li).await;
        let own = token(&app, "ssf").await;
        call(&app, &own, ("POST", "status"), json!({"status": "enabled"})).await;
        app.deliver().await;
        assert!(listener.take("/events").is_empty());
        // Replaced without them, delivery and events are those of a new stream.
        let (_, stream) = call(&app, &own, ("PUT", "stream"), json!({})).await;
        assert_eq!(stream["delivery"]["method"], POLL, "{stream}");
        assert_eq!(stream["events_delivered"], stream["events_supported"]);
    });
}

/// SSF §8.1.1, §8.1.4.2: what is announced is kept to, also by two that ask at once.
#[test]
fn verifications_have_an_interval_and_a_client_one_stream() {
    on_each_database(|on| async move {
        let (url, _listener) = Listener::start().await;
        let app = start(on, &url).await;
        let own = token(&app, "ssf").await;
        let both = async || {
            let one = call(&app, &own, ("POST", "stream"), polled());
            let other = call(&app, &own, ("POST", "stream"), pushed(&url, &json!("Bearer x")));
            let (one, other) = tokio::join!(one, other);
            let mut answers = [one, other].map(|(status, stream)| (status.as_u16(), stream));
            answers.sort_by_key(|(status, _)| *status);
            answers
        };
        for _ in 0..5 {
            let [(created, stream), (conflict, _)] = both().await;
            assert_eq!((created, conflict), (201, 409));
            let (_, all) = call(&app, &own, ("GET", "stream"), Value::Null).await;
            assert_eq!(all, json!([stream]), "the first is there, and as it was made");
            call(&app, &own, ("DELETE", "stream"), Value::Null).await;
        }
        let (_, stream) = call(&app, &own, ("POST", "stream"), polled()).await;
        let interval = stream["min_verification_interval"].as_i64().unwrap();
        let ask = async || call(&app, &own, ("POST", "verify"), json!({})).await.0.as_u16();
        let (one, other) = tokio::join!(ask(), ask());
        assert_eq!([one.min(other), one.max(other)], [204, 429]);
        app.clock.advance(interval - 1);
        assert_eq!(ask().await, 429);
        app.clock.advance(1);
        assert_eq!(ask().await, 204);
        assert_eq!(ask().await, 429);
        assert_eq!(waiting(&app, &own).await, 2, "refused ones are not sent");
    });
}
