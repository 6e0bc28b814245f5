//! The browser's side of scanning: the code as a picture, how it stands, and the step onward.

use std::convert::Infallible;
use std::time::Duration;

use axum::Json;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::domain::factor::ScanApp;
use crate::domain::login::LoginTransaction;
use crate::flows::sign_in::scan::code::{consume, find_shown};
use crate::flows::{Ctx, Fault, Stop};
use crate::oidc::params::Params;
use crate::web::answer::{Answer, no_store};
use crate::web::page::step::go_on;
use crate::web::request::Request;
use crate::web::transaction::{Begun, begun};

/// How a code stands, for the browser that shows it; `None` for every other.
async fn told(ctx: &Ctx, tx: &LoginTransaction, params: &Params) -> Result<Option<Value>, Fault> {
    let text = |name| params.get(name).unwrap_or_default();
    let found = find_shown(ctx, tx, text("q"), text("v")).await?;
    Ok(found.map(|scan| {
        let (state, name) = scan.told(ctx.now());
        json!({"state": state, "name": name})
    }))
}

pub async fn state(request: Request) -> Answer {
    let params = request.query().unwrap_or_default();
    let Some(tx) = begun(&request, &params).await? else { return Ok(not_found()) };
    Ok(match told(&request.ctx, &tx, &params).await? {
        Some(told) => no_store(Json(told).into_response()),
        None => not_found(),
    })
}

fn not_found() -> Response {
    no_store(StatusCode::NOT_FOUND.into_response())
}

/// Asked again once a second, told when it changes, until the code is over.
pub async fn events(request: Request) -> Answer {
    let params = request.query().unwrap_or_default();
    let Some(tx) = begun(&request, &params).await? else { return Ok(not_found()) };
    if told(&request.ctx, &tx, &params).await?.is_none() {
        return Ok(not_found());
    }
    let ctx = request.ctx.clone();
    let stream = futures_util::stream::unfold(Some(Value::Null), move |before| {
        let (ctx, tx, params) = (ctx.clone(), tx.clone(), params.clone());
        async move {
            let before = before?;
            loop {
                let now = told(&ctx, &tx, &params).await.ok().flatten()?;
                if now != before {
                    let is_over = !matches!(now["state"].as_str(), Some("new" | "scanned"));
                    let event = Event::default().data(now.to_string());
                    let next = (!is_over).then_some(now);
                    return Some((Ok::<_, Infallible>(event), next));
                }
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    });
    let mut response = no_store(Sse::new(stream).keep_alive(KeepAlive::new()).into_response());
    // nginx would hold an event back until there are more of them.
    let headers = response.headers_mut();
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    Ok(response)
}

/// 【继续】: fetches the outcome, once.
pub async fn post(Begun { request, form, transaction: tx }: Begun) -> Answer {
    let text = |name| form.get(name).unwrap_or_default();
    match Stop::refusal(consume(&request.ctx, &tx, text("q"), text("v")).await)? {
        Ok(next) => go_on(&request, &next).await,
        Err(refusal) => {
            let way = ScanApp::parse(text("app")).map(ScanApp::factor);
            match tx.proved() {
                Some(_) => super::second_factor::show(&request, &tx, way, Some(&refusal)).await,
                None => super::login::show_again(&request, &tx, text("app"), &refusal).await,
            }
        }
    }
}
