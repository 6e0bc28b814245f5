//! 环境检测 (C-05): item by item, each with its next step. The page's script looks; we give the time and a
//! challenge, and say what a trial signature is worth. It opens no door.

use axum::Json;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde_json::json;

use crate::flows::Stop;
use crate::flows::certificate::trial;
use crate::views::certificate::{CheckItem, CheckPage};
use crate::web::answer::{Answer, no_store};
use crate::web::certificate::sign_in::{signed, told};
use crate::web::certificate::{may_ask_the_agent, words};
use crate::web::form::Form;
use crate::web::request::Request;

/// What the page's form is bound to: anybody may look at their own computer.
const BINDING: &str = "certificate-check";

const ITEMS: [&str; 8] =
    ["secure", "permission", "agent", "driver", "token", "certificates", "clock", "trial"];

pub async fn get(request: Request) -> Answer {
    if !request.ctx.realm.certificates.are_taken() {
        return request.forbidden();
    }
    let item = |id: &&'static str| CheckItem {
        id,
        title: request.text(&format!("check-{id}")),
        next: request.text(&format!("check-{id}-next")),
    };
    let page = CheckPage {
        items: ITEMS.iter().map(item).collect(),
        words: words::of(&request),
        downloads: words::downloads(&request),
        notice: None,
    };
    Ok(may_ask_the_agent(request.page(StatusCode::OK, BINDING, &page)?))
}

pub async fn challenge(request: Request) -> Answer {
    let asked = trial::challenge(&request.ctx);
    Ok(told(&request, &asked))
}

/// What a trial signature is worth, in words and with the code of a refusal.
pub async fn post(form: Form) -> Answer {
    let (request, form) = form.genuine(BINDING)?;
    let judged = trial::judge(&request.ctx, signed(&form)).await;
    let told = match Stop::refusal(judged)? {
        Ok(()) => json!({"ok": true, "text": request.text("check-trial-good")}),
        Err(refusal) => {
            let notice = request.notice(&refusal);
            json!({"ok": false, "code": notice.code, "text": notice.text})
        }
    };
    Ok(no_store(Json(told).into_response()))
}
