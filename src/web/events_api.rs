//! The face for applications that keep an event stream with us (OpenID Shared Signals Framework).

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::flows::resource::client_of;
use crate::flows::streams;
use crate::oidc::error::{ErrorCode, OAuthError};
use crate::web::answer::{Answer, Failure, bearer_error, no_store, oauth_error};
use crate::web::app::App;
use crate::web::oauth::presented;
use crate::web::request::Request;

/// What a client's own token needs.
const SCOPE: &str = "ssf";

async fn client(request: &Request) -> Result<Result<String, Response>, Failure> {
    let Some(token) = presented(request) else {
        let missing = OAuthError::new(ErrorCode::InvalidToken, "no access token");
        return Ok(Err(bearer_error(&missing)));
    };
    let client = client_of(&request.ctx, &token, SCOPE).await?;
    Ok(client.map_err(|error| bearer_error(&error)))
}

fn json<T: DeserializeOwned + Default>(body: &[u8]) -> Result<T, OAuthError> {
    if body.is_empty() {
        return Ok(T::default());
    }
    let malformed = || OAuthError::request("the body is not JSON of this interface");
    serde_json::from_slice(body).map_err(|_| malformed())
}

fn found(answer: Option<Value>) -> Response {
    match answer {
        Some(answer) => no_store(Json(answer).into_response()),
        None => no_store(StatusCode::NOT_FOUND.into_response()),
    }
}

/// Below the issuer, and where the specification has it: before the issuer's path (SSF §7.2).
pub async fn configuration(State(app): State<App>, Path(realm): Path<String>) -> Answer {
    let Some(realm) = app.realm(&realm) else { return Ok(StatusCode::NOT_FOUND.into_response()) };
    Ok(Json(streams::configuration(&realm)).into_response())
}

pub async fn read(request: Request) -> Answer {
    match client(&request).await? {
        Ok(client) => Ok(found(streams::read(&request.ctx, &client).await?)),
        Err(response) => Ok(response),
    }
}

/// Creates, replaces or changes the stream.
pub async fn create(request: Request, body: Bytes) -> Answer {
    let client = match client(&request).await? {
        Ok(client) => client,
        Err(response) => return Ok(response),
    };
    let wanted = match json::<streams::Wanted>(&body) {
        Ok(wanted) => wanted,
        Err(error) => return Ok(oauth_error(&error)),
    };
    let is_new = streams::find(&request.ctx, &client).await?.is_none();
    Ok(match streams::save(&request.ctx, &client, &wanted).await? {
        Ok(stream) => {
            let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
            no_store((status, Json(stream)).into_response())
        }
        Err(error) => oauth_error(&error),
    })
}

pub async fn remove(request: Request) -> Answer {
    match client(&request).await? {
        Ok(client) => Ok(match streams::remove(&request.ctx, &client).await? {
            true => StatusCode::NO_CONTENT.into_response(),
            false => StatusCode::NOT_FOUND.into_response(),
        }),
        Err(response) => Ok(response),
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Status {
    status: Option<String>,
    state: Option<String>,
}

pub async fn status(request: Request) -> Answer {
    answer_status(&request, None).await
}

pub async fn set_status(request: Request, body: Bytes) -> Answer {
    match json::<Status>(&body) {
        Ok(wanted) => {
            answer_status(&request, Some(wanted.status.as_deref().unwrap_or_default())).await
        }
        Err(error) => Ok(oauth_error(&error)),
    }
}

async fn answer_status(request: &Request, status: Option<&str>) -> Answer {
    let client = match client(request).await? {
        Ok(client) => client,
        Err(response) => return Ok(response),
    };
    Ok(match streams::status(&request.ctx, &client, status).await? {
        Ok(answer) => found(answer),
        Err(error) => oauth_error(&error),
    })
}

pub async fn verify(request: Request, body: Bytes) -> Answer {
    let client = match client(&request).await? {
        Ok(client) => client,
        Err(response) => return Ok(response),
    };
    let wanted = match json::<Status>(&body) {
        Ok(wanted) => wanted,
        Err(error) => return Ok(oauth_error(&error)),
    };
    Ok(match streams::verify(&request.ctx, &client, wanted.state.as_deref()).await? {
        true => StatusCode::NO_CONTENT.into_response(),
        false => StatusCode::NOT_FOUND.into_response(),
    })
}

pub async fn poll(request: Request, body: Bytes) -> Answer {
    let client = match client(&request).await? {
        Ok(client) => client,
        Err(response) => return Ok(response),
    };
    match json::<streams::Polled>(&body) {
        Ok(polled) => {
            Ok(no_store(Json(streams::poll(&request.ctx, &client, &polled).await?).into_response()))
        }
        Err(error) => Ok(oauth_error(&error)),
    }
}
