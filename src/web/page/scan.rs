//! The browser's side of scanning: how the code that a page shows stands, the step onward, and the
//! way back.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use crate::domain::factor::ScanApp;
use crate::domain::login::LoginTransaction;
use crate::domain::refusal::Refusal;
use crate::flows::sign_in::scan::code::{cancel_shown, consume, find_shown};
use crate::flows::{Ctx, Fault, Stop};
use crate::oidc::params::Params;
use crate::web::answer::{Answer, no_store, see_other};
use crate::web::page::scan_view::again;
use crate::web::page::step::{go_on, unless_gone_on};
use crate::web::request::Request;
use crate::web::stream::told_as_it_changes;
use crate::web::transaction::{Begun, begun};

/// How a code stands, for the browser that shows it; `None` for every other.
async fn told(ctx: &Ctx, tx: &LoginTransaction, params: &Params) -> Result<Option<Value>, Fault> {
    let text = |name| params.get(name).unwrap_or_default();
    let found = find_shown(ctx, &tx.id, text("q"), text("v")).await?;
    let told = found.map(|scan| serde_json::to_value(scan.told(ctx.now())));
    told.transpose().map_err(|error| Fault::Internal(error.to_string()))
}

pub async fn state(request: Request) -> Answer {
    let params = request.query().unwrap_or_default();
    let Some(tx) = begun(&request, &params).await? else { return Ok(not_found()) };
    Ok(match told(&request.ctx, &tx, &params).await? {
        Some(told) => no_store(Json(told).into_response()),
        None => not_found(),
    })
}

pub fn not_found() -> Response {
    no_store(StatusCode::NOT_FOUND.into_response())
}

/// The same as it changes, until the code is over.
pub async fn events(request: Request) -> Answer {
    let params = request.query().unwrap_or_default();
    let Some(tx) = begun(&request, &params).await? else { return Ok(not_found()) };
    if told(&request.ctx, &tx, &params).await?.is_none() {
        return Ok(not_found());
    }
    let ctx = request.ctx.clone();
    let ask = move || {
        let (ctx, tx, params) = (ctx.clone(), tx.clone(), params.clone());
        async move { told(&ctx, &tx, &params).await.ok().flatten() }
    };
    Ok(told_as_it_changes(&request, ask, is_over))
}

/// A confirmed code waits for this browser, and nothing else becomes of it by itself.
fn is_over(told: &Value) -> bool {
    !matches!(told["state"].as_str(), Some("new" | "scanned"))
}

/// 【继续】 fetches the outcome, once; 【取消】 ends the code, on the phone, too.
pub async fn post(Begun { request, form, transaction: tx }: Begun) -> Answer {
    let text = |name| form.get(name).unwrap_or_default();
    let (ctx, id, verifier) = (&request.ctx, text("q"), text("v"));
    let done = match text("act") {
        "cancel" => match Stop::refusal(cancel_shown(ctx, &tx.id, id, verifier).await)? {
            Ok(()) => return Ok(see_other(&again(&request, &tx, text("entrance"), text("app")))),
            Err(refusal) => Err(refusal),
        },
        _ => Stop::refusal(consume(ctx, &tx, id, verifier).await)?,
    };
    match done {
        Ok(next) => go_on(&request, &next).await,
        Err(refusal) => {
            unless_gone_on(&request, &tx, show_again(&request, &tx, &form, &refusal)).await
        }
    }
}

/// The page that showed the code, and how the code stands now.
async fn show_again(
    request: &Request,
    tx: &LoginTransaction,
    form: &Params,
    refusal: &Refusal,
) -> Answer {
    let text = |name| form.get(name).unwrap_or_default();
    let way = ScanApp::parse(text("app")).map(ScanApp::factor);
    match tx.proved() {
        Some(_) => super::second_factor::show(request, tx, way, Some(refusal)).await,
        None => {
            super::login::show_again(request, tx, (text("entrance"), text("app")), refusal).await
        }
    }
}
