//! The token endpoint.

use axum::Json;
use axum::body::Bytes;
use axum::http::HeaderMap;
use axum::response::IntoResponse;

use super::form;
use crate::flows::oauth::token::exchange;
use crate::web::answer::{Answer, no_store, oauth_error};
use crate::web::request::Request;

pub async fn post(request: Request, headers: HeaderMap, body: Bytes) -> Answer {
    let params = match form(&headers, &body) {
        Ok(params) => params,
        Err(error) => return Ok(oauth_error(&error)),
    };
    let tokens =
        exchange(&request.ctx, request.authorization.as_deref(), &params, &request.shown()).await?;
    Ok(no_store(Json(tokens).into_response()))
}
