//! Level 5 through the bureau's app (L-06): a challenge to read a card over, and what the reader made of it.

use axum::Json;
use axum::body::Bytes;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::flows::sign_in::card;
use crate::flows::sign_in::scan::tax_app::{AppUser, user};
use crate::flows::{Shown, Stop};
use crate::oidc::params;
use crate::web::answer::{Answer, Failure, bearer_error, no_store, oauth_error, token_needed};
use crate::web::app_api::refused;
use crate::web::oauth::presented;
use crate::web::request::Request;

#[derive(Deserialize)]
struct Read {
    /// For the reader's service to understand.
    reading: String,
}

/// `POST /app/card`: a new order.
pub async fn begin(request: Request) -> Answer {
    let holder = holder(&request).await?;
    let begun = Stop::refusal(card::begin(&request.ctx, &holder).await)?;
    let told = begun.map(|begun| {
        json!({"order": begun.order.expose(), "challenge": begun.challenge, "expires_in": 180})
    });
    Ok(answered(&request, told))
}

/// `POST /app/card/{order}`: `reading`; the order is used up.
pub async fn finish(
    request: Request,
    Path((_, order)): Path<(String, String)>,
    body: Bytes,
) -> Answer {
    let holder = holder(&request).await?;
    let read: Read = match params::json(&body) {
        Ok(read) => read,
        Err(error) => return Ok(oauth_error(&error)),
    };
    let done = card::finish(&request.ctx, &holder, &order, &read.reading).await;
    let told = Stop::refusal(done)?.map(|level| json!({"level": level}));
    Ok(answered(&request, told))
}

async fn holder(request: &Request) -> Result<AppUser, Failure> {
    let Some(token) = presented(request) else { return Err(Failure::instead(token_needed())) };
    match Stop::client(user(&request.ctx, &token).await)? {
        Ok(user) => Ok(user),
        Err(error) => Err(Failure::instead(bearer_error(&error))),
    }
}

fn answered(request: &Request, told: Shown<Value>) -> Response {
    match told {
        Ok(told) => no_store(Json(told).into_response()),
        Err(refusal) => refused(request, &refusal),
    }
}
