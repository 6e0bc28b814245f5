//! The face for phone applications: the bureau's own speaks for itself with tokens bound to the
//! phone, another operator's server speaks for its people.

use std::collections::BTreeMap;

use axum::Json;
use axum::body::Bytes;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::domain::refusal::Refusal;
use crate::domain::scan::{Number, Purpose, Scan};
use crate::flows::Stop;
use crate::flows::oauth::clients::authenticate;
use crate::flows::sign_in::scan::tax_app::{
    AppUser, cancel, confirm, finish_face, scan_code, start_face, state, user,
};
use crate::flows::sign_in::scan::{face, foreign_app, matter};
use crate::oidc::error::OAuthError;
use crate::oidc::params;
use crate::web::answer::{Answer, bearer_error, no_store, oauth_error, token_needed};
use crate::web::form::OauthForm;
use crate::web::oauth::presented;
use crate::web::page::view;
use crate::web::request::Request;

pub mod card;

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
    let (code, statement, typed) = (text("code"), text("statement"), text("number"));
    let done =
        Stop::refusal(foreign_app::act(&request.ctx, &client, code, statement, typed).await)?;
    Ok(match done {
        Ok(answer) => no_store(Json(answer).into_response()),
        Err(refusal) => refused(&request, &refusal),
    })
}

/// The stable code, and a text that the phone may show.
pub fn refused(request: &Request, refusal: &Refusal) -> Response {
    let notice = request.notice(refusal);
    let body = Json(json!({"error": notice.code, "error_description": notice.text}));
    no_store((StatusCode::CONFLICT, body).into_response())
}

/// The body of an act of the Tax app; every member may be absent.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Told {
    /// Typed on the phone: whatever it is, it may be typed again.
    number: Option<Value>,
    /// The agreements that were shown and ticked: the version of each by its id.
    agree: BTreeMap<String, String>,
    /// Of the face check that was started.
    order: String,
}

impl Told {
    fn number(&self) -> Result<Option<Number>, Refusal> {
        let typed = |number: &Value| match number {
            Value::String(text) => text.clone(),
            number => number.as_u64().map(|number| number.to_string()).unwrap_or_default(),
        };
        self.number.as_ref().map(|number| Number::parse(&typed(number))).transpose()
    }
}

/// `POST /app/codes/{code}/{act}`: `scan`, `state`, `confirm`, `cancel`, `face`, `face_result`.
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
    let Some(done) = Stop::refusal(acted(&request, &user, (&code, &act), &told).await)?.transpose()
    else {
        return Ok(no_store(StatusCode::NOT_FOUND.into_response()));
    };
    Ok(match done {
        Ok(answer) => no_store(Json(answer).into_response()),
        Err(refusal) => refused(&request, &refusal),
    })
}

/// `None`: there is no such act.
async fn acted(
    request: &Request,
    user: &AppUser,
    (code, act): (&str, &str),
    told: &Told,
) -> Result<Option<Value>, Stop> {
    let ctx = &request.ctx;
    Ok(Some(match act {
        "scan" => asked(request, user, &scan_code(ctx, user, code).await?).await?,
        "state" => json!({"state": state(ctx, user, code).await?}),
        "confirm" => {
            confirm(ctx, user, code, told.number()?).await?;
            json!({"state": "confirmed"})
        }
        "cancel" => {
            cancel(ctx, user, code).await?;
            json!({"state": "cancelled"})
        }
        "face" => {
            let typed = told.number()?.ok_or(Refusal::format("number"))?;
            let asked = ctx.realm.agreements_to_show_a_face();
            let agreed = asked.filter(|one| told.agree.get(&one.id) == Some(&one.version));
            let agreed = agreed.map(|one| (one.id.clone(), one.version.clone())).collect();
            json!({"url": start_face(ctx, user, code, typed, agreed).await?})
        }
        "face_result" => {
            let is_done = finish_face(ctx, user, code, &told.order).await?;
            json!({"state": if is_done { "confirmed" } else { "pending" }})
        }
        _ => return Ok(None),
    }))
}

/// What the phone shows before the tap.
async fn asked(request: &Request, user: &AppUser, scan: &Scan) -> Result<Value, Stop> {
    let is_sign_in = scan.purpose == Purpose::SignIn;
    let asks_agreement = match scan.purpose.person() {
        None if let Purpose::Claim(claim) = &scan.purpose => claim.name.is_none(),
        // Another person's phone learns nothing of the one who is expected.
        Some(person) if person == user.person => !face::has_agreed(&request.ctx, person).await?,
        _ => !is_sign_in,
    };
    let mut asked =
        matter::asked(&request.ctx, scan, Some(user.person), request.language()).await?;
    asked["as"] = json!(is_sign_in.then(|| view::acting_title(request, &user.identity)));
    asked["asks_agreement"] = json!(asks_agreement);
    let agreements = request.ctx.realm.agreements_to_show_a_face().filter(|_| asks_agreement);
    let agreement = |one: &crate::realm::Agreement| {
        let language = request.language();
        json!({
            "id": one.id, "version": one.version,
            "title": one.title.in_language(language), "text": one.text.in_language(language),
        })
    };
    asked["agreements"] = agreements.map(agreement).collect();
    Ok(asked)
}
