//! From outcomes to responses: pages, redirects, JSON, and what goes wrong.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::domain::refusal::Refusal;
use crate::flows::Stop;
use crate::oidc::error::{ErrorCode, OAuthError};
use crate::views::page::Notice;

/// A response, or a fault that `ops` turns into 503 or 500.
pub type Answer = Result<Response, Failure>;

/// Why a handler did not come to its end, on its way out.
pub enum Failure {
    /// A fault is logged once, here; what a page can say better is taken out before by
    /// [`Stop::refusal`].
    Stopped(Stop),
    /// What is to be answered instead: a way to another step, a page that says why not.
    Instead(Box<Response>),
}

impl<S: Into<Stop>> From<S> for Failure {
    fn from(stop: S) -> Self {
        Self::Stopped(stop.into())
    }
}

impl Failure {
    /// For `return Err(…)`: this answer, and nothing of what was to follow.
    pub fn instead(response: Response) -> Self {
        Self::Instead(Box::new(response))
    }
}

/// The page that cannot be rendered by the ordinary means says little and in both languages.
pub const APOLOGY: &str = "<!doctype html><html lang=\"zh-CN\"><meta charset=\"utf-8\"><title>Hufu</title>\
<h1>服务暂时繁忙</h1><p>请稍候片刻再试，您的登录状态不受影响。</p>\
<p lang=\"en\">The service is busy. Please try again in a moment; your sign-in is not affected.</p>";

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let fault = match self {
            Self::Instead(response) => return *response,
            Self::Stopped(Stop::Fault(fault)) => fault,
            Self::Stopped(Stop::Client(error)) => return oauth_error(&error),
            Self::Stopped(Stop::Refused(refusal)) => return refused(&refusal),
        };
        match fault.refusal() {
            Some(Refusal::Busy) => {
                tracing::info!(%fault, "A request is to come again");
                return busy();
            }
            Some(refusal) => {
                tracing::info!(%fault, "The database refused");
                return refused(&refusal);
            }
            None => {}
        }
        if let Some(error) = fault.client_error() {
            return oauth_error(&error);
        }
        if fault.is_temporary() {
            tracing::warn!(%fault, "A request could not be served");
            return busy();
        }
        tracing::error!(%fault, "A request failed");
        html(StatusCode::INTERNAL_SERVER_ERROR, APOLOGY.to_owned())
    }
}

/// What can be asked again shortly: 503 with `Retry-After`.
pub fn busy() -> Response {
    let page = html(StatusCode::SERVICE_UNAVAILABLE, APOLOGY.to_owned());
    with_retry_after(page, Some(5))
}

/// The same for an application, which reads JSON: the code of RFC 6749 §4.1.2.1, also where no redirect
/// carries it. `again`: seconds after which to ask once more.
pub fn busy_for_applications(again: i64) -> Response {
    let body = json!({"error": "temporarily_unavailable"});
    let mut response = no_store(Json(body).into_response());
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    with_retry_after(response, Some(again))
}

/// A refusal that no page shows: its code, for machines.
pub fn refused(refusal: &Refusal) -> Response {
    let body = json!({"error": refusal.code()});
    let mut response = no_store(Json(body).into_response());
    *response.status_mut() = match refusal {
        Refusal::State => StatusCode::CONFLICT,
        Refusal::Busy => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::BAD_REQUEST,
    };
    with_retry_after(response, refusal.retry_after())
}

pub fn html(status: StatusCode, text: String) -> Response {
    let headers =
        [(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CACHE_CONTROL, "no-store")];
    (status, headers, text).into_response()
}

/// 303: whatever the method was, the browser goes on with GET.
pub fn see_other(to: &str) -> Response {
    match HeaderValue::from_str(to) {
        Ok(to) => {
            (StatusCode::SEE_OTHER, [(header::LOCATION, to)], [(header::CACHE_CONTROL, "no-store")])
                .into_response()
        }
        Err(_) => StatusCode::BAD_REQUEST.into_response(),
    }
}

/// Tells machines, too, when to come back (RFC 9110 §10.2.3).
#[must_use]
pub fn with_retry_after(mut response: Response, seconds: Option<i64>) -> Response {
    if let Some(seconds) = seconds {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

#[must_use]
pub fn with_cookie(mut response: Response, cookie: HeaderValue) -> Response {
    response.headers_mut().append(header::SET_COOKIE, cookie);
    response
}

/// One line for each refusal, with what it really was; client and address stand in the request's span
/// (`flows::oauth::asking`).
pub fn tell_refused(error: &OAuthError) {
    tracing::info!(error = error.code.name(), reason = error.cause(), "Refused a client");
}

/// RFC 6749 §5.2.
pub fn oauth_error(error: &OAuthError) -> Response {
    tell_refused(error);
    let status = match error.code {
        ErrorCode::InvalidClient => StatusCode::UNAUTHORIZED,
        ErrorCode::TemporarilyUnavailable => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::BAD_REQUEST,
    };
    let body = json!({"error": error.code.name(), "error_description": error.reason});
    let mut response = no_store(Json(body).into_response());
    *response.status_mut() = status;
    if error.in_header {
        let challenge = HeaderValue::from_static("Basic realm=\"hufu\"");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    }
    with_retry_after(response, (status == StatusCode::SERVICE_UNAVAILABLE).then_some(60))
}

/// RFC 6750 §3.
pub fn bearer_error(error: &OAuthError) -> Response {
    tell_refused(error);
    let status = match error.code {
        ErrorCode::InsufficientScope => StatusCode::FORBIDDEN,
        ErrorCode::InvalidToken | ErrorCode::InvalidDpopProof => StatusCode::UNAUTHORIZED,
        ErrorCode::TemporarilyUnavailable => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::BAD_REQUEST,
    };
    let scheme = match error.code {
        ErrorCode::InvalidDpopProof => "DPoP algs=\"ES256 EdDSA PS256 RS256\",",
        _ => "Bearer",
    };
    let text = format!(
        "{scheme} realm=\"hufu\", error=\"{}\", error_description=\"{}\"",
        error.code.name(),
        error.reason
    );
    let mut response = no_store(status.into_response());
    if let Ok(challenge) = HeaderValue::from_str(&text) {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    }
    with_retry_after(response, (status == StatusCode::SERVICE_UNAVAILABLE).then_some(60))
}

/// Whoever shows no token hears what is needed, and no error (RFC 6750 §3.1).
pub fn token_needed() -> Response {
    let mut response = no_store(StatusCode::UNAUTHORIZED.into_response());
    let challenge = HeaderValue::from_static("Bearer realm=\"hufu\"");
    response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    response
}

/// Both headers, as RFC 6749 §5.1 wants them.
#[must_use]
pub fn no_store(mut response: Response) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.headers_mut().insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    response
}

/// A form that was refused is 422; 429 where waiting helps.
pub fn status_of(notice: Option<&Notice>) -> StatusCode {
    match notice.map(|notice| notice.code.as_str()) {
        None => StatusCode::OK,
        Some("E_LOCKED" | "E_OTP_RATE") => StatusCode::TOO_MANY_REQUESTS,
        Some(
            "E_CERT_UNKNOWN"
            | "E_BUSY"
            | "E_OTP_UNAVAILABLE"
            | "E_FACE_UNAVAILABLE"
            | "E_REAL_NAME_UNAVAILABLE",
        ) => StatusCode::SERVICE_UNAVAILABLE,
        Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
    }
}
