//! What the log says of whom it refused: the client, what was offered, and why really.

use std::io::Write;
use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::http::{Request, header};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hufu::jose::Algorithm;
use hufu::jose::jwt::sign;
use hufu::jose::keys::{SigningKey, generate};
use serde_json::json;
use tower::ServiceExt;
use tracing::subscriber::DefaultGuard;

use crate::kit::{FILING, INVOICE, ISSUER, TestApp, VERIFIER, authorize_url, on_each_database};
use crate::protocol::authorize::signed_in;

/// What this thread logs.
struct Log {
    lines: Arc<Mutex<Vec<u8>>>,
    _guard: DefaultGuard,
}

#[derive(Clone)]
struct Page(Arc<Mutex<Vec<u8>>>);

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn begin() -> Self {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let page = Page(Arc::clone(&lines));
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::INFO)
            .with_ansi(false)
            .with_writer(move || page.clone())
            .finish();
        Self { lines, _guard: tracing::subscriber::set_default(subscriber) }
    }

    /// The one line about a refusal since it was last asked.
    fn refusal(&self) -> String {
        let text = String::from_utf8(std::mem::take(&mut *self.lines.lock().unwrap())).unwrap();
        let mut lines = text.lines().filter(|line| line.contains("Refused a "));
        let line = lines.next().unwrap_or_else(|| panic!("no refusal in {text}")).to_owned();
        assert_eq!(lines.next(), None, "two lines for one refusal");
        for name in [" client_id=", "{client_id=", " redirect_uri="] {
            assert!(line.matches(name).count() < 2, "{name} twice in {line}");
        }
        line
    }
}

fn basic(id: &str, secret: &str) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(format!("{id}:{secret}")))
}

/// An assertion of `client` with a key that nobody registered, or whatever `change` makes of it.
fn assertion(client: &str) -> String {
    let (private, _) = generate(Algorithm::ES256).unwrap();
    let key = SigningKey::new(Algorithm::ES256, &private, true).unwrap();
    let claims =
        json!({"iss": client, "sub": client, "aud": ISSUER, "exp": 4_000_000_000_i64, "jti": "1"});
    sign(&key, "JWT", &claims).unwrap()
}

/// Issue 13, 4: each refusal is one line with the client and the address that were offered and the real
/// reason, though the client hears less.
#[test]
#[expect(clippy::too_many_lines, reason = "two tables")]
fn each_refused_client_is_named_with_the_real_reason() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let log = Log::begin();
        let by_key = assertion("iit-app");
        let code = "grant_type=authorization_code&code=x&redirect_uri=https%3A%2F%2Fa.example%2Fcb";
        let (filing, right) = (FILING.id, FILING.secret);
        for (authorization, body, client, reason) in [
            (Some(basic(filing, "wrong")), code.to_owned(), filing, "the secret is wrong"),
            (Some(basic("ghost", "x")), code.to_owned(), "ghost", "no client has this client_id"),
            (
                None,
                format!("{code}&client_id=ghost&client_secret=x"),
                "ghost",
                "no client has this",
            ),
            (None, format!("{code}&client_id={filing}"), filing, "registered with a secret"),
            (
                None,
                format!("{code}&client_id={filing}&client_secret=no"),
                filing,
                "secret is wrong",
            ),
            (
                Some(basic("iit-app", "x")),
                code.to_owned(),
                "iit-app",
                "registered with private_key_jwt",
            ),
            (
                None,
                format!("{code}&client_id=iit-app"),
                "iit-app",
                "registered with private_key_jwt",
            ),
            (Some(basic("desktop", "x")), code.to_owned(), "desktop", "registered without one"),
            (
                None,
                format!(
                    "{code}&client_id=iit-app&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion={by_key}"
                ),
                "iit-app",
                "the assertion does not verify",
            ),
            (
                None,
                format!(
                    "{code}&client_id={filing}&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion={by_key}"
                ),
                filing,
                "registered without keys",
            ),
            (
                Some(basic(filing, right)),
                format!("{code}&client_secret={right}&client_id={filing}"),
                filing,
                "more than one way of client authentication",
            ),
            (Some(basic(filing, right)), code.to_owned(), filing, "the code or token is unknown"),
            (
                Some(basic(filing, right)),
                "grant_type=password&redirect_uri=https://a.example/cb".to_owned(),
                filing,
                "grant_type is not supported",
            ),
            // What cannot be read names them all the same.
            (None, format!("{code}&client_id={filing}&code=y"), filing, ""),
        ] {
            let mut request = Request::post("/realms/jiangxi/token")
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
            if let Some(authorization) = &authorization {
                request = request.header(header::AUTHORIZATION, authorization);
            }
            let answer =
                app.router.clone().oneshot(request.body(Body::from(body.clone())).unwrap()).await;
            assert!(answer.unwrap().status().is_client_error(), "{body}");
            let line = log.refusal();
            for part in [
                &format!("client_id=\"{client}\"") as &str,
                "redirect_uri=\"https://a.example/cb\"",
                "realm=\"jiangxi\"",
                "route=\"/realms/{realm}/token\"",
                reason,
            ] {
                assert!(line.contains(part), "{body}: no {part} in {line}");
            }
        }
        let stranger = [("redirect_uri", "https://thief.example/cb?a=1")];
        for (url, parts) in [
            (
                authorize_url(&FILING, &stranger),
                ["client_id=\"tax-filing\"", "https://thief.example/cb?a=1", "is not registered"],
            ),
            (
                authorize_url(&FILING, &[("client_id", "ghost")]),
                ["client_id=\"ghost\"", FILING.redirect_uri, "client_id is unknown"],
            ),
            (
                authorize_url(&FILING, &[("response_type", "token")]),
                ["client_id=\"tax-filing\"", FILING.redirect_uri, "unsupported_response_type"],
            ),
            (
                authorize_url(&FILING, &[("scope", "profile")]),
                ["client_id=\"tax-filing\"", FILING.redirect_uri, "invalid_scope"],
            ),
            (
                format!("{}&client_id=tax-filing", authorize_url(&FILING, &[])),
                ["client_id=\"tax-filing\"", FILING.redirect_uri, "invalid_request"],
            ),
        ] {
            app.browser().get(&url).await;
            let line = log.refusal();
            assert!(parts.iter().all(|part| line.contains(part)), "{url}: {line}");
        }
    });
}

/// Issue 13, 4: the same of codes and access tokens: the client hears that it is not valid, the log says
/// why.
#[test]
fn each_refused_token_is_told_with_the_real_reason() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let mut browser = signed_in(&app).await;
        let log = Log::begin();
        let basic = Some((FILING.id, FILING.secret));
        let own = FILING.redirect_uri;
        let short = "too-short";
        let other = VERIFIER.replace('a', "b");
        for (client, redirect_uri, verifier, reason) in [
            (basic, "https://filing.jiangxi.example/callback/", Some(VERIFIER), "not the one that"),
            (basic, "https://thief.example/", Some(VERIFIER), "not the one that the code was sent"),
            (basic, own, Some(other.as_str()), "not the one of the challenge"),
            (basic, own, Some(short), "is not 43 to 128 unreserved"),
            (basic, own, None, "code_verifier is missing"),
            (Some((INVOICE.id, INVOICE.secret)), own, Some(VERIFIER), "another client's"),
        ] {
            let code = browser.get(&authorize_url(&FILING, &[])).await.answered("code").unwrap();
            let mut form = vec![
                ("grant_type", "authorization_code"),
                ("code", code.as_str()),
                ("redirect_uri", redirect_uri),
            ];
            form.extend(verifier.map(|verifier| ("code_verifier", verifier)));
            let (_, answer) = app.post("/token", client, &form).await;
            assert_eq!(answer["error"], "invalid_grant");
            let line = log.refusal();
            for part in [reason, client.unwrap().0, redirect_uri] {
                assert!(line.contains(part), "no {part} in {line}");
            }
            assert!(!line.contains(&code), "{line}");
        }

        let code = browser.get(&authorize_url(&FILING, &[])).await.answered("code").unwrap();
        let (_, tokens) = app.redeem(&code).await;
        let token = tokens["access_token"].as_str().unwrap();
        let refused = async |token: &str, reason: &str| {
            assert_eq!(app.userinfo(token).await.0.as_u16(), 401);
            let line = log.refusal();
            assert!(line.contains(reason) && !line.contains(token), "no {reason} in {line}");
            line
        };
        refused("a-token-of-nobodys", "nobody here has issued").await;
        refused(&token[..token.len() - 3], "nobody here has issued").await;
        assert_eq!(app.userinfo(token).await.0.as_u16(), 200);
        app.post("/revoke", basic, &[("token", token)]).await;
        let line = refused(token, "was revoked").await;
        assert!(line.contains("client_id=\"tax-filing\""), "{line}");
        let refresh = tokens["refresh_token"].as_str().unwrap();
        let (_, tokens) = app.refresh(refresh).await;
        let token = tokens["access_token"].as_str().unwrap();
        let page = browser.get("/realms/jiangxi/logout").await;
        browser.submit(&page, &[("act", "logout")]).await;
        refused(token, "the grant has ended").await;
        app.clock.advance(3600);
        refused(token, "has expired").await;
    });
}

/// Issue 13, 4: what strangers write stands on one line, and is no longer than anybody reads.
#[test]
fn what_a_stranger_writes_is_bounded_and_escaped() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let log = Log::begin();
        for given in [
            "x".repeat(5000),
            "虎".repeat(1500),
            "\u{202e}\u{1b}[31mred".to_owned(),
            "a\u{2028}b".to_owned(),
            "quote\" client_id=\"tax-filing".to_owned(),
        ] {
            for name in ["client_id", "redirect_uri"] {
                app.browser().get(&authorize_url(&FILING, &[(name, &given)])).await;
                let text =
                    String::from_utf8(std::mem::take(&mut *log.lines.lock().unwrap())).unwrap();
                assert!(text.len() < 2500, "{name}: {} bytes", text.len());
                assert!(!text.contains(['\u{1b}', '\u{202e}', '\u{2028}']), "{text}");
                assert_eq!(text.matches('\n').count(), text.lines().count());
                assert!(!text.contains("quote\" client_id=\"tax"), "{text}");
            }
        }
    });
}
