//! A tax application as any developer would write it: the openidconnect crate against discovery,
//! code flow with PKCE, the claims of scope `tax_identity`, refresh, an API call, sign-out, and
//! the back-channel logout that tells it when a session has ended.
//!
//! Here are its routes and what it keeps. `provider` is set up from discovery, `sign_in` begins and takes the answer,
//! `session` is what goes on while somebody is signed in, `sign_out` how it ends; `invoices` is an API and its caller.

#[path = "invoices.rs"]
mod invoices;
#[path = "page.rs"]
mod page;
#[path = "provider.rs"]
mod provider;
#[path = "session.rs"]
mod session;
#[path = "sign_in.rs"]
mod sign_in;
#[path = "sign_out.rs"]
mod sign_out;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;

use provider::{Http, TaxClaims};
use sign_in::Pending;

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
        .route("/sign-in", get(sign_in::sign_in))
        .route("/callback", get(sign_in::callback))
        .route("/refresh", post(session::refresh))
        .route("/api", get(session::api))
        .route("/check", get(session::check))
        .route("/sign-out", post(sign_out::sign_out))
        .route("/backchannel-logout", post(sign_out::backchannel_logout))
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
}

/// What an API said: to people as a page, to programs as it came.
fn answered(headers: &HeaderMap, asked: &str, status: StatusCode, body: String) -> Response {
    let accepted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    match accepted.is_some_and(|accepted| accepted.contains("text/html")) {
        true => (status, page::answer(asked, status.as_u16(), &body)).into_response(),
        false => (status, [(header::CONTENT_TYPE, "application/json")], body).into_response(),
    }
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
