//! The face for applications that keep an event stream with us (OpenID Shared Signals Framework).

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::Value;

use crate::flows::Stop;
use crate::flows::notify::streams::{self, Change, Verification};
use crate::flows::oauth::resource::client_of;
use crate::oidc::params::json;
use crate::web::answer::{
    Answer, Failure, bearer_error, no_store, oauth_error, token_needed, with_retry_after,
};
use crate::web::app::App;
use crate::web::oauth::presented;
use crate::web::request::Request;

/// What a client's own token needs.
const SCOPE: &str = "ssf";

async fn client(request: &Request) -> Result<String, Failure> {
    let Some(token) = presented(request) else {
        return Err(Failure::instead(token_needed()));
    };
    let client = Stop::client(client_of(&request.ctx, &token, SCOPE).await)?;
    client.map_err(|error| Failure::instead(bearer_error(&error)))
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

/// `stream_id` of the query. One that cannot be read is refused: without it the request would mean
/// the stream that the client has.
fn named(request: &Request) -> Result<Option<String>, Failure> {
    let query = request.query().map_err(|error| Failure::instead(oauth_error(&error)))?;
    Ok(query.get("stream_id").map(str::to_owned))
}

pub async fn read(request: Request) -> Answer {
    let client = client(&request).await?;
    let stream = streams::read(&request.ctx, &client, named(&request)?.as_deref()).await?;
    Ok(found(stream))
}

/// One stream a client: another is a conflict (SSF §8.1.1.1), whatever id it is asked for under.
pub async fn create(request: Request, body: Bytes) -> Answer {
    let (client, wanted) = asked(&request, &body).await?;
    Ok(match Stop::client(streams::create(&request.ctx, &client, &wanted).await)? {
        Ok(Some(stream)) => no_store((StatusCode::CREATED, Json(stream)).into_response()),
        Ok(None) => no_store(StatusCode::CONFLICT.into_response()),
        Err(error) => oauth_error(&error),
    })
}

/// What is mentioned changes.
pub async fn update(request: Request, body: Bytes) -> Answer {
    change(&request, &body, Change::Update).await
}

pub async fn replace(request: Request, body: Bytes) -> Answer {
    change(&request, &body, Change::Replace).await
}

async fn change(request: &Request, body: &[u8], how: Change) -> Answer {
    let (client, wanted) = asked(request, body).await?;
    Ok(match Stop::client(streams::change(&request.ctx, &client, &wanted, how).await)? {
        Ok(stream) => found(stream),
        Err(error) => oauth_error(&error),
    })
}

/// Whose stream, and how they want it.
async fn asked(request: &Request, body: &[u8]) -> Result<(String, streams::Wanted), Failure> {
    let client = client(request).await?;
    let wanted = json(body).map_err(|error| Failure::instead(oauth_error(&error)))?;
    Ok((client, wanted))
}

pub async fn remove(request: Request) -> Answer {
    let client = client(&request).await?;
    Ok(match streams::remove(&request.ctx, &client, named(&request)?.as_deref()).await? {
        true => StatusCode::NO_CONTENT.into_response(),
        false => StatusCode::NOT_FOUND.into_response(),
    })
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Told {
    stream_id: Option<String>,
    status: Option<String>,
    state: Option<String>,
}

pub async fn status(request: Request) -> Answer {
    answer_status(&request, named(&request)?.as_deref(), None).await
}

pub async fn set_status(request: Request, body: Bytes) -> Answer {
    match json::<Told>(&body) {
        Ok(told) => {
            let status = told.status.as_deref().unwrap_or_default();
            answer_status(&request, told.stream_id.as_deref(), Some(status)).await
        }
        Err(error) => Ok(oauth_error(&error)),
    }
}

async fn answer_status(request: &Request, stream_id: Option<&str>, status: Option<&str>) -> Answer {
    let client = client(request).await?;
    Ok(match Stop::client(streams::status(&request.ctx, &client, stream_id, status).await)? {
        Ok(answer) => found(answer),
        Err(error) => oauth_error(&error),
    })
}

pub async fn verify(request: Request, body: Bytes) -> Answer {
    let client = client(&request).await?;
    let told = match json::<Told>(&body) {
        Ok(told) => told,
        Err(error) => return Ok(oauth_error(&error)),
    };
    let (id, state) = (told.stream_id.as_deref(), told.state.as_deref());
    Ok(match Stop::client(streams::verify(&request.ctx, &client, id, state).await)? {
        Ok(Verification::Queued) => StatusCode::NO_CONTENT.into_response(),
        Ok(Verification::NoStream) => StatusCode::NOT_FOUND.into_response(),
        Ok(Verification::TooSoon(seconds)) => {
            with_retry_after(StatusCode::TOO_MANY_REQUESTS.into_response(), Some(seconds))
        }
        Err(error) => oauth_error(&error),
    })
}

pub async fn poll(request: Request, body: Bytes) -> Answer {
    let client = client(&request).await?;
    match json::<streams::Polled>(&body) {
        Ok(polled) => {
            Ok(no_store(Json(streams::poll(&request.ctx, &client, &polled).await?).into_response()))
        }
        Err(error) => Ok(oauth_error(&error)),
    }
}
