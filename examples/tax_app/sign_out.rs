//! Signing out: here and at the provider, and by the back-channel logout that tells when a session has ended.

use std::time::{SystemTime, UNIX_EPOCH};

use axum::extract::{Form, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Redirect;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use openidconnect::JsonWebKey;
use openidconnect::core::{CoreJsonWebKey, CoreJwsSigningAlgorithm};
use serde::Deserialize;
use serde_json::Value;

use super::{AppError, Settings, TaxApp, lock};

pub(super) async fn sign_out(State(app): State<TaxApp>, headers: HeaderMap) -> Redirect {
    let Some((cookie, signed_in)) = app.signed_in(&headers) else { return Redirect::to("/") };
    lock(&app.sessions).remove(&cookie);
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("id_token_hint", &signed_in.id_token);
    query.append_pair("post_logout_redirect_uri", &format!("{}/", app.settings.own_url));
    Redirect::to(&format!("{}/logout?{}", app.settings.issuer, query.finish()))
}

#[derive(Deserialize)]
pub(super) struct LogoutNotice {
    logout_token: String,
}

/// OIDC Back-Channel Logout §2.6. A logout token is not an ID token (its `typ` says so), so it is
/// verified here, with the provider's own keys.
pub(super) async fn backchannel_logout(
    State(app): State<TaxApp>,
    Form(notice): Form<LogoutNotice>,
) -> Result<StatusCode, AppError> {
    let provider = app.provider().await?;
    let sid = logged_out(&notice.logout_token, provider.jwks().keys(), &app.settings);
    let Some(sid) = sid else {
        return Err(AppError(StatusCode::BAD_REQUEST, "not a logout token of ours".to_owned()));
    };
    lock(&app.sessions).retain(|cookie, signed_in| {
        let goes_on = signed_in.claims.sid != sid;
        if !goes_on {
            lock(&app.told).insert(cookie.clone());
        }
        goes_on
    });
    Ok(StatusCode::OK)
}

/// The `sid` that a genuine logout token for this application names.
#[expect(clippy::disallowed_methods, reason = "an application goes by the machine's clock")]
fn logged_out(token: &str, keys: &[CoreJsonWebKey], settings: &Settings) -> Option<String> {
    let (signed, signature) = token.rsplit_once('.')?;
    let (header, payload) = signed.split_once('.')?;
    let decode = |part: &str| BASE64_URL_SAFE_NO_PAD.decode(part).ok();
    let header: Value = serde_json::from_slice(&decode(header)?).ok()?;
    let algorithm: CoreJwsSigningAlgorithm = serde_json::from_value(header["alg"].clone()).ok()?;
    let key =
        keys.iter().find(|key| key.key_id().is_some_and(|id| header["kid"] == id.as_str()))?;
    key.verify_signature(&algorithm, signed.as_bytes(), &decode(signature)?).ok()?;
    let claims: Value = serde_json::from_slice(&decode(payload)?).ok()?;
    let event = "http://schemas.openid.net/event/backchannel-logout";
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_secs();
    let is_ours = header["typ"] == "logout+jwt"
        && claims["iss"] == settings.issuer.as_str()
        && claims["aud"] == settings.client_id.as_str()
        && claims["events"][event].is_object()
        && claims["nonce"].is_null()
        && claims["exp"].as_u64().is_some_and(|exp| exp > now);
    is_ours.then(|| claims["sid"].as_str().map(str::to_owned))?
}
