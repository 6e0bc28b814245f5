//! The documents that applications read first; their bytes were made once.

use axum::body::Bytes;
use axum::http::header;
use axum::response::IntoResponse;

use crate::web::answer::Answer;
use crate::web::request::Request;

pub async fn document(request: Request) -> Answer {
    let published = request.ctx.services.keys.of(&request.ctx.realm)?;
    Ok(json(published.discovery.clone()))
}

pub async fn jwks(request: Request) -> Answer {
    let published = request.ctx.services.keys.of(&request.ctx.realm)?;
    Ok(json(published.jwks.clone()))
}

fn json(bytes: Bytes) -> axum::response::Response {
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "public, max-age=60"),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
    ];
    (headers, bytes).into_response()
}
