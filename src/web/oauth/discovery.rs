//! The documents that applications read first; their bytes were made once. They pass none of the
//! layers that the other routes have and bring their own headers.

use std::time::Instant;

use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::flows::key_ring::Published;
use crate::web::answer::Answer;
use crate::web::app::App;

pub async fn document(state: State<App>, path: Path<String>) -> Answer {
    let started = Instant::now();
    let answer = publish(state, path, |published| Some(&published.discovery));
    metrics::histogram!("hufu_request_seconds", "route" => "discovery", "method" => "GET")
        .record(started.elapsed());
    answer
}

pub async fn jwks(state: State<App>, path: Path<String>) -> Answer {
    let started = Instant::now();
    let answer = publish(state, path, |published| Some(&published.jwks));
    metrics::histogram!("hufu_request_seconds", "route" => "jwks", "method" => "GET")
        .record(started.elapsed());
    answer
}

pub async fn jwks_sm2(state: State<App>, path: Path<String>) -> Answer {
    publish(state, path, |published| published.jwks_sm2.as_ref())
}

const HEADERS: [(HeaderName, &str); 5] = [
    (header::CONTENT_TYPE, "application/json"),
    (header::CACHE_CONTROL, "public, max-age=60"),
    (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::STRICT_TRANSPORT_SECURITY, "max-age=31536000"),
];

fn publish(
    State(app): State<App>,
    Path(realm): Path<String>,
    which: impl Fn(&Published) -> Option<&Bytes>,
) -> Answer {
    let Some(realm) = app.realm(&realm) else {
        return Ok(StatusCode::NOT_FOUND.into_response());
    };
    let published = app.services().keys.of(&realm)?;
    let Some(bytes) = which(&published) else { return Ok(StatusCode::NOT_FOUND.into_response()) };
    metrics::counter!("hufu_requests_total", "status" => "2xx").increment(1);
    let mut response = Response::new(Body::from(bytes.clone()));
    let headers = response.headers_mut();
    headers.reserve(HEADERS.len());
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    Ok(response)
}
