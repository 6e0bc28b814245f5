//! Answers that no handler has written: of what is not there, is too long, took too long, or fell
//! over. People get a page, machines what they got, and a 503 always says when to come again.

use std::collections::BTreeMap;

use axum::extract::{FromRequestParts, Request as Incoming};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;

use crate::views::Chrome;
use crate::views::face::Face;
use crate::views::page::MessagePage;
use crate::web::answer::{APOLOGY, html, with_retry_after};
use crate::web::app::App;
use crate::web::cookies;
use crate::web::request::{Request, accepted_language};

/// Seconds after which one may come again, where nobody knows better.
const SOON: i64 = 5;

pub async fn in_words(app: &App, incoming: Incoming, next: Next) -> Response {
    let (parts, body) = incoming.into_parts();
    let asked = reads_pages(&parts.headers).then(|| parts.clone());
    let response = next.run(Incoming::from_parts(parts, body)).await;
    let status = response.status();
    let (bare, body) = response.into_parts();
    let response = match asked.filter(|_| is_bare(status, &bare.headers)) {
        Some(asked) => with_headers_of(&bare.headers, page(app, asked, status).await),
        None => Response::from_parts(bare, body),
    };
    match status == StatusCode::SERVICE_UNAVAILABLE {
        true if !response.headers().contains_key(header::RETRY_AFTER) => {
            with_retry_after(response, Some(SOON))
        }
        _ => response,
    }
}

/// Browsers say so; libraries do not.
fn reads_pages(headers: &HeaderMap) -> bool {
    let accepted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    accepted.is_some_and(|accepted| accepted.contains("text/html"))
}

/// It went wrong, and nothing or a word in English says so.
fn is_bare(status: StatusCode, headers: &HeaderMap) -> bool {
    let media_type = headers.get(header::CONTENT_TYPE);
    let is_said = media_type.is_some_and(|value| !value.as_bytes().starts_with(b"text/plain"));
    (status.is_client_error() || status.is_server_error()) && !is_said
}

/// In the realm's own look where there is one.
async fn page(app: &App, mut asked: Parts, status: StatusCode) -> Response {
    if status.is_server_error() {
        return html(status, APOLOGY.to_owned());
    }
    let key = match status {
        StatusCode::NOT_FOUND => "no-page",
        StatusCode::PAYLOAD_TOO_LARGE => "too-long",
        _ => "not-served",
    };
    if let Ok(request) = Request::from_request_parts(&mut asked, app).await {
        let to_login = (format!("{}/login", request.base()), "back-to-login");
        if let Ok(page) = request.message(status, key, Some(to_login)) {
            return page;
        }
    }
    let language = accepted_language(&asked.headers);
    let text = |part| app.views().text(&language, &format!("{key}-{part}"), None);
    let page = MessagePage {
        title: text("title"),
        text: text("text"),
        code: None,
        link: Some(("/".to_owned(), app.views().text(&language, "back-to-login", None))),
    };
    let chrome = chrome(app, &language, &asked.headers);
    if let Some(page) = chrome.and_then(|chrome| app.views().render(&chrome, &page).ok()) {
        return html(status, page);
    }
    let words = |lang, part| app.views().text(lang, &format!("{key}-{part}"), None);
    let (title, text) = (words("zh-CN", "title"), words("zh-CN", "text"));
    let english = format!("{}. {}", words("en", "title"), words("en", "text"));
    html(
        status,
        format!(
            "<!doctype html><html lang=\"zh-CN\"><meta charset=\"utf-8\"><title>Hufu</title>\
             <h1>{title}</h1><p>{text}</p><p lang=\"en\">{english}</p>"
        ),
    )
}

/// Around a page of no realm: the looks of the host's first, and nobody's name. `None`: it serves none.
pub fn chrome(app: &App, language: &str, headers: &HeaderMap) -> Option<Chrome> {
    let realm = app.realms().into_iter().min_by(|one, other| one.id.cmp(&other.id))?;
    let large = cookies::look_name(&realm);
    Some(Chrome {
        lang: language.to_owned(),
        realm_name: app.views().text(language, "realms-name", None),
        base: format!("/realms/{}", realm.id),
        csrf: String::new(),
        here: String::new(),
        who: None,
        acting: None,
        officer: None,
        is_large: cookies::read(headers).contains_key(&large),
        request_number: 0,
        face: Face::default(),
        texts: BTreeMap::new(),
    })
}

/// What else the bare answer said: which methods there are, how to prove oneself, when to come again, and
/// whose pages may read it.
fn with_headers_of(bare: &HeaderMap, mut page: Response) -> Response {
    for name in [
        header::ALLOW,
        header::WWW_AUTHENTICATE,
        header::RETRY_AFTER,
        header::ACCESS_CONTROL_ALLOW_ORIGIN,
        header::ACCESS_CONTROL_EXPOSE_HEADERS,
        header::VARY,
    ] {
        for value in bare.get_all(&name) {
            page.headers_mut().append(name.clone(), value.clone());
        }
    }
    page
}
