//! `GET /admin/history?enterprise=…&offset=…`: every relation of an enterprise that is over, for the
//! bureau's own systems (AC-40, X-19). Names are masked; the person is named by their `sub`.

use axum::Json;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde_json::{Value, json};

use crate::domain::mask;
use crate::domain::person::Person;
use crate::flows::Stop;
use crate::flows::oauth::resource::client_of;
use crate::flows::relations::back_office::{A_PAGE, Ended, whole_history};
use crate::oidc::error::OAuthError;
use crate::web::answer::{Answer, bearer_error, no_store, oauth_error, token_needed};
use crate::web::oauth::presented;
use crate::web::request::Request;

/// What a client needs to look.
const SCOPE: &str = "history_read";

pub async fn get(request: Request) -> Answer {
    let Some(token) = presented(&request) else {
        return Ok(token_needed());
    };
    let client = match Stop::client(client_of(&request.ctx, &token, SCOPE).await)? {
        Ok(client) => client,
        Err(error) => return Ok(bearer_error(&error)),
    };
    let params = match request.query() {
        Ok(params) => params,
        Err(error) => return Ok(oauth_error(&error)),
    };
    let skipped = params.get("offset").map_or(Ok(0), str::parse::<u32>);
    let (Some(number), Ok(skipped)) = (params.get("enterprise"), skipped) else {
        return Ok(oauth_error(&OAuthError::request(
            "`enterprise` is needed, `offset` is a number",
        )));
    };
    let skipped = usize::try_from(skipped).unwrap_or(usize::MAX);
    let Some(found) = whole_history(&request.ctx, &client, number, skipped).await? else {
        let body =
            json!({"error": "E_FORMAT", "error_description": "no enterprise has this number"});
        return Ok(no_store((StatusCode::NOT_FOUND, Json(body)).into_response()));
    };
    let next = (found.len() == A_PAGE).then(|| skipped.saturating_add(A_PAGE));
    let records: Vec<Value> = found.iter().map(record).collect();
    Ok(no_store(Json(json!({"records": records, "next": next})).into_response()))
}

fn record(one: &Ended<Person>) -> Value {
    let (entry, authorisation) = (&one.entry, &one.authorisation);
    let at =
        |at: Option<crate::base::clock::Timestamp>| at.map(crate::base::clock::Timestamp::rfc3339);
    json!({
        "authorisation_id": authorisation.id.to_string(),
        "person": one.other.id.to_string(),
        "name": mask::name(one.other.name.as_str()),
        "identity_type": authorisation.identity_type.0,
        "permissions": authorisation.permissions(),
        "valid_from": authorisation.valid_from.to_string(),
        "valid_to": authorisation.valid_to().map(|day| day.to_string()),
        "state": authorisation.state().name(),
        "reason": entry.reason.name(),
        "by": entry.by.side(),
        "at": entry.at.rfc3339(),
        "cleared_by_enterprise_at": at(entry.hidden_for_enterprise_at),
        "cleared_by_person_at": at(entry.hidden_for_person_at),
    })
}
