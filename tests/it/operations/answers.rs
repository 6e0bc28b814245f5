//! What nobody has written an answer for is said in Hufu's own words, and a 503 says when to come
//! again.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderValue, Method, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use hufu::web::layers::{TIME_OUT, limited};
use hufu::web::router::router_within;
use tower::ServiceExt;

use crate::kit::{TestApp, on_each_database};

const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

fn request(method: &Method, path: &str, accept: &str, n_bytes: usize) -> Request<Body> {
    Request::builder()
        .method(method)
        .uri(path)
        .header(header::ACCEPT, accept)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::CONTENT_LENGTH, n_bytes)
        .body(Body::from("x".repeat(n_bytes)))
        .unwrap()
}

async fn text(answer: Response) -> String {
    let bytes = axum::body::to_bytes(answer.into_body(), 1 << 20).await.unwrap();
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Issue 13, 4: error pages are Hufu's own, for people; machines get what they got.
#[test]
fn what_no_handler_answers_is_said_in_our_own_words() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        for (method, path, n_bytes, status, words) in [
            (Method::GET, "/realms/nowhere/login", 0, 404, "页面不存在"),
            (Method::GET, "/realms/jiangxi/nowhere", 0, 404, "页面不存在"),
            (Method::GET, "/realms/jiangxi/assets/nowhere.css", 0, 404, "页面不存在"),
            (Method::GET, "/realms/jiangxi/q/x/y/z", 0, 404, "页面不存在"),
            (Method::DELETE, "/realms/jiangxi/login", 0, 405, "无法处理这个请求"),
            (Method::GET, "/realms/jiangxi/token", 0, 405, "无法处理这个请求"),
            (Method::POST, "/realms/jiangxi/login/credentials", 70_000, 413, "提交的内容过长"),
        ] {
            let asked = request(&method, path, BROWSER, n_bytes);
            let answer = app.router.clone().oneshot(asked).await.unwrap();
            assert_eq!(answer.status().as_u16(), status, "{method} {path}");
            let has_methods = answer.headers().contains_key(header::ALLOW);
            assert_eq!(has_methods, status == 405, "{method} {path}");
            let text = text(answer).await;
            assert!(text.contains(words), "{method} {path}: {text}");
            // In the look of the realm where there is one, and of the host where there is none, with a way on.
            assert!(
                text.contains("hufu.css") && text.contains("class=\"button\""),
                "{path}: {text}"
            );
            let names = text.contains("江西省电子税务局");
            assert_eq!(names, path.contains("jiangxi"), "{path}");
            let asked = request(&method, path, "application/json", n_bytes);
            let answer = app.router.clone().oneshot(asked).await.unwrap();
            assert_eq!(answer.status().as_u16(), status, "{method} {path}");
            assert!(!self::text(answer).await.contains('<'), "{method} {path}");
        }
        // Bare addresses lead to the sign-in.
        for path in ["/", "/realms/jiangxi", "/realms/jiangxi/"] {
            let asked = request(&Method::GET, path, BROWSER, 0);
            let answer = app.router.clone().oneshot(asked).await.unwrap();
            assert_eq!(answer.status(), StatusCode::SEE_OTHER, "{path}");
            assert_eq!(answer.headers()[header::LOCATION], "/realms/jiangxi/login", "{path}");
        }
        // What a handler has said is left as it is.
        let asked = request(&Method::GET, "/realms/jiangxi/userinfo", "application/json", 0);
        let answer = app.router.clone().oneshot(asked).await.unwrap();
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
        let asked = request(&Method::POST, "/realms/jiangxi/token", BROWSER, 10);
        let answer = app.router.clone().oneshot(asked).await.unwrap();
        assert!(text(answer).await.contains("\"error\""));
    });
}

/// A request whose session or token is looked for, which may be done before anybody has waited.
async fn until_late(router: &Router, request: impl Fn() -> Request<Body>) -> Response {
    let cookie = "__Host-hufu-session-jiangxi=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let token = "Bearer AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    for _ in 0..200 {
        let mut asked = request();
        asked.headers_mut().insert(header::COOKIE, HeaderValue::from_static(cookie));
        asked.headers_mut().insert(header::AUTHORIZATION, HeaderValue::from_static(token));
        let answer = router.clone().oneshot(asked).await.unwrap();
        if answer.status() == StatusCode::SERVICE_UNAVAILABLE {
            return answer;
        }
    }
    panic!("never late")
}

/// Issue 13, 4: also of what took too long.
#[test]
fn what_took_too_long_says_when_to_come_again() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        let hasty = router_within(app.app.clone(), Duration::ZERO);
        for (accept, is_page) in [(BROWSER, true), ("application/json", false), ("", false)] {
            for (method, path, again) in [
                (Method::GET, "/realms/jiangxi/account", "5"),
                // Sooner: a refresh token that was replaced answers again for a while alone.
                (Method::GET, "/realms/jiangxi/userinfo", "2"),
            ] {
                let answer = until_late(&hasty, || request(&method, path, accept, 0)).await;
                assert_eq!(answer.headers()[header::RETRY_AFTER], again);
                let is_page = is_page && path.ends_with("account");
                assert_eq!(text(answer).await.contains("服务暂时繁忙"), is_page, "{accept}");
            }
        }
    });
}

/// Whoever refuses an application says when it is to come again, and that arrives.
#[test]
fn when_to_come_again_is_said_by_whoever_refuses() {
    on_each_database(|on| async move {
        let app = TestApp::start(on).await;
        for (path, said, expected) in [
            ("/realms/jiangxi/userinfo", Some("60"), "60"),
            ("/realms/jiangxi/userinfo", None, "2"),
            ("/realms/jiangxi/app/devices", Some("60"), "60"),
            ("/realms/jiangxi/app/devices", None, "5"),
        ] {
            let refused = move || async move {
                let mut response = StatusCode::SERVICE_UNAVAILABLE.into_response();
                if let Some(said) = said {
                    let said = HeaderValue::from_static(said);
                    response.headers_mut().insert(header::RETRY_AFTER, said);
                }
                response
            };
            let router = Router::new().route(path, get(refused));
            let router = limited(router, TIME_OUT, app.app.clone());
            let router: Router = router.with_state(app.app.clone());
            let asked = request(&Method::GET, path, "*/*", 0);
            let answer = router.oneshot(asked).await.unwrap();
            let again: Vec<_> = answer.headers().get_all(header::RETRY_AFTER).iter().collect();
            assert_eq!(again, [expected], "{path}");
            let text = text(answer).await;
            assert!(text.contains("temporarily_unavailable"), "{path} {text}");
        }
    });
}
