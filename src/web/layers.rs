//! What surrounds every handler: limits, security headers, a net for panics, the request log.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::Response;
use metrics::Label;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::timeout::TimeoutLayer;
use tracing::Instrument;

use crate::web::app::App;
use crate::web::bare::in_words;

/// No form of ours is larger.
const LARGEST_BODY: usize = 64 * 1024;

/// How long a client waits for its answer, unless the settings say otherwise.
pub const TIME_OUT: Duration = Duration::from_secs(20);

/// `time_out`: how long a client waits; its handler goes on among the abandoned.
pub fn around(router: Router<App>, time_out: Duration, app: App) -> Router<App> {
    let abandoned = app.abandoned().clone();
    let numbers = Arc::new(AtomicU64::new(1));
    router
        .layer(RequestBodyLimitLayer::new(LARGEST_BODY))
        .layer(from_fn(move |request: Request, next: Next| abandoned.keep(next.run(request))))
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, time_out))
        .layer(CatchPanicLayer::new())
        .layer(from_fn_with_state(app, in_words))
        .layer(from_fn(security_headers))
        .layer(from_fn(move |request: Request, next: Next| {
            log(numbers.fetch_add(1, Ordering::Relaxed), request, next)
        }))
}

/// `form-action` allows what forms lead to: browsers check redirects after a form, too, and those
/// end at the applications.
pub const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
    connect-src 'self'; \
    base-uri 'none'; frame-ancestors 'none'";

async fn security_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::STRICT_TRANSPORT_SECURITY, "max-age=31536000"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
    ] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

/// Method, route and outcome; never the address itself, in which codes and numbers may stand. Everything
/// that is logged on the way carries the request's number, and the answer does too.
async fn log(number: u64, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = method(request.method());
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().map_or(UNKNOWN, MatchedPath::as_str);
    let span = tracing::info_span!(
        "request",
        number,
        method,
        route,
        realm = tracing::field::Empty,
        client_id = tracing::field::Empty,
        redirect_uri = tracing::field::Empty
    );
    let mut response = next.run(request).instrument(span.clone()).await;
    let (status, took) = (response.status(), started.elapsed());
    let micros = took.as_micros();
    span.in_scope(|| tracing::debug!(status = status.as_u16(), micros, "Answered"));
    let class = match status.as_u16() {
        ..300 => "2xx",
        300..400 => "3xx",
        400..500 => "4xx",
        500.. => "5xx",
    };
    metrics::counter!("hufu_requests_total", "status" => class).increment(1);
    let labels = [Label::new("route", route.to_owned()), Label::new("method", method)];
    metrics::histogram!("hufu_request_seconds", labels.iter()).record(took);
    response.headers_mut().insert(HeaderName::from_static("x-request-id"), number.into());
    response
}

/// Where no route of ours was meant.
const UNKNOWN: &str = "none";

/// One of those that somebody uses: strangers may send any word.
fn method(given: &Method) -> &'static str {
    match *given {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
