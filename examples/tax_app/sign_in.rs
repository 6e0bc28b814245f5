//! Signing in: the code flow with PKCE, and what becomes of its answer.

use axum::extract::{Query, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Redirect, Response};
use openidconnect::core::{CoreAuthPrompt, CoreAuthenticationFlow};
use openidconnect::{
    AuthenticationContextClass, AuthorizationCode, CsrfToken, Nonce, OAuth2TokenResponse,
    PkceCodeChallenge, PkceCodeVerifier, Scope, TokenResponse,
};
use serde::Deserialize;

use super::provider::Tokens;
use super::{AppError, SignedIn, TaxApp, failed, invoices, lock};

/// A sign-in on its way, by its `state`.
pub(super) struct Pending {
    nonce: Nonce,
    verifier: PkceCodeVerifier,
    /// Asked without showing anything: a refusal is an answer, not a failure.
    is_silent: bool,
}

#[derive(Deserialize)]
pub(super) struct SignIn {
    /// `select_account` to switch, `none` to ask whether somebody else works here now.
    prompt: Option<String>,
    /// A real-name level that this application needs now (RFC 9470).
    pub(super) acr: Option<String>,
    /// Who is to sign in, and for which enterprise: what the sign-in page begins with.
    person: Option<String>,
    enterprise: Option<String>,
}

pub(super) async fn sign_in(
    State(app): State<TaxApp>,
    Query(wanted): Query<SignIn>,
) -> Result<Redirect, AppError> {
    let client = app.client().await?;
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let mut request = client
        .authorize_url(
            CoreAuthenticationFlow::AuthorizationCode,
            CsrfToken::new_random,
            Nonce::new_random,
        )
        .add_scope(Scope::new("profile".to_owned()))
        .add_scope(Scope::new("tax_identity".to_owned()))
        .set_pkce_challenge(challenge);
    if app.settings.invoices.is_some() {
        request = request.add_extra_param("resource", invoices::IDENTIFIER);
    }
    if wanted.prompt.as_deref() == Some("select_account") {
        request = request.add_prompt(CoreAuthPrompt::SelectAccount);
    }
    let is_silent = wanted.prompt.as_deref() == Some("none");
    if is_silent {
        request = request.add_prompt(CoreAuthPrompt::None);
    }
    for (name, hint) in [("login_hint", wanted.person), ("identity_hint", wanted.enterprise)] {
        if let Some(hint) = hint {
            request = request.add_extra_param(name, hint);
        }
    }
    if let Some(acr) = wanted.acr {
        request = request.add_auth_context_value(AuthenticationContextClass::new(acr));
    }
    let (url, state, nonce) = request.url();
    lock(&app.pending).insert(state.secret().clone(), Pending { nonce, verifier, is_silent });
    Ok(Redirect::to(url.as_str()))
}

#[derive(Deserialize)]
pub(super) struct Callback {
    state: String,
    code: Option<String>,
    error: Option<String>,
    error_description: Option<String>,
    iss: Option<String>,
}

pub(super) async fn callback(
    State(app): State<TaxApp>,
    Query(answer): Query<Callback>,
) -> Result<Response, AppError> {
    let pending = lock(&app.pending).remove(&answer.state);
    let Some(pending) = pending else { return Err(failed("this sign-in was not begun here")) };
    // RFC 9207: another provider's answer is not ours to redeem.
    if answer.iss.as_deref() != Some(app.settings.issuer.as_str()) {
        return Err(failed("the answer is of another issuer"));
    }
    let Some(code) = answer.code else {
        if pending.is_silent {
            return Ok(Redirect::to("/").into_response());
        }
        let why = [answer.error, answer.error_description].map(Option::unwrap_or_default);
        return Err(failed(why.join(": ")));
    };
    let client = app.client().await?;
    let tokens: Tokens = client
        .exchange_code(AuthorizationCode::new(code))
        .map_err(failed)?
        .set_pkce_verifier(pending.verifier)
        .add_extra_param("resource", &app.settings.issuer)
        .request_async(&app.http)
        .await
        .map_err(failed)?;
    let id_token = tokens.id_token().ok_or_else(|| failed("no ID token"))?;
    let verifier = client.id_token_verifier().set_other_audience_verifier_fn(|_| false);
    let claims = id_token.claims(&verifier, &pending.nonce).map_err(failed)?;
    let signed_in = SignedIn {
        claims: claims.additional_claims().clone(),
        acr: claims.auth_context_ref().map(|acr| acr.to_string()).unwrap_or_default(),
        amr: claims.auth_method_refs().map_or_else(String::new, |all| {
            all.iter().map(|one| one.as_str()).collect::<Vec<_>>().join(" ")
        }),
        auth_time: claims.auth_time().map(|at| at.timestamp()).unwrap_or_default(),
        subject: claims.subject().to_string(),
        id_token: id_token.to_string(),
        access_token: tokens.access_token().secret().clone(),
        refresh_token: tokens.refresh_token().map(|token| token.secret().clone()),
    };
    let cookie = CsrfToken::new_random().secret().clone();
    let header_value = format!("{}={cookie}; Path=/; HttpOnly; SameSite=Lax", app.cookie_name());
    lock(&app.sessions).insert(cookie, signed_in);
    let mut response = Redirect::to("/").into_response();
    if let Ok(value) = HeaderValue::from_str(&header_value) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    Ok(response)
}
