//! The code by which a phone proves a registration's face: how it stands, the end, and the way back.

use axum::Json;
use axum::response::IntoResponse;
use serde_json::Value;

use crate::flows::self_help::register::{Found, complete, find, shower};
use crate::flows::sign_in::scan::code::{cancel_shown, find_shown};
use crate::flows::{Ctx, Fault, Stop};
use crate::oidc::params::Params;
use crate::web::answer::{Answer, no_store, see_other};
use crate::web::page::scan::not_found;
use crate::web::request::Request;
use crate::web::self_help::Helping;
use crate::web::self_help::register::{address, finished, held};
use crate::web::stream::told_as_it_changes;

/// What this browser's codes are shown under.
async fn shown_by(helping: &Helping) -> Result<Option<String>, Fault> {
    let found = find(&helping.request.ctx, &helping.begun).await?;
    Ok(match found {
        Some(Found::On(held)) => Some(shower(&helping.begun, &held.registration)),
        Some(Found::Done(_)) | None => None,
    })
}

async fn told(ctx: &Ctx, shower: &str, params: &Params) -> Result<Option<Value>, Fault> {
    let text = |name| params.get(name).unwrap_or_default();
    let found = find_shown(ctx, shower, text("q"), text("v")).await?;
    let told = found.map(|scan| serde_json::to_value(scan.told(ctx.now())));
    told.transpose().map_err(|error| Fault::Internal(error.to_string()))
}

pub async fn state(helping: Helping) -> Answer {
    let Some(shower) = shown_by(&helping).await? else { return Ok(not_found()) };
    Ok(match told(&helping.request.ctx, &shower, &helping.form).await? {
        Some(told) => no_store(Json(told).into_response()),
        None => not_found(),
    })
}

/// The same as it changes, until the code is over.
pub async fn events(helping: Helping) -> Answer {
    let Some(shower) = shown_by(&helping).await? else { return Ok(not_found()) };
    let Helping { request, form, .. } = helping;
    if told(&request.ctx, &shower, &form).await?.is_none() {
        return Ok(not_found());
    }
    let ctx = request.ctx.clone();
    let ask = move || {
        let (ctx, shower, form) = (ctx.clone(), shower.clone(), form.clone());
        async move { told(&ctx, &shower, &form).await.ok().flatten() }
    };
    let is_over = |told: &Value| !matches!(told["state"].as_str(), Some("new" | "scanned"));
    Ok(told_as_it_changes(&request, ask, is_over))
}

/// 【继续】 ends the registration, once; 【取消】 ends the code, on the phone, too.
pub async fn post(helping: Helping) -> Answer {
    let held = held(&helping).await?;
    let text = |name| helping.form.get(name).unwrap_or_default();
    let (ctx, id, verifier) = (&helping.request.ctx, text("q"), text("v"));
    let done = match text("act") {
        "cancel" => {
            let shower = shower(&helping.begun, &held.registration);
            match Stop::refusal(cancel_shown(ctx, &shower, id, verifier).await)? {
                Ok(()) => return Ok(see_other(&again(&helping.request, &helping))),
                Err(refusal) => Err(refusal),
            }
        }
        _ => Stop::refusal(complete::by_face(ctx, &helping.begun, &held, (id, verifier)).await)?,
    };
    finished(&helping, &held, done).await
}

fn again(request: &Request, helping: &Helping) -> String {
    let app = helping.form.get("app").unwrap_or_default();
    let app: String = form_urlencoded::byte_serialize(app.as_bytes()).collect();
    format!("{}&app={app}", address(request, "verify", &helping.begun))
}
