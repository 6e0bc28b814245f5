//! 【数字证书管理】 of an enterprise's account centre (AC-44 to AC-46): what the token holds, told by the
//! page's script; a new PIN by the agent. We learn that a PIN was changed and nothing of it.

use axum::Json;
use axum::response::IntoResponse;
use serde_json::{Value, json};

use crate::domain::function::Function;
use crate::domain::refusal::Refusal;
use crate::flows::certificate::pins::{self, OnToken, State};
use crate::views::certificate::OwnCertificatesPage;
use crate::web::account::visit::Visit;
use crate::web::answer::{Answer, no_store};
use crate::web::certificate::{may_ask_the_agent, words};
use crate::web::form::Form;
use crate::web::request::Request;

pub async fn get(request: Request) -> Answer {
    let visit = Visit::enter(request, Function::OwnCertificates).await?;
    let request = &visit.request;
    let page = OwnCertificatesPage {
        words: words::of(request),
        downloads: words::downloads(request),
        is_closed: !request.ctx.realm.certificates.are_taken(),
        notice: None,
    };
    Ok(may_ask_the_agent(visit.page(None, &page).await?))
}

/// `ders` and `chain`: what the agent has listed, and what tokens have above it. Each as the bureau sees it.
pub async fn list(form: Form) -> Answer {
    let (visit, form) = Visit::enter_with(form, Function::OwnCertificates).await?;
    let Some(own) = pins::enterprise(&visit.identity) else {
        return visit.refused(&Refusal::Role);
    };
    let request = &visit.request;
    let ders = form.get("ders").unwrap_or_default();
    let chain = form.get("chain").unwrap_or_default();
    let found = pins::shown(&request.ctx, own, ders, chain).await?;
    let told: Vec<Value> = found.iter().map(|one| told(request, one)).collect();
    Ok(no_store(Json(told).into_response()))
}

fn told(request: &Request, one: &OnToken) -> Value {
    let state = match one.state {
        State::Bound => "certificate-bound",
        State::Unbound => "certificate-unbound",
        State::Expired => "certificate-expired",
        State::Untrusted => "certificate-untrusted",
    };
    json!({
        "subject": one.subject, "issuer": one.issuer, "serial": one.serial,
        "from": one.not_before.day().to_string(), "to": one.not_after.day().to_string(),
        "is_national": one.is_national, "is_bound": one.state == State::Bound,
        "state": request.text(state),
    })
}

/// `act`: `changed`.
pub async fn post(form: Form) -> Answer {
    let (visit, form) = Visit::enter_with(form, Function::OwnCertificates).await?;
    let own = pins::enterprise(&visit.identity);
    let (Some(own), Some("changed")) = (own, form.get("act")) else {
        return visit.refused(&Refusal::State);
    };
    let done = pins::changed(&visit.request.ctx, &visit.session, own).await;
    visit.or_refused(done)?;
    visit.go("/account/certificates")
}
