//! The face for phone applications: what their servers do with a scanned code.

use axum::Json;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::domain::refusal::Refusal;
use crate::flows::clients::authenticate;
use crate::flows::scan_app::act;
use crate::oidc::error::OAuthError;
use crate::web::answer::{Answer, no_store, oauth_error};
use crate::web::oauth::form;
use crate::web::request::Request;

/// `POST /app/scan`: `code`, `statement`, `number`, and the client's assertion.
pub async fn scan(request: Request, headers: HeaderMap, body: Bytes) -> Answer {
    let params = match form(&headers, &body) {
        Ok(params) => params,
        Err(error) => return Ok(oauth_error(&error)),
    };
    let client = authenticate(&request.ctx, request.authorization.as_deref(), &params).await?;
    let client = match client {
        Ok(client) if client.scan_app.is_some() => client,
        Ok(_) => return Ok(oauth_error(&OAuthError::client("the client has no phone app"))),
        Err(error) => return Ok(oauth_error(&error)),
    };
    let text = |name| params.get(name).unwrap_or_default();
    let number = text("number").parse().ok();
    let done = act(&request.ctx, &client, text("code"), text("statement"), number).await?;
    Ok(match done {
        Ok(answer) => no_store(Json(answer).into_response()),
        Err(refusal) => refused(&request, &refusal),
    })
}

/// The stable code, and a text that the phone may show.
fn refused(request: &Request, refusal: &Refusal) -> Response {
    let notice = request.notice(refusal);
    let body = Json(json!({"error": notice.code, "error_description": notice.text}));
    no_store((StatusCode::CONFLICT, body).into_response())
}
