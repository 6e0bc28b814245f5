//! `GET /admin/history?enterprise=…&offset=…` or `?person=…`: every relation of an enterprise or of a person that is
//! over, for the bureau's own systems (AC-40, X-19). Names of people are masked; a person is named by their `sub`.
//! What else leads to a person is posted to the same address, so that no number stands in one.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::base::clock::Timestamp;
use crate::base::id::PersonId;
use crate::domain::enterprise::Enterprise;
use crate::domain::mask;
use crate::domain::person::Person;
use crate::flows::Stop;
use crate::flows::oauth::resource::client_of;
use crate::flows::relations::back_office::{
    A_PAGE, Ended, OfPerson, whole_history, whole_history_of_person,
};
use crate::oidc::error::OAuthError;
use crate::oidc::params::Params;
use crate::web::answer::{
    Answer, Failure, bearer_error, no_store, oauth_error, refused, token_needed,
};
use crate::web::form::OauthForm;
use crate::web::oauth::presented;
use crate::web::request::Request;

/// What a client needs to look.
const SCOPE: &str = "history_read";

pub async fn get(request: Request) -> Answer {
    let client = asker(&request).await?;
    let params = match request.query() {
        Ok(params) => params,
        Err(error) => return Ok(oauth_error(&error)),
    };
    if params.get("person").is_some_and(|text| text.parse::<PersonId>().is_err()) {
        let reason = "`person` in an address is an id; a number is posted";
        return Ok(oauth_error(&OAuthError::request(reason)));
    }
    answer(&request, &client, &params).await
}

pub async fn post(request: Request, OauthForm(params): OauthForm) -> Answer {
    let client = asker(&request).await?;
    answer(&request, &client, &params).await
}

/// The client that asks.
async fn asker(request: &Request) -> Result<String, Failure> {
    let Some(token) = presented(request) else {
        return Err(Failure::instead(token_needed()));
    };
    let client = Stop::client(client_of(&request.ctx, &token, SCOPE).await)?;
    client.map_err(|error| Failure::instead(bearer_error(&error)))
}

async fn answer(request: &Request, client: &str, params: &Params) -> Answer {
    let skipped = params.get("offset").map_or(Ok(0), str::parse::<u32>);
    let skipped = skipped.map(|skipped| usize::try_from(skipped).unwrap_or(usize::MAX));
    match (params.get("enterprise"), params.get("person"), skipped) {
        (Some(number), None, Ok(skipped)) => of_enterprise(request, client, number, skipped).await,
        (None, Some(text), Ok(skipped)) => of_person(request, client, text, skipped).await,
        _ => Ok(oauth_error(&OAuthError::request(
            "`enterprise` or `person` is needed, `offset` is a number",
        ))),
    }
}

async fn of_enterprise(request: &Request, client: &str, number: &str, skipped: usize) -> Answer {
    let Some(found) = whole_history(&request.ctx, client, number, skipped).await? else {
        return Ok(nobody("no enterprise has this number"));
    };
    let next = next(found.len(), skipped);
    let records: Vec<Value> = found.iter().map(of_one_person).collect();
    Ok(no_store(Json(json!({"records": records, "next": next})).into_response()))
}

async fn of_person(request: &Request, client: &str, text: &str, skipped: usize) -> Answer {
    let found = whole_history_of_person(&request.ctx, client, text, skipped).await;
    let (person, found) = match Stop::refusal(found)? {
        Ok(OfPerson::One(person, found)) => (person, found),
        Ok(OfPerson::Nobody) => return Ok(nobody("nobody is known by this")),
        Ok(OfPerson::Several(people)) => {
            let people: Vec<String> = people.iter().map(ToString::to_string).collect();
            let reason = "several people have this number";
            let body = json!({"error": "E_STATE", "error_description": reason, "people": people});
            return Ok(no_store((StatusCode::CONFLICT, Json(body)).into_response()));
        }
        Err(refusal) => return Ok(refused(&refusal)),
    };
    let next = next(found.len(), skipped);
    let records: Vec<Value> = found.iter().map(with_one_enterprise).collect();
    let body = json!({"person": person.to_string(), "records": records, "next": next});
    Ok(no_store(Json(body).into_response()))
}

fn nobody(reason: &str) -> Response {
    let body = json!({"error": "E_FORMAT", "error_description": reason});
    no_store((StatusCode::NOT_FOUND, Json(body)).into_response())
}

/// The `offset` of the rest.
fn next(n_found: usize, skipped: usize) -> Option<usize> {
    (n_found == A_PAGE).then(|| skipped.saturating_add(A_PAGE))
}

fn of_one_person(one: &Ended<Person>) -> Value {
    let mut told = record(one);
    told["person"] = json!(one.other.id.to_string());
    told["name"] = json!(mask::name(one.other.name.as_str()));
    told
}

fn with_one_enterprise(one: &Ended<Enterprise>) -> Value {
    let Enterprise { id, tin, name, .. } = &one.other;
    let mut told = record(one);
    told["enterprise"] = json!({"id": id.to_string(), "tin": tin.as_str(), "name": name});
    told
}

/// What both sides have in common.
fn record<T>(one: &Ended<T>) -> Value {
    let (entry, authorisation) = (&one.entry, &one.authorisation);
    let at = |at: Option<Timestamp>| at.map(Timestamp::rfc3339);
    json!({
        "authorisation_id": authorisation.id.to_string(),
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
