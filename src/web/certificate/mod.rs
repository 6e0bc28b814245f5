//! Pages that speak with the key agent on a person's own computer, and what they ask us meanwhile. The
//! agent is spoken to by the page's script alone; no PIN is ever in a form of ours.

pub mod check;
pub mod own;
pub mod sign_in;
mod words;

use axum::Router;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use axum::routing::{get, post};

use crate::web::app::App;

/// Where the agent listens, as pages look for it (`kagent/1`): these pages may ask it, and nothing else on
/// this computer.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
    connect-src 'self' http://127.0.0.1:17443 http://127.0.0.1:27443 http://127.0.0.1:37443; \
    base-uri 'none'; frame-ancestors 'none'";

pub fn routes() -> Router<App> {
    Router::new()
        .route("/login/certificate", get(sign_in::get).post(sign_in::post))
        .route("/login/certificate/challenge", get(sign_in::challenge))
        .route("/login/choose_handler", get(sign_in::get_handlers).post(sign_in::post_handler))
        .route("/certificates/check", get(check::get).post(check::post))
        .route("/certificates/check/challenge", get(check::challenge))
        .route("/account/certificates", get(own::get).post(own::post))
        .route("/account/certificates/list", post(own::list))
}

/// The page may speak with the agent.
fn may_ask_the_agent(mut page: Response) -> Response {
    let policy = HeaderValue::from_static(POLICY);
    page.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    page
}
