//! What surrounds every handler: limits, security headers, a net for panics, the request log. A handler
//! begins when its request is whole.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes, HttpBody, to_bytes};
use axum::extract::{MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderName, Method, StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use metrics::Label;
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::TimeoutLayer;
use tracing::Instrument;

use crate::domain::place::Place;
use crate::web::account::paths::NON_RESIDENT_FILE;
use crate::web::answer::{busy, busy_for_applications};
use crate::web::app::App;
use crate::web::bare::in_words;
use crate::web::console::paths::RECORD_FORM;
use crate::web::headers::{BY_SCRIPT, add_security, endpoint};
use crate::web::request::{RequestNumber, caller};

/// No form of ours is larger.
const LARGEST_BODY: usize = 64 * 1024;

/// How long a client waits for its answer, unless the settings say otherwise.
pub const TIME_OUT: Duration = Duration::from_secs(20);

/// At most where scripts ask ([`BY_SCRIPT`]): whoever heard nothing of a new refresh token asks once more by the
/// one that it has, which answers again for `refresh_grace` seconds alone.
const TIME_OUT_OF_SCRIPTS: Duration = Duration::from_secs(6);
/// Seconds after which they ask again.
const SCRIPTS_AGAIN: i64 = 2;
/// Everybody else.
const AGAIN: i64 = 5;

/// How long a body may take that was not there at once.
const TO_SEND: Duration = Duration::from_secs(10);
/// The same where there are many.
const TO_SEND_IN_A_CROWD: Duration = Duration::from_secs(2);
/// A body that comes with its request is not late.
const AT_ONCE: Duration = Duration::from_millis(300);

/// How long scripts wait for their answer, where others wait for so long.
pub fn time_out_of_scripts(time_out: Duration) -> Duration {
    time_out.min(TIME_OUT_OF_SCRIPTS)
}

/// Seconds that `refresh_grace` needs, so that whoever asks again after a time-out is still signed in: moments are
/// whole seconds, and the way here takes a part of one.
pub fn grace_needed(time_out: Duration) -> i64 {
    let waited = time_out_of_scripts(time_out).as_millis().div_ceil(1000);
    i64::try_from(waited).unwrap_or(i64::MAX).saturating_add(SCRIPTS_AGAIN + 2)
}

/// What may end a request before its handler has answered. `time_out`: how long a client waits; its
/// handler goes on among the abandoned.
pub fn limited(router: Router<App>, time_out: Duration, app: App) -> Router<App> {
    let abandoned = app.abandoned().clone();
    // As one: each layer that is added by itself boxes every request and every answer once more.
    router.layer(
        ServiceBuilder::new()
            .layer(from_fn_with_state(app, whole))
            .layer(CatchPanicLayer::new())
            .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, time_out))
            .layer(from_fn(move |request: Request, next: Next| abandoned.keep(next.run(request)))),
    )
}

/// What every answer gets, whoever has made it.
pub fn around(router: Router<App>, app: App) -> Router<App> {
    let numbers = Arc::new(AtomicU64::new(1));
    router.layer(from_fn(move |request: Request, next: Next| {
        log(numbers.fetch_add(1, Ordering::Relaxed), app.clone(), request, next)
    }))
}

/// Reads the body, and lets the request in where there is room. Applications hear in their own words
/// that there is none, or that something is away.
async fn whole(State(app): State<App>, request: Request, next: Next) -> Response {
    let is_application = is_for_applications(request.uri().path());
    let is_script = BY_SCRIPT.contains(&endpoint(request.uri().path()));
    let response = with_room(&app, request, next).await;
    if response.status() != StatusCode::SERVICE_UNAVAILABLE || !is_application || is_json(&response)
    {
        return response;
    }
    let (mut parts, _) = response.into_parts();
    // Whoever has refused it has said when to come again; of what took too long nobody has.
    let known = parts.headers.remove(header::RETRY_AFTER);
    let again = if is_script { SCRIPTS_AGAIN } else { AGAIN };
    let (told, body) = busy_for_applications(again).into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.extend(told.headers);
    if let Some(known) = known {
        parts.headers.insert(header::RETRY_AFTER, known);
    }
    Response::from_parts(parts, body)
}

async fn with_room(app: &App, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let place = Place::of(caller(&parts, app));
    let body = match brings_file(&parts) {
        true => body,
        false => match read(app, place, body).await {
            Ok(body) => Body::from(body),
            Err(status) => return status.into_response(),
        },
    };
    let Some(_seat) = app.crowds().at_work.enter(Some(place)) else { return busy() };
    next.run(Request::from_parts(parts, body)).await
}

/// A file is larger than any form: it is read by its handler, once that knows whose it is
/// (`web::sent_file`).
fn brings_file(parts: &Parts) -> bool {
    let route = parts.extensions.get::<MatchedPath>().map(MatchedPath::as_str);
    let is_one =
        |route: &str| [NON_RESIDENT_FILE, RECORD_FORM].iter().any(|own| route.ends_with(own));
    parts.method == Method::POST && route.is_some_and(is_one)
}

/// Only so many may be late with their bodies.
async fn read(app: &App, place: Place, body: Body) -> Result<Bytes, StatusCode> {
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    if body.size_hint().lower() > LARGEST_BODY as u64 {
        return Err(StatusCode::PAYLOAD_TOO_LARGE);
    }
    let mut reading = std::pin::pin!(to_bytes(body, LARGEST_BODY));
    let read = if let Ok(read) = tokio::time::timeout(AT_ONCE, &mut reading).await {
        read
    } else {
        let seat = app.crowds().late.enter(Some(place));
        let seat = seat.ok_or(StatusCode::SERVICE_UNAVAILABLE)?;
        let patience = if seat.is_crowded() { TO_SEND_IN_A_CROWD } else { TO_SEND };
        let read = tokio::time::timeout(patience, reading).await;
        read.map_err(|_| StatusCode::REQUEST_TIMEOUT)?
    };
    // It was longer than it said, or broke off, and then nobody reads the answer.
    read.map_err(|_| StatusCode::PAYLOAD_TOO_LARGE)
}

fn is_json(response: &Response) -> bool {
    let media_type = response.headers().get(header::CONTENT_TYPE);
    media_type.is_some_and(|value| value.as_bytes().starts_with(b"application/json"))
}

fn is_for_applications(address: &str) -> bool {
    let endpoint = endpoint(address);
    BY_SCRIPT.contains(&endpoint)
        || ["/ssf/", "/app/", "/admin/"].iter().any(|known| endpoint.starts_with(known))
}

/// Method, route and outcome; never the address itself, in which codes and numbers may stand. Everything
/// that is logged on the way carries the request's number, and the answer does too.
async fn log(number: u64, app: App, mut request: Request, next: Next) -> Response {
    request.extensions_mut().insert(RequestNumber(number));
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
    let mut response = in_words(&app, request, next).instrument(span.clone()).await;
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
    let headers = response.headers_mut();
    add_security(headers);
    headers.insert(HeaderName::from_static("x-request-id"), number.into());
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
