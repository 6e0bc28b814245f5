//! A tax application as any developer would write it: the openidconnect crate against discovery,
//! code flow with PKCE, the claims of scope `tax_identity`, refresh, an API call, sign-out, and
//! the back-channel logout that tells it when a session has ended.

#[path = "invoices.rs"]
mod invoices;
#[path = "page.rs"]
mod page;

use std::collections::{BTreeMap, BTreeSet};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::extract::{Form, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreAuthenticationFlow, CoreErrorResponseType,
    CoreGenderClaim, CoreJsonWebKey, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm,
    CoreProviderMetadata, CoreRevocableToken, CoreRevocationErrorResponse,
    CoreTokenIntrospectionResponse, CoreTokenType,
};
use openidconnect::{
    AdditionalClaims, AsyncHttpClient, AuthType, AuthenticationContextClass, AuthorizationCode,
    ClientId, ClientSecret, CsrfToken, EmptyExtraTokenFields, HttpRequest, HttpResponse,
    IdTokenFields, IssuerUrl, JsonWebKey, Nonce, OAuth2TokenResponse, PkceCodeChallenge,
    PkceCodeVerifier, RedirectUrl, RefreshToken, Scope, StandardErrorResponse,
    StandardTokenResponse, TokenResponse,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

#[derive(Clone, Debug)]
pub struct Settings {
    pub issuer: String,
    pub client_id: String,
    pub client_secret: String,
    /// `client_secret_post` instead of `client_secret_basic`.
    pub secret_in_body: bool,
    pub own_url: String,
    pub title: String,
    /// Where the invoice service's API is, if this application uses it.
    pub invoices: Option<String>,
    /// Other places of the same demonstration: (words, address).
    pub links: Vec<(String, String)>,
    /// Who the provider's certificate is from, in PEM, where the system does not know them.
    pub authority: Option<Vec<u8>>,
}

/// What Hufu adds to an ID token.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct TaxClaims {
    #[serde(default)]
    tax_identity: Value,
    #[serde(default)]
    roles: Vec<String>,
    #[serde(default)]
    permissions: BTreeSet<String>,
    #[serde(default)]
    sid: String,
}

impl AdditionalClaims for TaxClaims {}

type Fields = IdTokenFields<
    TaxClaims,
    EmptyExtraTokenFields,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJwsSigningAlgorithm,
>;
type Tokens = StandardTokenResponse<Fields, CoreTokenType>;
type Client = openidconnect::Client<
    TaxClaims,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    Tokens,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    openidconnect::EndpointSet,
    openidconnect::EndpointNotSet,
    openidconnect::EndpointNotSet,
    openidconnect::EndpointNotSet,
    openidconnect::EndpointMaybeSet,
    openidconnect::EndpointMaybeSet,
>;

/// A sign-in on its way, by its `state`.
struct Pending {
    nonce: Nonce,
    verifier: PkceCodeVerifier,
    /// Asked without showing anything: a refusal is an answer, not a failure.
    is_silent: bool,
}

/// Somebody signed in here.
#[derive(Clone)]
struct SignedIn {
    claims: TaxClaims,
    /// The level that was proved.
    acr: String,
    /// By what (RFC 8176).
    amr: String,
    /// When, in seconds since 1970.
    auth_time: i64,
    subject: String,
    id_token: String,
    access_token: String,
    refresh_token: Option<String>,
}

/// reqwest, in the shape that openidconnect asks for.
#[derive(Clone)]
struct Http(reqwest::Client);

impl<'c> AsyncHttpClient<'c> for Http {
    type Error = reqwest::Error;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, reqwest::Error>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(async move {
            let response = self.0.execute(reqwest::Request::try_from(request)?).await?;
            let status = response.status().as_u16();
            let mut answer = openidconnect::http::Response::builder().status(status);
            for (name, value) in response.headers() {
                answer = answer.header(name.as_str(), value.as_bytes());
            }
            let body = response.bytes().await?.to_vec();
            Ok(answer.body(body).unwrap_or_default())
        })
    }
}

#[derive(Clone)]
struct TaxApp {
    settings: Settings,
    http: Http,
    pending: Arc<Mutex<BTreeMap<String, Pending>>>,
    sessions: Arc<Mutex<BTreeMap<String, SignedIn>>>,
    /// Browsers whose identity has ended or changed: they are asked about silently.
    told: Arc<Mutex<BTreeSet<String>>>,
}

fn lock<T>(held: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

pub fn router(settings: Settings) -> Result<Router, reqwest::Error> {
    let mut http =
        reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy();
    if let Some(authority) = &settings.authority {
        http = http.add_root_certificate(reqwest::Certificate::from_pem(authority)?);
    }
    let http = Http(http.build()?);
    let app = TaxApp {
        settings,
        http,
        pending: Arc::default(),
        sessions: Arc::default(),
        told: Arc::default(),
    };
    Ok(Router::new()
        .route("/", get(home))
        .route("/sign-in", get(sign_in))
        .route("/callback", get(callback))
        .route("/refresh", post(refresh))
        .route("/api", get(api))
        .route("/check", get(check))
        .route("/sign-out", post(sign_out))
        .route("/backchannel-logout", post(backchannel_logout))
        .merge(invoices::router())
        .with_state(app))
}

/// What went wrong, as a page with a way on.
struct AppError(StatusCode, String);

impl IntoResponse for AppError {
    fn into_response(self) -> Response {
        (self.0, page::refused(&self.1)).into_response()
    }
}

fn failed(error: impl std::fmt::Display) -> AppError {
    AppError(StatusCode::BAD_GATEWAY, format!("sign-in failed: {error}"))
}

impl TaxApp {
    fn cookie_name(&self) -> String {
        format!("{}-session", self.settings.client_id)
    }

    fn cookie(&self, headers: &HeaderMap) -> Option<String> {
        let cookies = headers.get(header::COOKIE)?.to_str().ok()?;
        let name = format!("{}=", self.cookie_name());
        cookies.split("; ").find_map(|cookie| cookie.strip_prefix(&name)).map(str::to_owned)
    }

    fn signed_in(&self, headers: &HeaderMap) -> Option<(String, SignedIn)> {
        let cookie = self.cookie(headers)?;
        let found = lock(&self.sessions).get(&cookie).cloned();
        found.map(|signed_in| (cookie, signed_in))
    }

    /// Everything is learnt from discovery.
    async fn provider(&self) -> Result<CoreProviderMetadata, AppError> {
        let issuer = IssuerUrl::new(self.settings.issuer.clone()).map_err(failed)?;
        CoreProviderMetadata::discover_async(issuer, &self.http).await.map_err(failed)
    }

    async fn client(&self) -> Result<Client, AppError> {
        let provider = self.provider().await?;
        let client = Client::from_provider_metadata(
            provider,
            ClientId::new(self.settings.client_id.clone()),
            Some(ClientSecret::new(self.settings.client_secret.clone())),
        );
        let redirect = format!("{}/callback", self.settings.own_url);
        let method =
            if self.settings.secret_in_body { AuthType::RequestBody } else { AuthType::BasicAuth };
        Ok(client
            .set_auth_type(method)
            .set_redirect_uri(RedirectUrl::new(redirect).map_err(failed)?))
    }
}

#[derive(Deserialize)]
struct SignIn {
    /// `select_account` to switch, `none` to ask whether somebody else works here now.
    prompt: Option<String>,
    /// A real-name level that this application needs now (RFC 9470).
    acr: Option<String>,
    /// Who is to sign in, and for which enterprise: what the sign-in page begins with.
    person: Option<String>,
    enterprise: Option<String>,
}

async fn sign_in(
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
struct Callback {
    state: String,
    code: Option<String>,
    error: Option<String>,
    error_description: Option<String>,
    iss: Option<String>,
}

async fn callback(
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

async fn refresh(State(app): State<TaxApp>, headers: HeaderMap) -> Result<Redirect, AppError> {
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
async fn api(
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

/// What an API said: to people as a page, to programs as it came.
fn answered(headers: &HeaderMap, asked: &str, status: StatusCode, body: String) -> Response {
    let accepted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    match accepted.is_some_and(|accepted| accepted.contains("text/html")) {
        true => (status, page::answer(asked, status.as_u16(), &body)).into_response(),
        false => (status, [(header::CONTENT_TYPE, "application/json")], body).into_response(),
    }
}

/// Who is signed in, as headers, for a proxy that asks before each request (nginx's `auth_request`).
/// Codes and numbers alone: a header carries Latin letters.
async fn check(State(app): State<TaxApp>, headers: HeaderMap) -> Response {
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

async fn sign_out(State(app): State<TaxApp>, headers: HeaderMap) -> Redirect {
    let Some((cookie, signed_in)) = app.signed_in(&headers) else { return Redirect::to("/") };
    lock(&app.sessions).remove(&cookie);
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("id_token_hint", &signed_in.id_token);
    query.append_pair("post_logout_redirect_uri", &format!("{}/", app.settings.own_url));
    Redirect::to(&format!("{}/logout?{}", app.settings.issuer, query.finish()))
}

#[derive(Deserialize)]
struct LogoutNotice {
    logout_token: String,
}

/// OIDC Back-Channel Logout §2.6. A logout token is not an ID token (its `typ` says so), so it is
/// verified here, with the provider's own keys.
async fn backchannel_logout(
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

#[derive(Deserialize)]
struct Home {
    /// `refreshed` or `ended`: what the refresh came to.
    done: Option<String>,
}

/// Whoever was signed in here until the provider told us may work in another identity by now.
async fn home(State(app): State<TaxApp>, Query(home): Query<Home>, headers: HeaderMap) -> Response {
    let was_told = app.cookie(&headers).is_some_and(|cookie| lock(&app.told).remove(&cookie));
    if was_told {
        return Redirect::to("/sign-in?prompt=none").into_response();
    }
    let signed_in = app.signed_in(&headers).map(|(_, signed_in)| signed_in);
    page::home(&app.settings, signed_in.as_ref(), home.done.as_deref()).into_response()
}
