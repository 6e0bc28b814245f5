//! Whatever somebody of the first realm sends is sent to the second one before, with the cookies
//! under the names of the second: it must give nothing there, and use nothing up.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn};
use tower::ServiceExt;

use super::{A, B, NAME};

/// What an answer shows of a foreign realm's success, or of its people; empty is right.
pub fn given(status: StatusCode, headers: &HeaderMap, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    if status.is_server_error() {
        found.push(format!("{status}"));
    }
    for cookie in headers.get_all(header::SET_COOKIE) {
        let cookie = cookie.to_str().unwrap();
        let (name, value) = cookie.split_once('=').unwrap();
        if (name.contains("-session-") || name.contains("-device-")) && !value.starts_with(';') {
            found.push(format!("a cookie {name}"));
        }
    }
    let to = headers.get(header::LOCATION).map_or("", |to| to.to_str().unwrap());
    if to.contains("?code=") || to.contains("&code=") {
        found.push(format!("a code: {to}"));
    }
    for mark in [NAME, "\"access_token\":", "\"active\":true", "\"sub\":", "\"sets\":{\""] {
        if text.contains(mark) {
            found.push(format!("{mark} {text}"));
        }
    }
    found
}

pub type Found = Arc<Mutex<(usize, Vec<String>)>>;

pub fn shadowed(router: &Router) -> (Router, Found) {
    let found = Found::default();
    let (own, plain) = (Arc::clone(&found), router.clone());
    let layer = from_fn(move |request: Request, next: Next| {
        let (found, plain) = (Arc::clone(&own), plain.clone());
        async move {
            let (parts, body) = request.into_parts();
            let body = to_bytes(body, 1 << 20).await.unwrap();
            let prefix = format!("/realms/{A}/");
            // A client's own secret is no realm's value: both know this client.
            let is_own = body.windows(18).any(|part| part == b"client_credentials")
                && !body.windows(16).any(|part| part == b"client_assertion");
            if parts.uri.path().starts_with(&prefix) && !is_own {
                let there = there(&parts.method, &parts.uri.to_string(), &parts.headers, &body);
                let what = format!("{} {}", there.method(), there.uri());
                let answer = plain.oneshot(there).await.unwrap();
                let (head, text) = answer.into_parts();
                let text = to_bytes(text, 1 << 20).await.unwrap();
                let text = String::from_utf8_lossy(&text).into_owned();
                let mut found = found.lock().unwrap();
                found.0 += 1;
                for one in given(head.status, &head.headers, &text) {
                    found.1.push(format!("{what} gave {one}"));
                }
            }
            next.run(Request::from_parts(parts, Body::from(body))).await
        }
    });
    (router.clone().layer(layer), found)
}

fn there(method: &axum::http::Method, uri: &str, headers: &HeaderMap, body: &Bytes) -> Request {
    let uri = uri.replace(&format!("/realms/{A}/"), &format!("/realms/{B}/"));
    let mut request = Request::new(Body::from(body.clone()));
    *request.method_mut() = method.clone();
    *request.uri_mut() = uri.parse().unwrap();
    *request.headers_mut() = headers.clone();
    if let Some(cookies) = headers.get(header::COOKIE) {
        let renamed = cookies.to_str().unwrap().replace(&format!("-{A}="), &format!("-{B}="));
        request.headers_mut().insert(header::COOKIE, HeaderValue::from_str(&renamed).unwrap());
    }
    request
}
