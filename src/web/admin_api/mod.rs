//! The face for the bureau's own systems: the feeds of the registry, in the shape of `hufu import`; the
//! whole history of relations in `history`.

pub mod history;

use axum::Json;
use axum::body::Bytes;
use axum::http::{HeaderMap, header};
use axum::response::IntoResponse;

use crate::flows::Stop;
use crate::flows::feed::{Format, import};
use crate::flows::oauth::resource::client_of;
use crate::oidc::error::OAuthError;
use crate::web::answer::{Answer, bearer_error, no_store, oauth_error, token_needed};
use crate::web::oauth::presented;
use crate::web::request::Request;

/// What a client needs to tell us anything.
const SCOPE: &str = "registry_import";

/// `POST /admin/import?kind=…`: lines as `application/jsonl` or `text/csv`; the report as JSON.
/// Lines that are right are taken even when others are not.
pub async fn import_lines(request: Request, headers: HeaderMap, body: Bytes) -> Answer {
    let Some(token) = presented(&request) else {
        return Ok(token_needed());
    };
    let client = match Stop::client(client_of(&request.ctx, &token, SCOPE).await)? {
        Ok(client) => client,
        Err(error) => return Ok(bearer_error(&error)),
    };
    let media_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = media_type.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    let format = match essence {
        "application/jsonl" | "application/x-ndjson" => Format::JsonLines,
        "text/csv" => Format::Csv,
        _ => {
            return Ok(oauth_error(&OAuthError::request(
                "application/jsonl or text/csv is needed",
            )));
        }
    };
    let params = match request.query() {
        Ok(params) => params,
        Err(error) => return Ok(oauth_error(&error)),
    };
    let report = import(&request.ctx, &client, &body[..], format, params.get("kind")).await?;
    Ok(no_store(Json(report).into_response()))
}
