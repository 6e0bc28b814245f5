//! While somebody is signed in: new tokens, an API that asks for a level, and who it is, for a proxy.

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use openidconnect::{OAuth2TokenResponse, RefreshToken};
use serde_json::Value;

use super::sign_in::SignIn;
use super::{AppError, SignedIn, TaxApp, answered, failed, lock};

pub(super) async fn refresh(
    State(app): State<TaxApp>,
    headers: HeaderMap,
) -> Result<Redirect, AppError> {
    let Some((cookie, signed_in)) = app.signed_in(&headers) else { return Ok(Redirect::to("/")) };
    let Some(token) = signed_in.refresh_token.clone() else { return Ok(Redirect::to("/")) };
    let client = app.client().await?;
    let token = RefreshToken::new(token);
    let refreshed = client
        .exchange_refresh_token(&token)
        .map_err(failed)?
        .add_extra_param("resource", &app.settings.issuer)
        .request_async(&app.http)
        .await;
    // Refused: the identity has ended, and so has the session here.
    let Ok(tokens) = refreshed else {
        lock(&app.sessions).remove(&cookie);
        return Ok(Redirect::to("/?done=ended"));
    };
    let renewed = SignedIn {
        access_token: tokens.access_token().secret().clone(),
        refresh_token: tokens.refresh_token().map(|token| token.secret().clone()),
        ..signed_in
    };
    lock(&app.sessions).insert(cookie, renewed);
    Ok(Redirect::to("/?done=refreshed"))
}

/// An API of this application: it asks the provider what the access token is worth. What needs a
/// higher level says so (RFC 9470 §3), and `/sign-in?acr=…` asks for it.
pub(super) async fn api(
    State(app): State<TaxApp>,
    Query(wanted): Query<SignIn>,
    headers: HeaderMap,
) -> Result<Response, AppError> {
    let Some((_, signed_in)) = app.signed_in(&headers) else {
        return Err(AppError(StatusCode::UNAUTHORIZED, "nobody is signed in".to_owned()));
    };
    if let Some(acr) = wanted.acr.filter(|acr| signed_in.acr < *acr) {
        let challenge =
            format!("Bearer error=\"insufficient_user_authentication\", acr_values=\"{acr}\"");
        let challenge = [(header::WWW_AUTHENTICATE, challenge)];
        return Ok((StatusCode::UNAUTHORIZED, challenge).into_response());
    }
    let answer = app
        .http
        .0
        .get(format!("{}/userinfo", app.settings.issuer))
        .bearer_auth(&signed_in.access_token)
        .send()
        .await
        .map_err(failed)?;
    let status = StatusCode::from_u16(answer.status().as_u16()).unwrap_or(StatusCode::BAD_GATEWAY);
    let body = answer.text().await.map_err(failed)?;
    Ok(answered(&headers, "GET /userinfo", status, body))
}

/// Who is signed in, as headers, for a proxy that asks before each request (nginx's `auth_request`).
/// Codes and numbers alone: a header carries Latin letters.
pub(super) async fn check(State(app): State<TaxApp>, headers: HeaderMap) -> Response {
    let Some((_, signed_in)) = app.signed_in(&headers) else {
        return StatusCode::UNAUTHORIZED.into_response();
    };
    let claims = signed_in.claims;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let permissions: Vec<String> = claims.permissions.into_iter().collect();
    let told = [
        ("x-tax-subject", signed_in.subject),
        ("x-tax-enterprise", text(&claims.tax_identity["enterprise"]["tin"])),
        ("x-tax-identity-type", text(&claims.tax_identity["identity_type"])),
        ("x-tax-roles", claims.roles.join(",")),
        ("x-tax-permissions", permissions.join(",")),
    ];
    (StatusCode::NO_CONTENT, told).into_response()
}
