//! The face for phone applications: the bureau's own speaks for itself with tokens bound to the
//! phone, another operator's server speaks for its people.

use axum::Json;
use axum::body::Bytes;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::domain::mask;
use crate::domain::refusal::Refusal;
use crate::domain::scan::{Purpose, Scan};
use crate::flows::oauth::clients::authenticate;
use crate::flows::sign_in::scan::tax_app::{
    AppUser, cancel, confirm, finish_face, scan_code, start_face, user,
};
use crate::flows::sign_in::scan::{face, foreign_app};
use crate::flows::{Fault, Stop};
use crate::oidc::error::OAuthError;
use crate::oidc::params;
use crate::web::answer::{Answer, bearer_error, no_store, oauth_error, token_needed};
use crate::web::form::OauthForm;
use crate::web::oauth::presented;
use crate::web::page::view;
use crate::web::request::Request;

/// `POST /app/scan`: `code`, `statement`, `number`, and the client's assertion.
pub async fn scan(request: Request, OauthForm(params): OauthForm) -> Answer {
    let client =
        Stop::client(authenticate(&request.ctx, request.authorization.as_deref(), &params).await)?;
    let client = match client {
        Ok(client) if client.scan_app.is_some() => client,
        Ok(_) => return Ok(oauth_error(&OAuthError::client("the client has no phone app"))),
        Err(error) => return Ok(oauth_error(&error)),
    };
    let text = |name| params.get(name).unwrap_or_default();
    let number = text("number").parse().ok();
    let done = Stop::refusal(
        foreign_app::act(&request.ctx, &client, text("code"), text("statement"), number).await,
    )?;
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

/// The body of an act of the Tax app; every member may be absent.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Told {
    /// Chosen on the phone.
    number: Option<u8>,
    /// The face agreement was ticked.
    agree: bool,
    /// Of the face check that was started.
    order: String,
}

/// `POST /app/codes/{code}/{act}`: `scan`, `confirm`, `cancel`, `face`, `face_result`.
pub async fn act(
    request: Request,
    Path((_, code, act)): Path<(String, String, String)>,
    body: Bytes,
) -> Answer {
    let Some(token) = presented(&request) else {
        return Ok(token_needed());
    };
    let user = match Stop::client(user(&request.ctx, &token).await)? {
        Ok(user) => user,
        Err(error) => return Ok(bearer_error(&error)),
    };
    let told: Told = match params::json(&body) {
        Ok(told) => told,
        Err(error) => return Ok(oauth_error(&error)),
    };
    let ctx = &request.ctx;
    let done = match act.as_str() {
        "scan" => match Stop::refusal(scan_code(ctx, &user, &code).await)? {
            Ok(scan) => Ok(asked(&request, &user, &scan).await?),
            Err(refusal) => Err(refusal),
        },
        "confirm" => {
            let done = Stop::refusal(confirm(ctx, &user, &code, told.number).await)?;
            done.map(|()| json!({"state": "confirmed"}))
        }
        "cancel" => {
            Stop::refusal(cancel(ctx, &user, &code).await)?.map(|()| json!({"state": "cancelled"}))
        }
        "face" => {
            let number = told.number.unwrap_or_default();
            Stop::refusal(start_face(ctx, &user, &code, number, told.agree).await)?
                .map(|url| json!({"url": url}))
        }
        "face_result" => {
            let done = Stop::refusal(finish_face(ctx, &user, &code, &told.order).await)?;
            done.map(|is_done| json!({"state": if is_done { "confirmed" } else { "pending" }}))
        }
        _ => return Ok(no_store(StatusCode::NOT_FOUND.into_response())),
    };
    Ok(match done {
        Ok(answer) => no_store(Json(answer).into_response()),
        Err(refusal) => refused(&request, &refusal),
    })
}

/// What the phone shows before the tap.
async fn asked(request: &Request, user: &AppUser, scan: &Scan) -> Result<Value, Fault> {
    let is_sign_in = scan.purpose == Purpose::SignIn;
    let asks_agreement = match scan.purpose.person() {
        // Another person's phone learns nothing of the one who is expected.
        Some(person) if person == user.person => !face::has_agreed(&request.ctx, person).await?,
        _ => !is_sign_in,
    };
    Ok(json!({
        "state": "scanned",
        "site": request.ctx.realm.name.in_language(request.language()),
        "purpose": if is_sign_in { "sign_in" } else { "verify" },
        "browser": scan.browser,
        "place": mask::address_of_host(scan.browser_ip),
        "at": scan.created_at.0,
        "needs_number": scan.needs_number(request.ctx.ip),
        "as": is_sign_in.then(|| view::acting_title(request, &user.identity)),
        "asks_agreement": asks_agreement,
    }))
}
