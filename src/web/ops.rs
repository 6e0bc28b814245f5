//! Beside the faces: health, embedded assets, what does not exist.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::app::App;
use super::face;
use crate::views::assets::asset as embedded;

pub async fn live() -> StatusCode {
    StatusCode::NO_CONTENT
}

/// Whether this node can sign somebody in, and is going to.
pub async fn ready(State(app): State<App>) -> Response {
    if app.stopping().has_begun() {
        return (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "5")]).into_response();
    }
    match app.services().check_ready(&app.realms()).await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => {
            tracing::warn!(%error, "Not ready");
            (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "5")]).into_response()
        }
    }
}

/// The realm's own before ours.
pub async fn asset(
    State(app): State<App>,
    Path((realm, name)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let own = app.realm(&realm).and_then(|realm| face::asset(&realm.look, &name));
    match own.or_else(|| embedded(&name).cloned()) {
        Some(found) => face::file(found, &headers),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// Where `GET` begins or gives something by design: `HEAD`, which nobody's browser sends, does not.
pub async fn not_by_head() -> Response {
    allowed("GET, POST")
}

/// The same where nothing is posted.
pub async fn by_get_alone() -> Response {
    allowed("GET")
}

fn allowed(methods: &'static str) -> Response {
    (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, methods)]).into_response()
}

pub async fn not_found() -> Response {
    (StatusCode::NOT_FOUND, "404").into_response()
}
