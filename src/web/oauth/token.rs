//! The token endpoint.

use axum::Json;
use axum::response::IntoResponse;

use crate::flows::oauth::token::exchange;
use crate::web::answer::{Answer, no_store};
use crate::web::form::OauthForm;
use crate::web::request::Request;

pub async fn post(request: Request, OauthForm(params): OauthForm) -> Answer {
    let tokens =
        exchange(&request.ctx, request.authorization.as_deref(), &params, &request.shown()).await?;
    Ok(no_store(Json(tokens).into_response()))
}
