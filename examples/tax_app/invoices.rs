//! An API and who uses it: the invoice service answers whoever shows an access token that is for it, and
//! the filing application asks for one (RFC 8707) and shows it there.

use axum::Json;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use openidconnect::{OAuth2TokenResponse, RefreshToken};
use serde_json::{Value, json};

use super::{AppError, Settings, TaxApp, answered, failed};

/// As it is registered in the realm's `resources/invoices.toml`.
pub(super) const IDENTIFIER: &str = "https://api.jiangxi.example/invoices";

/// What the API asks for, of what its tokens tell.
const PERMISSION: &str = "INVOICE_QUERY";

pub(super) fn router() -> Router<TaxApp> {
    Router::new().route("/invoices", get(ask)).route("/api/invoices", get(answer))
}

/// The one side: a token for the API alone, of what the person has granted, shown to the API.
async fn ask(State(app): State<TaxApp>, headers: HeaderMap) -> Result<Response, AppError> {
    let (Some(api), Some((_, signed_in))) = (&app.settings.invoices, app.signed_in(&headers))
    else {
        return Ok(Redirect::to("/").into_response());
    };
    let Some(refresh_token) = signed_in.refresh_token else {
        return Ok(Redirect::to("/").into_response());
    };
    let client = app.client().await?;
    let tokens = client
        .exchange_refresh_token(&RefreshToken::new(refresh_token))
        .map_err(failed)?
        .add_extra_param("resource", IDENTIFIER)
        .request_async(&app.http)
        .await
        .map_err(failed)?;
    let shown = app.http.0.get(api).bearer_auth(tokens.access_token().secret()).send();
    let answer = shown.await.map_err(failed)?;
    let status = StatusCode::from_u16(answer.status().as_u16()).unwrap_or(StatusCode::BAD_GATEWAY);
    let body = answer.text().await.map_err(failed)?;
    Ok(answered(&headers, "GET /api/invoices", status, body))
}

/// The other side: whatever is shown, the provider is asked what it is worth now (RFC 7662).
async fn answer(State(app): State<TaxApp>, headers: HeaderMap) -> Result<Response, AppError> {
    let shown = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let Some(token) = shown.and_then(|value| value.strip_prefix("Bearer ")) else {
        return Ok(refused("Bearer"));
    };
    let told = introspected(&app, token).await?;
    if told["active"] != true || !is_for_us(&told["aud"]) {
        return Ok(refused("Bearer error=\"invalid_token\""));
    }
    let permissions = told["permissions"].as_array().cloned().unwrap_or_default();
    if !permissions.contains(&json!(PERMISSION)) {
        let challenge = [(header::WWW_AUTHENTICATE, "Bearer error=\"insufficient_scope\"")];
        return Ok((StatusCode::FORBIDDEN, challenge).into_response());
    }
    let of = &told["tax_identity"]["enterprise"];
    Ok(Json(json!({"of": of["tin"], "asked_by": told["client_id"], "invoices": []}))
        .into_response())
}

async fn introspected(app: &TaxApp, token: &str) -> Result<Value, AppError> {
    let Settings { issuer, client_id, client_secret, .. } = &app.settings;
    let fields = [("token", token), ("client_id", client_id), ("client_secret", client_secret)];
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let request = app
        .http
        .0
        .post(format!("{issuer}/introspect"))
        .header("Content-Type", "application/x-www-form-urlencoded")
        .body(body);
    let answer = request.send().await.map_err(failed)?.text().await.map_err(failed)?;
    serde_json::from_str(&answer).map_err(failed)
}

fn is_for_us(audience: &Value) -> bool {
    match audience {
        Value::Array(several) => several.contains(&json!(IDENTIFIER)),
        one => *one == IDENTIFIER,
    }
}

fn refused(challenge: &'static str) -> Response {
    (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, challenge)]).into_response()
}
