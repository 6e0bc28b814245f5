//! A form with a file in it (RFC 7578). Its body waits until the handler knows who sends it; then it is
//! read, so much and no more, where there is room for another.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{
    DefaultBodyLimit, FromRequest, FromRequestParts, Multipart, Request as Incoming,
};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;

use crate::oidc::params::Params;
use crate::web::answer::{Failure, busy};
use crate::web::app::App;
use crate::web::crowd::Seat;
use crate::web::form::Form;
use crate::web::request::Request;

/// What stands around the file: the other fields, and the borders between them.
const AROUND: usize = 16 * 1024;
/// What is read of a file that is too large, so that its sender can be told.
const DISCARDED: usize = 32 * 1024 * 1024;
/// Fields beside the file.
const MOST_FIELDS: usize = 16;
/// A handler has not much longer than this.
const TO_SEND: Duration = Duration::from_secs(15);

/// Whose body nobody has read.
pub struct Sent {
    pub request: Request,
    headers: HeaderMap,
    body: Body,
}

/// As it came, under whatever name.
pub struct File {
    pub name: String,
    /// Empty where none was chosen.
    pub content: Content,
    /// There is room for so many in memory.
    _seat: Seat,
}

pub enum Content {
    Whole(Bytes),
    /// Nothing of it is kept.
    TooLarge,
}

impl FromRequest<App> for Sent {
    type Rejection = Response;

    async fn from_request(incoming: Incoming, app: &App) -> Result<Self, Response> {
        let (mut parts, body) = incoming.into_parts();
        let request = Request::from_request_parts(&mut parts, app).await?;
        Ok(Self { request, headers: parts.headers, body })
    }
}

impl Sent {
    /// The form, and the file of at most so many bytes.
    pub async fn read(self, most: usize) -> Result<(Form, File), Failure> {
        let Self { request, headers, body } = self;
        let seat = request.app.crowds().files.enter(Some(request.ctx.place()));
        let Some(seat) = seat else { return Err(Failure::instead(busy())) };
        let read = tokio::time::timeout(TO_SEND, whole(body, most + AROUND)).await;
        let Ok(read) = read else {
            return Err(Failure::instead(StatusCode::REQUEST_TIMEOUT.into_response()));
        };
        let Ok(read) = read else {
            return Err(Failure::instead(StatusCode::PAYLOAD_TOO_LARGE.into_response()));
        };
        let Some(read) = read else {
            let file = File { name: String::new(), content: Content::TooLarge, _seat: seat };
            return Ok((Form { request, fields: Params::default() }, file));
        };
        let Some((fields, name, content)) = parts(&headers, read).await else {
            return Err(Failure::instead(request.malformed()?));
        };
        let content = match content.len() > most {
            true => Content::TooLarge,
            false => Content::Whole(content),
        };
        Ok((Form { request, fields }, File { name, content, _seat: seat }))
    }
}

/// `None`: it is longer than that, and came to its end; an error: it did not.
async fn whole(body: Body, most: usize) -> Result<Option<Bytes>, ()> {
    let mut chunks = body.into_data_stream();
    let (mut read, mut n_bytes) = (Vec::new(), 0);
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| ())?;
        n_bytes += chunk.len();
        match n_bytes {
            n if n > DISCARDED => return Err(()),
            n if n > most => read = Vec::new(),
            _ => read.extend_from_slice(&chunk),
        }
    }
    Ok((n_bytes <= most).then(|| read.into()))
}

/// Fields, name and content of the file; `None`: it is no such form, or not ours.
async fn parts(headers: &HeaderMap, body: Bytes) -> Option<(Params, String, Bytes)> {
    let mut incoming = Incoming::new(Body::from(body));
    let media_type = headers.get(header::CONTENT_TYPE)?.clone();
    incoming.headers_mut().insert(header::CONTENT_TYPE, media_type);
    // It was measured when it was read.
    DefaultBodyLimit::apply(DefaultBodyLimit::disable(), &mut incoming);
    let mut form = Multipart::from_request(incoming, &()).await.ok()?;
    let (mut file, mut fields) = (None, Vec::new());
    while let Some(field) = form.next_field().await.ok()? {
        let name = field.name()?.to_owned();
        if name == "file" {
            if file.is_some() {
                return None;
            }
            let called = field.file_name()?.to_owned();
            file = Some((called, field.bytes().await.ok()?));
            continue;
        }
        if fields.len() == MOST_FIELDS {
            return None;
        }
        fields.push((name, field.text().await.ok()?));
    }
    let (called, content) = file?;
    let mut encoded = form_urlencoded::Serializer::new(String::new());
    let encoded = encoded.extend_pairs(fields).finish();
    Some((Params::parse(encoded.as_bytes()).ok()?, called, content))
}
